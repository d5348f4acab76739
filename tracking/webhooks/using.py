"""What a provider told us, event by event, whichever kind each is: Mandrill has one door for all."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import Error as DatabaseTrouble

from tracking.webhooks.inbound import ingest_events
from tracking.webhooks.providers import Provider
from tracking.webhooks.taking_in import Unused, could_not_read, take_in


def use_events(provider: Provider, raws: Iterable[Any]) -> list[Unused]:
    """Record what these say; returns what cannot be used. Safe to repeat."""
    if provider.slug != "mandrill":
        return take_in(provider, raws)
    listed = list(raws)
    inbound = [raw for raw in listed if _is_inbound(raw)]
    others = [raw for raw in listed if not _is_inbound(raw)]
    return take_in(provider, others) + _ingest_mandrill(provider, inbound)


def _is_inbound(raw: Any) -> bool:
    return isinstance(raw, dict) and raw.get("event") == "inbound"


def _ingest_mandrill(provider: Provider, raws: Sequence[Any]) -> list[Unused]:
    unused = []
    for raw in raws:
        try:
            ingest_events([provider.reader.mandrill_inbound_to_anymail_event(raw)])
        except DatabaseTrouble:
            raise
        except Exception as error:  # noqa: BLE001 - Anymail's parser takes well-formed emails only
            unused.append(Unused(raw, could_not_read(error)))
    return unused
