"""Addresses that a button posts to, and what they say to somebody who opens one as a page."""

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from broadcasts.views.reviewing import find_broadcast

View = Callable[[HttpRequest, int], HttpResponse]
SAFE = ("GET", "HEAD")


def post_only(page_name: str, find: Callable[[HttpRequest, int], object] = find_broadcast) -> Callable[[View], View]:
    """A GET leads to the page with the button: the sign-in page sends people back to what they had posted to.

    `find` answers 404 for an object that is not the user's.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, pk: int) -> HttpResponse:
            if request.method == "POST":
                return view(request, pk)
            if request.method not in SAFE:
                return HttpResponseNotAllowed([*SAFE, "POST"])
            find(request, pk)
            messages.warning(
                request,
                _(
                    "You were signed out or opened this address directly, so nothing was done. "
                    "Press the button again."
                ),
            )
            return redirect(page_name, pk)

        return answer

    return decorate
