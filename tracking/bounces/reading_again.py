"""Unused reports once more, after Messenger has learnt to read their kind."""

from collections.abc import Iterable

from django.db import transaction

from broadcasts import audit
from broadcasts.models import User
from tracking.bounces.explaining import explain
from tracking.bounces.ingesting import Arrived, use_reports
from tracking.models import UnusedReport


@transaction.atomic
def read_again(reports: Iterable[UnusedReport], by: User) -> tuple[int, int]:
    """How many were of use this time, and how many were not: those stay, with the reason of today."""
    used = unused = 0
    for report in reports:
        if not report.raw:  # removed since, and so it stays
            unused += 1
            continue
        arrived = Arrived(report.raw.encode(), report.envelope_recipient)
        _new, refused = use_reports([(arrived, explain(arrived.raw))])
        if refused:
            UnusedReport.objects.filter(pk=report.pk).update(reason=refused[0][1][:200])
            unused += 1
        else:
            audit.record(by, "unused_report.read_again", report)
            report.delete()
            used += 1
    return used, unused
