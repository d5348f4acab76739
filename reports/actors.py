"""dramatiq's doors of this room. A message is a hint that may come twice or never."""

import dramatiq
from django.utils import timezone

from broadcasts.actors import NO_LIMIT
from reports.behaviour.counting import count_what_changed
from reports.email_log.files import sweep_files, write_file
from reports.models import KEPT_FOR


@dramatiq.actor(queue_name="housekeeping", max_retries=0, time_limit=NO_LIMIT)
def write_export(file_id: int) -> None:
    write_file(file_id)
    sweep_exports.send_with_options(delay=int(KEPT_FOR.total_seconds() * 1000) + 60_000)


@dramatiq.actor(queue_name="housekeeping", max_retries=0)
def sweep_exports() -> None:
    sweep_files()


@dramatiq.actor(queue_name="housekeeping", max_retries=0, time_limit=NO_LIMIT)
def count_figures() -> None:
    count_what_changed(timezone.now())
