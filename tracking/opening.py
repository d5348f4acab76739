"""The picture was fetched: somebody looked at the email, or something did."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from tracking.crowd import Sighting, crowd_name, find_crowded, is_public, network_of, written_address
from tracking.meanings import OPENED
from tracking.models import Event
from tracking.opens import Label, Program, program_of, worth
from tracking.recording import Evidence, record_events

LONGEST_AGENT = 1000
PREFETCH_HEADERS = ("HTTP_PURPOSE", "HTTP_SEC_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")
OF_PEOPLE = (Label.PERSON, Label.UNSURE)


class Fetch(NamedTuple):
    """Whose picture was fetched and by whom, with no more about them than we keep. Equal ones are counted."""

    delivery_id: int
    label: Label
    family: str
    network: str
    crowd: str  # empty: no crowd, however many come


@dataclass(frozen=True, slots=True)
class Look:
    """The same fetch once or several times on one day."""

    fetch: Fetch
    first: datetime
    last: datetime
    times: int = 1


def read_fetch(delivery_id: int, environ: Mapping[str, Any]) -> Fetch | None:
    """From a request (PEP 3333); None for what says nothing: a form sent here, a program that fetches ahead."""
    method = environ.get("REQUEST_METHOD")
    if method not in ("GET", "HEAD") or _is_prefetch(environ):
        return None
    agent = str(environ.get("HTTP_USER_AGENT", ""))[:LONGEST_AGENT]
    program, address = _program(agent), written_address(environ)
    # Whoever shows a picture fetches it.
    label = Label.SCANNER if method == "HEAD" else program.label
    may_be_crowd = label in OF_PEOPLE and is_public(address) and not _is_proxy(agent)
    crowd = crowd_name(address, agent) if may_be_crowd else ""
    return Fetch(delivery_id, label, program.family, network_of(address), crowd)


def _is_prefetch(environ: Mapping[str, Any]) -> bool:
    return any("prefetch" in environ[name].lower() for name in PREFETCH_HEADERS if name in environ)


@lru_cache(maxsize=1024)
def _program(agent: str) -> Program:
    return program_of(agent)


def _is_proxy(agent: str) -> bool:
    """Many people's pictures from one address is what these are for."""
    return "imageproxy" in agent.lower() or "mailproxy" in agent.lower()


def record_opens(looks: Sequence[Look]) -> int:
    """One line for a day and label, which counts: that it was read again on Thursday is worth a line of its own,
    the third fetch of a morning is not. How many lines were new.

    It also bounds what somebody can write into our database by asking for the same picture in a loop.
    """
    crowded = find_crowded(_sighting(look) for look in looks if look.fetch.crowd)
    evidence = [_evidence(look, is_crowded=_sighting(look) in crowded) for look in looks]
    return record_events(_added_up(evidence))


def _sighting(look: Look) -> Sighting:
    return look.fetch.crowd, look.fetch.delivery_id, look.first


def _evidence(look: Look, *, is_crowded: bool) -> Evidence:
    fetch = look.fetch
    label = Label.SCANNER if is_crowded else fetch.label
    day = look.first.astimezone(UTC).date().isoformat()
    return Evidence(
        delivery_id=fetch.delivery_id,
        meaning=worth(OPENED, label),
        at=look.first,
        source=Event.Source.PIXEL,
        # A person after a machine, on one day, are two events.
        key_parts=(day,) if label is Label.PERSON else (day, label.value),
        label=label.value,
        agent=fetch.family,
        network=fetch.network,
        last_at=look.last,
        times=look.times,
    )


def _added_up(evidence: Iterable[Evidence]) -> list[Evidence]:
    """One for each line: a family's phone and its computer on the same day are one person to us."""
    lines: dict[tuple[int, tuple[str, ...]], Evidence] = {}
    for one in sorted(evidence, key=lambda one: one.at):
        line = (one.delivery_id, one.key_parts)
        known = lines.get(line)
        lines[line] = _sum(known, one) if known else one
    return list(lines.values())


def _sum(first: Evidence, then: Evidence) -> Evidence:
    ends = [end for end in (first.last_at, then.last_at) if end]
    return replace(first, last_at=max(ends), times=first.times + then.times)
