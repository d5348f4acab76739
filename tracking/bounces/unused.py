"""Reports that changed nothing: kept for a person, bounded, and read again when Messenger has learnt more."""

from tracking.models import UnusedReport
from tracking.recording import storable

LONGEST_KEPT = 64_000
# Whoever floods the address that takes reports must not fill the disk; a person reads the newest anyhow.
MOST_KEPT = 5_000
LOOK_EVERY = 100


def keep_unused(raw: bytes, envelope_recipient: str, reason: str) -> None:
    kept = UnusedReport.objects.create(
        envelope_recipient=storable(envelope_recipient, 320),
        reason=storable(reason, 200),
        raw=storable(raw[:LONGEST_KEPT].decode("utf-8", "replace"), LONGEST_KEPT),
    )
    if kept.pk % LOOK_EVERY == 0:
        _drop_the_oldest()


def _drop_the_oldest() -> None:
    last = UnusedReport.objects.order_by("-pk").values_list("pk", flat=True)[MOST_KEPT : MOST_KEPT + 1].first()
    if last is not None:
        UnusedReport.objects.filter(pk__lte=last).delete()
