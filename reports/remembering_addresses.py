"""How many addresses there are to fix, for some minutes: of millions of emails that takes longer than Home may."""

import logging
from hashlib import blake2s

from django.core.cache import cache
from redis.exceptions import RedisError

from broadcasts.models import User
from reports.addresses_to_fix import AddressesToFix

SECONDS = 5 * 60
log = logging.getLogger(__name__)


def remembered_number(user: User) -> int | None:
    """None: nobody who sees the same schools has counted lately."""
    try:
        number: int | None = cache.get(_key(user))
    except RedisError:
        log.exception("How many addresses there are to fix cannot be remembered now")
        return None
    return number


def remember_number(user: User, number: int) -> None:
    try:
        cache.set(_key(user), number, SECONDS)
    except RedisError:
        log.exception("How many addresses there are to fix cannot be remembered now")


def count_now_and_then(user: User) -> int:
    number = remembered_number(user)
    if number is None:
        number = AddressesToFix(user).count()
        remember_number(user, number)
    return number


def _key(user: User) -> str:
    """Of what this user sees, which colleagues see too."""
    schools = sorted(user.schools.order_by().values_list("pk", flat=True))
    return f"addresses-to-fix:{blake2s(repr(schools).encode(), digest_size=16).hexdigest()}"
