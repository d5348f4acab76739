"""The parts of the report that read every row: counted when somebody looks, and kept until a result changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from broadcasts.models import Broadcast
from reports.broadcast_report.groups import count_groups
from reports.broadcast_report.results import Results
from reports.broadcast_report.returned import count_returned
from reports.broadcast_report.times import count_times
from reports.models import StoredFigures

# While an email a millisecond changes its result, nobody has to count all of them anew for every look.
MOVING = timedelta(seconds=20)
# What does not change a result (a mailbox that fetched the pictures) is seen this late.
KEPT = timedelta(hours=1)


@dataclass(frozen=True)
class Part:
    slug: str
    title: str | Promise
    count: Callable[[Broadcast], Any]


PARTS: Mapping[str, Part] = {
    part.slug: part
    for part in (
        Part("returned", _("Why emails came back"), count_returned),
        Part("times", _("When it arrived and was opened"), count_times),
        Part("groups", _("Who was reached"), count_groups),
    )
}


@dataclass(frozen=True)
class Counted:
    part: Part
    figures: Any
    at: datetime


def figures_of(part: Part, results: Results, now: datetime) -> Counted:
    """As kept, or counted now."""
    digest = f"{results.digest[:13]}{(get_language() or '')[:3]}"
    stored = StoredFigures.objects.filter(broadcast=results.broadcast, part=part.slug).first()
    if stored and _is_fresh(stored, digest, now):
        return Counted(part, stored.figures, stored.counted_at)
    # The counts were read before: whatever changes while this is counted makes the digest another.
    figures = part.count(results.broadcast)
    values = {"digest": digest, "figures": figures, "counted_at": now}
    StoredFigures.objects.update_or_create(broadcast=results.broadcast, part=part.slug, defaults=values)
    return Counted(part, figures, now)


def _is_fresh(stored: StoredFigures, digest: str, now: datetime) -> bool:
    age = now - stored.counted_at
    return age < (KEPT if stored.digest == digest else MOVING)
