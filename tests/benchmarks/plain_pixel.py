"""What most would write: a Django view that finds the delivery by its token and stores one row with the ORM."""

import os

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone

from messenger.wsgi import portal as application

__all__ = ["application", "urlpatterns"]
PICTURE = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")


def pixel(request: HttpRequest, token: str) -> HttpResponse:
    from broadcasts.tokens import read_token
    from tracking.models import Event

    now = timezone.now()
    Event.objects.create(
        delivery_id=read_token(token, "pixel") or 0,
        kind=Event.Kind.OPENED,
        at=now,
        source=Event.Source.PIXEL,
        key=os.urandom(16).hex(),
        agent=request.headers.get("User-Agent", "")[:40],
    )
    return HttpResponse(PICTURE, content_type="image/gif", headers={"Cache-Control": "no-store"})


pixel.login_required = False  # type: ignore[attr-defined]
urlpatterns = [path("o/<str:token>.gif", pixel)]
assert django.VERSION
settings.ROOT_URLCONF = __name__
