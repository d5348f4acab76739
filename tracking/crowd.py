"""Many people's pictures from one address within seconds: one program at the mail server's door, not many readers."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache, lru_cache
from hashlib import blake2s
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.core.cache import cache as shared
from redis.exceptions import RedisError

SECONDS = 10
# A staff room behind one address, alarmed by an emergency, must stay below it.
CROWD = 10
LONGEST_ADDRESS = 64
log = logging.getLogger(__name__)

Address = IPv4Address | IPv6Address


def written_address(environ: Mapping[str, Any]) -> str:
    """Behind a proxy, the one that it has seen itself: the last it wrote down."""
    forwarded = str(environ.get("HTTP_X_FORWARDED_FOR", "")) if settings.SECURE_PROXY_SSL_HEADER else ""
    written = forwarded.rpartition(",")[2].strip() or str(environ.get("REMOTE_ADDR", ""))
    return written[:LONGEST_ADDRESS]


def _address(written: str) -> Address | None:
    try:
        return ip_address(written)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def network_of(written: str) -> str:
    """As much of an address as we keep: enough to see one provider's machines, too little for one family."""
    address = _address(written)
    if address is None:
        return ""
    return str(ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))


@lru_cache(maxsize=4096)
def is_public(written: str) -> bool:
    """Neither a proxy of ours nor a school's own network."""
    address = _address(written)
    return address is not None and address.is_global


@cache
def _key(secret: str) -> bytes:
    return secret.encode()[:32]


def crowd_name(written: str, agent: str) -> str:
    """A name for one program at one address that nobody can turn back."""
    return blake2s(f"{written} {agent}".encode("utf-8", "replace"), key=_key(settings.SECRET_KEY)).hexdigest()


Sighting = tuple[str, int, datetime]  # the crowd's name, whose picture, when


def find_crowded(sightings: Iterable[Sighting]) -> set[Sighting]:
    """Those that came as the tenth or later. For ten seconds we remember whose pictures one program fetched."""
    by_name: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in sorted(sightings, key=lambda one: one[2]):
        by_name[sighting[0]].append(sighting)
    if not by_name:
        return set()
    crowded: set[Sighting] = set()
    try:
        before = shared.get_many([f"crowd:{name}" for name in by_name])
        after = {
            f"crowd:{name}": _look_at(before.get(f"crowd:{name}", {}), some, crowded)
            for name, some in by_name.items()
        }
        shared.set_many(after, SECONDS)
    except RedisError:
        log.exception("Whether a crowd fetched pictures cannot be seen now")
    return crowded


def _look_at(before: dict[int, float], some: list[Sighting], crowded: set[Sighting]) -> dict[int, float]:
    seen = dict(before)
    for sighting in some:
        _name, delivery_id, at = sighting
        now = at.timestamp()
        seen = {pk: then for pk, then in seen.items() if then > now - SECONDS and pk != delivery_id}
        # The newest will do: nobody makes us remember more.
        seen = dict(list(seen.items())[1 - CROWD :]) | {delivery_id: now}
        if len(seen) >= CROWD:
            crowded.add(sighting)
    return seen
