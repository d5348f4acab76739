"""Who works: every group of worker threads and every sweep, on whatever machine."""

from dataclasses import dataclass
from datetime import datetime

from broadcasts.heartbeats import SILENT_AFTER
from broadcasts.models import Heartbeat


@dataclass(frozen=True, slots=True)
class Process:
    name: str
    serves: tuple[str, ...]
    works_on: str
    started_at: datetime
    beat_at: datetime
    is_alive: bool


def processes(now: datetime) -> list[Process]:
    return [
        Process(
            name=one.name,
            serves=tuple(one.serves.split()),
            works_on=one.works_on,
            started_at=one.started_at,
            beat_at=one.beat_at,
            is_alive=one.beat_at >= now - SILENT_AFTER,
        )
        for one in Heartbeat.objects.order_by("name")
    ]


def alive_for(what: str, found: list[Process]) -> int:
    return sum(one.is_alive and what in one.serves for one in found)
