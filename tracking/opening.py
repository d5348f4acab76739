"""The picture was fetched: somebody looked at the email, or something did."""

from dataclasses import dataclass
from datetime import UTC, datetime

from tracking.crowd import Address, is_crowded, network_of
from tracking.meanings import OPENED
from tracking.models import Event
from tracking.opens import Label, program_of, worth
from tracking.recording import Evidence, record_events


@dataclass(frozen=True, slots=True)
class Fetch:
    agent: str = ""
    address: Address | None = None
    is_head: bool = False


def record_open(delivery_id: int, at: datetime, fetch: Fetch) -> int:
    """Once a day and label: that it was read again on Thursday is worth a line, the third fetch of a morning is not.

    It also bounds what somebody can write into our database by asking for the same picture in a loop.
    """
    program = program_of(fetch.agent)
    label = _label(program.label, fetch, delivery_id)
    day = at.astimezone(UTC).date().isoformat()
    evidence = Evidence(
        delivery_id=delivery_id,
        meaning=worth(OPENED, label),
        at=at,
        source=Event.Source.PIXEL,
        # A person after a machine, on one day, are two events.
        key_parts=(day,) if label is Label.PERSON else (day, label.value),
        label=label.value,
        agent=program.family,
        network=network_of(fetch.address),
    )
    # Most fetches are repetitions: they need no transaction.
    if Event.objects.filter(key=evidence.key).exists():
        return 0
    return record_events([evidence])


def _label(of_program: Label, fetch: Fetch, delivery_id: int) -> Label:
    if fetch.is_head:
        return Label.SCANNER  # whoever shows a picture fetches it
    if of_program in (Label.PERSON, Label.UNSURE) and not _is_proxy(fetch.agent):
        return Label.SCANNER if is_crowded(fetch.address, fetch.agent, delivery_id) else of_program
    return of_program


def _is_proxy(agent: str) -> bool:
    """Many people's pictures from one address is what these are for."""
    return "imageproxy" in agent.lower() or "mailproxy" in agent.lower()
