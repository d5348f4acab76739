"""An address that Failed at one broadcast after the other is blocked by itself, as the policy says.

Failed says that there is no such address; whatever else keeps an email back, our side's faults above all, is another
result and never counts.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from django.db.models import Max, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.among import among
from broadcasts.blocking import Block, block_each, deeds_about
from broadcasts.models import BlockedEmail, BlockingPolicy, Delivery, EmailAddress
from broadcasts.results import Result

ARRIVED = (Result.DELIVERED, Result.OPENED)

# A row of the log, newest first: the broadcast, its result, and when it was tried.
Trial = tuple[int, int, datetime]


def block_repeated_failures(delivery_ids: Collection[int]) -> list[BlockedEmail]:
    """Block the addresses of these rows that Failed often enough. Safe to repeat; returns the new entries."""
    policy = BlockingPolicy.in_force() if delivery_ids else None
    if policy is None or not policy.blocks_failures:
        return []
    failed = Delivery.objects.filter(among("pk", delivery_ids), result=Result.FAILED, is_sendable=True)
    trials = _trials_of(set(failed.values_list("address_key", flat=True)), policy.within_days)
    suspects = {key: rows for key, rows in trials.items() if _count(rows) >= policy.failures}
    if not suspects:
        return []
    vouched = _vouched_for(suspects)
    counted = {key: _count(rows, vouched.get(key)) for key, rows in suspects.items()}
    reason = _("Failed at %(count)s broadcasts within %(days)s days: there is no such address")
    blocks = [
        Block(_spelt(key), reason % {"count": count, "days": policy.within_days}, policy.failures_level)
        for key, count in counted.items()
        if count >= policy.failures
    ]
    return block_each(blocks, source=BlockedEmail.Source.FAILURES)


def _trials_of(keys: Collection[str], days: int) -> Mapping[str, list[Trial]]:
    """How the latest broadcasts fared at each address, newest first."""
    since = timezone.now() - timedelta(days=days)
    # By the people: the log has an index by them, and none by address.
    people = EmailAddress.objects.filter(key__in=keys).order_by().values("person")
    rows = Delivery.objects.filter(person__in=people, address_key__in=keys, is_sendable=True)
    arrived = Q(result__in=ARRIVED, late_bounce_at=None)  # and did not come back later
    tried = rows.filter(Q(result=Result.FAILED) | arrived, last_attempt_at__gte=since)
    trials: dict[str, list[Trial]] = defaultdict(list)
    fields = ("address_key", "broadcast_id", "result", "last_attempt_at")
    for key, broadcast, result, at in tried.order_by("-last_attempt_at", "-pk").values_list(*fields):
        trials[key].append((broadcast, result, at))
    return trials


def _count(trials: Iterable[Trial], since: datetime | None = None) -> int:
    """The broadcasts in a row that Failed, up to the last one, after somebody last vouched for the address."""
    failed = set()
    for broadcast, result, at in trials:
        if result in ARRIVED or (since and at <= since):
            break
        failed.add(broadcast)
    return len(failed)


def _vouched_for(keys: Collection[str]) -> Mapping[str, datetime]:
    """When staff last said that the address is right, or lifted a block of it."""
    confirmed = EmailAddress.objects.filter(key__in=keys, confirmed_at__isnull=False).order_by()
    latest = dict(confirmed.values_list("key").annotate(Max("confirmed_at")))
    for key in keys:
        lifted = deeds_about(key).filter(action="blocked_email.removed").aggregate(at=Max("at"))["at"]
        if lifted and (key not in latest or lifted > latest[key]):
            latest[key] = lifted
    return latest


def _spelt(key: str) -> str:
    """As the directory writes it."""
    return EmailAddress.objects.filter(key=key).order_by("pk").values_list("address", flat=True).first() or key
