"""What every page needs to know or say."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from broadcasts.models import User

Respond = Callable[[HttpRequest], HttpResponseBase]


def school_time(get_response: Respond) -> Respond:
    """Times of what belongs to no school are shown on the clock of the user's first one."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        school = request.user.home_school if isinstance(request.user, User) else None
        if school is None:
            return get_response(request)
        with timezone.override(ZoneInfo(school.time_zone)):
            return get_response(request)

    return middleware


def private_pages(get_response: Respond) -> Respond:
    """What a signed-in user saw must not come back from a cache after signing out (ASVS 14.3.2)."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.user.is_authenticated and not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response

    return middleware
