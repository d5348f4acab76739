"""The ten Delivery Results and their order. Nothing else in the product decides it.

A delivery's result is the greatest of all the evidence about it, so the order, repetition and re-delivery of
reports cannot change where it ends ("statuses move forward to the next stage of delivery and do not move
backwards").
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db.models import Case, Count, F, IntegerChoices, PositiveSmallIntegerField, Q, QuerySet, When
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from broadcasts.models import Delivery


class Result(IntegerChoices):
    """The stored code is the rank. Two codes share the label Blocked."""

    UNSENT = 0, _("Unsent")
    SENT = 10, _("Sent")
    SOFT_BOUNCED = 20, _("Soft Bounced")
    BOUNCED = 30, _("Bounced")
    FAILED = 40, _("Failed")
    BLOCKED_BY_PROVIDER = 50, _("Blocked")
    DELIVERED = 60, _("Delivered")
    OPENED = 70, _("Opened")
    DUPLICATE = 80, _("Duplicate")
    NO_EMAIL_SELECTED = 90, _("No Email Selected")
    BLOCKED = 100, _("Blocked")


# The ten labels in the design's order, each with the codes that carry it.
LABELS: Mapping[str, tuple[Result, ...]] = {
    "Unsent": (Result.UNSENT,),
    "Sent": (Result.SENT,),
    "Soft Bounced": (Result.SOFT_BOUNCED,),
    "Bounced": (Result.BOUNCED,),
    "Failed": (Result.FAILED,),
    "Blocked": (Result.BLOCKED_BY_PROVIDER, Result.BLOCKED),
    "Delivered": (Result.DELIVERED,),
    "Opened": (Result.OPENED,),
    "Duplicate": (Result.DUPLICATE,),
    "No Email Selected": (Result.NO_EMAIL_SELECTED,),
}

# What a reader takes from a label. While it is Unsent nobody has the email, for ever if it was cancelled; what Soft
# Bounced may still arrive, and has not. Of what is Sent nobody told us more; of a Duplicate the row that carries the
# email tells, which may have come back: both are in neither group, so that neither promises what nobody knows.
DID_NOT_GET_IT = ("Unsent", "Soft Bounced", "Bounced", "Failed", "Blocked", "No Email Selected")
GOT_IT = ("Delivered", "Opened")

# Entered from Unsent only. Being on top they absorb everything: no token of such a row was ever given away.
ABSORBING = (Result.DUPLICATE, Result.NO_EMAIL_SELECTED, Result.BLOCKED)
# Where we would try again.
STILL_TRYING = (Result.UNSENT, Result.SOFT_BOUNCED)


def raised_to(result: Result) -> Case:
    """What `result` becomes when this evidence arrives, as an expression for any conditional update."""
    return Case(
        When(_may_become(result), then=result.value), default=F("result"), output_field=PositiveSmallIntegerField()
    )


def raised_in_sql(stored: str, incoming: str) -> str:
    """`SET` clause for statements over many rows: `incoming` is a column of evidence, never one that absorbs."""
    return f"result = CASE WHEN {incoming} > {stored} THEN {incoming} ELSE {stored} END"


def raise_results(deliveries: QuerySet["Delivery"], result: Result) -> int:
    """Apply one piece of evidence to these deliveries; how many of them moved forward."""
    return deliveries.filter(_may_become(result)).update(result=result)


def _may_become(result: Result) -> Q:
    return Q(result=Result.UNSENT) if result in ABSORBING else Q(result__lt=result)


def count_by_label(deliveries: QuerySet["Delivery"]) -> dict[str, int]:
    """All ten labels with their counts, in the design's order; they add up to the number of rows."""
    return by_label(dict(deliveries.order_by().values_list("result").annotate(Count("pk"))))


def by_label(counts: Mapping[int, int]) -> dict[str, int]:
    """Counts of codes as counts of the ten labels, zeros included, in the design's order."""
    return {label: sum(counts.get(code, 0) for code in codes) for label, codes in LABELS.items()}
