"""The picture was fetched: somebody looked at the email."""

from datetime import UTC, datetime

from tracking.meanings import OPENED
from tracking.models import Event
from tracking.recording import Evidence, record_events


def record_open(delivery_id: int, at: datetime) -> int:
    """Once a day: that it was read again on Thursday is worth a line, the third fetch of a morning is not.

    It also bounds what somebody can write into our database by asking for the same picture in a loop.
    """
    evidence = Evidence(
        delivery_id=delivery_id,
        meaning=OPENED,
        at=at,
        source=Event.Source.PIXEL,
        key_parts=(at.astimezone(UTC).date().isoformat(),),
    )
    # Most fetches are repetitions: they need no transaction.
    if Event.objects.filter(key=evidence.key).exists():
        return 0
    return record_events([evidence])
