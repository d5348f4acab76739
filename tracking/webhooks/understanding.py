"""One event of a provider, as Anymail reads it → what it says about which of our emails."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from broadcasts.addresses import address_key
from broadcasts.forgetting.anonymous import is_anonymous, stands_for
from broadcasts.models import Delivery
from broadcasts.tokens import read_token
from tracking.meanings import Meaning
from tracking.meanings.provider_events import Detail, line_for
from tracking.meanings.raw_details import enhanced_code, read_detail
from tracking.models import Event
from tracking.opens import flag_of, is_about_opening, program_of, worth
from tracking.recording import Evidence, storable

# The name under which our own token travels in a provider's metadata, and the token's purpose.
METADATA = "delivery"
PURPOSE = "webhook"
LONGEST_MESSAGE_ID = 200
# Further away, it is not the event that is old or to come but a clock that is wrong.
EARLIEST, LATEST = timedelta(days=400), timedelta(minutes=5)

Name = tuple[str, str]  # the provider's id of a message, and the address_key


class UnusableEvent(Exception):
    """Its text says why, for an administrator."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an event says, before we know about which delivery."""

    provider: str
    event: Any
    meaning: Meaning
    delivery_id: int | None
    name: Name | None


def understand(provider: str, event: Any) -> Said:
    event_type = text_of(event.event_type)
    words = text_of(event.mta_response) or text_of(event.description)
    detail = read_detail(provider, event_type, event.esp_event, words[:2000])
    meaning = _meaning(provider, event_type, text_of(event.reject_reason), detail)
    if meaning is None:
        raise UnusableEvent(_("Messenger does not know what this event means."))
    delivery_id = _named_by_token(event)
    name = None if delivery_id is not None else _named_by_provider(event)
    if delivery_id is None and name is None:
        raise UnusableEvent(_("It does not say which of our emails it is about."))
    return Said(provider, event, meaning, delivery_id, name)


@lru_cache(maxsize=1024)
def _meaning(provider: str, event_type: str, reason: str, detail: Detail) -> Meaning | None:
    line = line_for(event_type, reason, detail)
    words = ", ".join(word for word in (event_type, reason, detail.value) if word)
    return Meaning(line.kind, line.result, f"{provider}: {words}"[:60]) if line else None


def text_of(value: Any) -> str:
    """Providers give numbers where they document words, and once somebody is mischievous, anything."""
    if isinstance(value, str):
        return value
    return str(value)[:2000] if isinstance(value, int | float) else ""


def _named_by_token(event: Any) -> int | None:
    token = event.metadata.get(METADATA) if isinstance(event.metadata, dict) else None
    return read_token(token, PURPOSE) if isinstance(token, str) else None


def _named_by_provider(event: Any) -> Name | None:
    """Both or nothing: an address alone may have had a hundred emails, a message id may be that of a whole batch."""
    message_id, recipient = text_of(event.message_id), text_of(event.recipient)
    if not message_id or not recipient:
        return None
    return storable(message_id, LONGEST_MESSAGE_ID), storable(address_key(recipient[:500]), 320)


def find_deliveries(names: Collection[Name]) -> Mapping[Name, int]:
    if not names:
        return {}
    rows = Delivery.objects.filter(provider_message_id__in={message_id for message_id, _key in names})
    found = {}
    for message_id, stored, pk, broadcast_id in rows.values_list(
        "provider_message_id", "address_key", "pk", "broadcast_id"
    ):
        if not is_anonymous(stored):
            found[str(message_id), stored] = pk
            continue
        # The name and address of an email whose address was removed since: only a comparison finds it.
        theirs = [name for name in names if name[0] == message_id and stands_for(stored, broadcast_id, name[1])]
        found |= dict.fromkeys(theirs, pk)
    return found


def to_evidence(said: Iterable[tuple[Said, int]], heard_at: datetime) -> list[Evidence]:
    return [_evidence(one, delivery_id, heard_at) for one, delivery_id in said]


def _evidence(said: Said, delivery_id: int, heard_at: datetime) -> Evidence:
    event = said.event
    words = text_of(event.mta_response) or text_of(event.description)
    meaning, label, agent = said.meaning, "", ""
    if is_about_opening(meaning):
        program = program_of(text_of(event.user_agent)[:1000])
        who = flag_of(said.provider, event.esp_event) or program.label
        meaning, label, agent = worth(meaning, who), who.value, program.family
    return Evidence(
        delivery_id=delivery_id,
        meaning=meaning,
        at=_plausible(event.timestamp, heard_at),
        source=Event.Source.WEBHOOK,
        key_parts=_key_parts(said),
        code=enhanced_code(words[:2000]),
        text=words,
        label=label,
        agent=agent,
    )


def _key_parts(said: Said) -> tuple[str, ...]:
    """What makes two tellings one event, besides the delivery: Amazon SES has one id for all recipients."""
    event = said.event
    identity = text_of(event.event_id)
    # Mailgun's is a token of the POST, and a second POST about the same event may have another.
    if identity and said.provider != "Mailgun":
        return (said.provider, identity)
    at = event.timestamp.isoformat() if isinstance(event.timestamp, datetime) else ""
    return (said.provider, text_of(event.message_id), text_of(event.recipient), at, text_of(event.click_url))


def _plausible(said: Any, heard: datetime) -> datetime:
    """When it happened, as far as a clock over there can be believed."""
    if not isinstance(said, datetime):
        return heard
    at = said if said.tzinfo else said.replace(tzinfo=UTC)
    return at if heard - EARLIEST < at < heard + LATEST else heard
