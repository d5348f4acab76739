"""The only code that touches the Blocked Email list."""

from collections.abc import Collection, Iterable

from django.db import transaction
from django.db.models import Exists, OuterRef

from broadcasts import audit
from broadcasts.addresses import address_key
from broadcasts.models import BlockedEmail, User


def is_blocked(key: str = "address_key") -> Exists:
    """A condition for querysets whose field `key` holds an `address_key`."""
    return Exists(BlockedEmail.objects.filter(key=OuterRef(key)))


def count_blocked(keys: Collection[str]) -> int:
    """How many of these address keys, each named once, are on the list."""
    return BlockedEmail.objects.filter(key__in=keys).count()


@transaction.atomic
def block_addresses(
    addresses: Iterable[str],
    *,
    reason: str,
    source: BlockedEmail.Source,
    by: User | None = None,
) -> list[BlockedEmail]:
    """Put addresses on the list; those that are on it already stay as they are. Returns the new ones."""
    added = []
    for key, address in {address_key(address): address.strip() for address in addresses if address.strip()}.items():
        # Two complaints about one address may arrive in the same moment.
        blocked, is_new = BlockedEmail.objects.get_or_create(
            key=key,
            defaults={"address": address[:320], "reason": reason[:500], "source": source, "added_by": by},
        )
        if is_new:
            audit.record(by, "blocked_email.added", blocked, reason=reason, source=source.value)
            added.append(blocked)
    return added


@transaction.atomic
def unblock_addresses(addresses: Iterable[str], *, reason: str = "", by: User | None = None) -> list[str]:
    """Take addresses off the list, on record. Returns those that were on it."""
    keys = [address_key(address) for address in addresses]
    removed = list(BlockedEmail.objects.filter(key__in=keys))
    for blocked in removed:
        audit.record(by, "blocked_email.removed", blocked, reason=reason, was=blocked.reason)
        blocked.delete()
    return [blocked.address for blocked in removed]
