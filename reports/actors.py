"""dramatiq's doors of this room. A message is a hint that may come twice or never."""

import dramatiq
from django.utils import timezone

from broadcasts.actors import NO_LIMIT
from reports.behaviour.counting import count_what_changed


@dramatiq.actor(queue_name="housekeeping", max_retries=0, time_limit=NO_LIMIT)
def count_figures() -> None:
    count_what_changed(timezone.now())
