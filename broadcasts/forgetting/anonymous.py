"""What stands in the log for an address that was removed, and who may still be found behind it.

`removed <digest>@<domain>`: one address has one digest within a broadcast and another in the next, so that counts
of addresses stay right and nobody's emails can be put together. It is keyed: only this Messenger can tell whether
an address that somebody names is the one, as it must when the link in an old email is followed.
"""

from collections.abc import Collection
from functools import cache
from hashlib import blake2s

from django.conf import settings
from django.db.models import CharField, Count, F, QuerySet, Value
from django.db.models.functions import StrIndex, Substr
from django.utils.translation import gettext as _

from broadcasts.models import Broadcast, Delivery, EmailAddress, Person

DIGEST_BYTES = 8
# Whoever has a domain nearly alone is named by it.
FEWEST_ADDRESSES_OF_A_DOMAIN = 5
# No address can look like this, so nobody writes to one by mistake.
BEGINNING = "removed "
# In an address it could only stand behind the @: no domain has a blank.
ELSEWHERE = "other domains"


def anonymous(broadcast_id: int, key: str, domains: Collection[str]) -> str:
    """`domains`: those that stay, of `shared_domains`."""
    if not key:
        return ""
    domain = key.partition("@")[2]
    return f"{_begin(broadcast_id, key)}{domain if domain in domains else ELSEWHERE}"


def stands_for(stored: str, broadcast_id: int, key: str) -> bool:
    """Whether what is stored in a row stands for this address."""
    return stored.startswith(_begin(broadcast_id, key))


def is_anonymous(stored: str) -> bool:
    return stored.startswith(BEGINNING)


def name_instead() -> str:
    return _("Removed")


def shared_domains(broadcast: Broadcast) -> set[str]:
    """Asked in the middle of a removal it says the same: a domain that stays keeps all its rows."""
    rows = broadcast.deliveries.order_by().filter(address_key__contains="@").annotate(domain=_after_the_at())
    counted = rows.values_list("domain").annotate(Count("address_key", distinct=True))
    return {domain for domain, count in counted if count >= FEWEST_ADDRESSES_OF_A_DOMAIN}


def as_known_today(delivery: Delivery) -> Delivery | None:
    """The row with the address that it stands for, never to be saved. None: the directory has it no more.

    A row that keeps its address comes back as it is.
    """
    if delivery.removed < Delivery.Removed.ADDRESSES:
        return delivery
    key = _key_behind(delivery)
    same = EmailAddress.objects.filter(key=key).order_by("-is_active", "pk")
    ours = same.filter(person__in=Person.objects.of_schools([delivery.broadcast.school]).order_by().values("pk"))
    found = (ours.first() or same.first()) if key else None
    if found is None:
        return None
    delivery.email, delivery.address_key = found.address, found.key
    # Somebody elsewhere who has the same address is not whom this email was for.
    delivery.person_id = found.person_id if ours.filter(pk=found.pk).exists() else None
    return delivery


def _key_behind(delivery: Delivery) -> str:
    """Every address that it may be is tried: some microseconds each, for the rare link of an old email."""
    stored, broadcast_id = delivery.address_key, delivery.broadcast_id
    keys = _candidates(stored).values_list("key", flat=True).iterator(5000)
    return next((key for key in keys if stands_for(stored, broadcast_id, key)), "")


def _candidates(stored: str) -> QuerySet[EmailAddress]:
    domain = stored.partition("@")[2]
    known = EmailAddress.objects.order_by()
    return known if domain == ELSEWHERE else known.filter(key__endswith=f"@{domain}")


def _begin(broadcast_id: int, key: str) -> str:
    digest = blake2s(f"{broadcast_id}:{key}".encode(), key=_key(settings.SECRET_KEY), digest_size=DIGEST_BYTES)
    return f"{BEGINNING}{digest.hexdigest()}@"


@cache
def _key(secret: str) -> bytes:
    return blake2s(b"broadcasts.forgetting" + secret.encode()).digest()


def _after_the_at() -> Substr:
    return Substr(F("address_key"), StrIndex(F("address_key"), Value("@")) + Value(1), output_field=CharField())
