"""Why emails came back, in plain words and counted, each with what to do."""

from collections import Counter
from typing import Any

from django.db.models import Count, Exists, F, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.delivering.doubts import count_doubts
from broadcasts.models import Attempt, Broadcast, Delivery
from broadcasts.results import Result
from reports.reasons import CAME_BACK, GAVE_UP, MISTYPED, Fault, Reason, reason_for
from tracking.models import Event

RETURNED = [Result.BOUNCED, Result.FAILED]


def count_returned(broadcast: Broadcast) -> dict[str, Any]:
    """Each email that came back once, by its most telling evidence: a report, else the answer to the last attempt."""
    rows = broadcast.deliveries.filter(result__in=RETURNED).order_by()
    counts: Counter[Reason] = Counter()
    for rule, code, count in [*_of_reports(broadcast), *_of_attempts(broadcast)]:
        counts[reason_for(rule, code, "") or CAME_BACK] += count
    counts[MISTYPED] += rows.filter(note=Delivery.Note.BAD_ADDRESS).count()
    counts[GAVE_UP] += rows.filter(note=Delivery.Note.GAVE_UP).count()
    counts[CAME_BACK] += rows.count() - sum(counts.values())
    return {
        "reasons": [_line(reason, count) for reason, count in counts.most_common() if count > 0],
        "in_doubt": count_doubts([broadcast.pk], timezone.now())[broadcast.pk],
        "late": broadcast.deliveries.filter(late_bounce_at__isnull=False).count(),
    }


def _of_reports(broadcast: Broadcast) -> list[tuple[str, str, int]]:
    told = Event.objects.filter(
        delivery__broadcast=broadcast, delivery__result__in=RETURNED, delivery__note="", result__in=RETURNED
    )
    earlier = Event.objects.filter(delivery=OuterRef("delivery"), result__in=RETURNED, pk__lt=OuterRef("pk"))
    return list(told.filter(~Exists(earlier)).order_by().values_list("rule", "code").annotate(Count("pk")))


def _of_attempts(broadcast: Broadcast) -> list[tuple[str, str, int]]:
    tries = Attempt.objects.filter(
        delivery__broadcast=broadcast,
        delivery__result__in=RETURNED,
        delivery__note="",
        number=F("delivery__attempts"),
    ).exclude(outcome=Attempt.Outcome.ACCEPTED)
    told = Event.objects.filter(delivery=OuterRef("delivery"), result__in=RETURNED)
    return list(tries.filter(~Exists(told)).order_by().values_list("rule", "enhanced_code").annotate(Count("pk")))


def _line(reason: Reason, count: int) -> dict[str, Any]:
    ours = reason.fault == Fault.OURS
    suggestion = (
        _("Nothing to correct in your addresses. Show this to whoever runs your mail server.")
        if ours
        else _("Ask the families for the right addresses and put them in under “Addresses to fix”.")
    )
    return {"words": str(reason.words), "count": count, "suggestion": suggestion, "fault": str(reason.fault.value)}
