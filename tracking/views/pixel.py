import logging

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from broadcasts.tokens import read_token
from tracking.crowd import address_of
from tracking.opening import Fetch, record_open

log = logging.getLogger(__name__)

GIF = bytes.fromhex(  # one transparent dot
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
PREFETCH_HEADERS = ("Purpose", "Sec-Purpose", "X-Purpose", "X-Moz")


@login_not_required
@csrf_exempt
def pixel(request: HttpRequest, token: str) -> HttpResponse:
    """Always the same picture: whoever asks learns nothing from the answer."""
    if request.method in ("GET", "HEAD") and not _is_prefetch(request):
        delivery_id = read_token(token, "pixel")
        if delivery_id is not None:
            _try_to_record(delivery_id, _fetch(request))
    response = HttpResponse(GIF, content_type="image/gif")
    response["Cache-Control"] = "no-store, private"
    return response


def _is_prefetch(request: HttpRequest) -> bool:
    """A program fetches ahead, in case somebody looks later."""
    return any("prefetch" in request.headers.get(name, "").lower() for name in PREFETCH_HEADERS)


def _fetch(request: HttpRequest) -> Fetch:
    agent = request.headers.get("User-Agent", "")[:1000]
    return Fetch(agent, address_of(request), request.method == "HEAD")


def _try_to_record(delivery_id: int, fetch: Fetch) -> None:
    try:
        record_open(delivery_id, timezone.now(), fetch)
    except DatabaseError:
        # The reader's email must not show a broken picture because our database is busy.
        log.exception("An open could not be recorded")
