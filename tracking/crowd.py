"""Many people's pictures from one address within seconds: one program at the mail server's door, not many readers."""

from hashlib import blake2s
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone

SECONDS = 10
# A staff room behind one address, alarmed by an emergency, must stay below it.
CROWD = 10

Address = IPv4Address | IPv6Address


def address_of(request: HttpRequest) -> Address | None:
    """Behind a proxy, the one that it has seen itself: the last it wrote down."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.SECURE_PROXY_SSL_HEADER else ""
    written = forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")
    try:
        return ip_address(written)
    except ValueError:
        return None


def network_of(address: Address | None) -> str:
    """As much of an address as we keep: enough to see one provider's machines, too little for one family."""
    if address is None:
        return ""
    return str(ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))


def is_crowded(address: Address | None, agent: str, delivery_id: int) -> bool:
    """For ten seconds we remember, under a name that nobody can turn back, whose pictures one program fetched."""
    if address is None or not address.is_global:
        return False  # a proxy of ours, or a school's own network
    name = blake2s(f"{address} {agent}".encode("utf-8", "replace"), key=settings.SECRET_KEY.encode()[:32]).hexdigest()
    now = timezone.now().timestamp()
    before: dict[int, float] = cache.get(f"crowd:{name}", {})
    seen = {pk: at for pk, at in before.items() if at > now - SECONDS} | {delivery_id: now}
    # The newest will do: nobody makes us remember more.
    cache.set(f"crowd:{name}", dict(list(seen.items())[-CROWD:]), SECONDS)
    return len(seen) >= CROWD
