"""What a provider told us, event by event, whichever kind each is: Mandrill has one door for all."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import Error as DatabaseTrouble

from tracking.webhooks.inbound import ingest_events
from tracking.webhooks.providers import Provider
from tracking.webhooks.taking_in import Unused, could_not_read, take_in


def use_events(provider: Provider, raws: Iterable[Any]) -> Iterator[list[Unused]]:
    """Record what these say, part by part; after each part what of it cannot be used. Safe to repeat."""
    if provider.slug != "mandrill":
        yield from take_in(provider, raws)
        return
    listed = list(raws)
    yield from take_in(provider, [raw for raw in listed if not _is_inbound(raw)])
    yield _ingest_mandrill(provider, [raw for raw in listed if _is_inbound(raw)])


def use_all(provider: Provider, raws: Iterable[Any]) -> list[Unused]:
    """The same at once, of few."""
    return [one for some in use_events(provider, raws) for one in some]


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
