"""The same picture where nothing stands before Django: what `tracking.picture` buffers is recorded at once."""

import logging

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from broadcasts.tokens import read_token
from tracking.opening import Look, read_fetch, record_opens
from tracking.picture import GIF, HEADERS

log = logging.getLogger(__name__)


@login_not_required
@csrf_exempt
def pixel(request: HttpRequest, token: str) -> HttpResponse:
    delivery_id = read_token(token, "pixel")
    if delivery_id is not None and (fetch := read_fetch(delivery_id, request.META)):
        now = timezone.now()
        try:
            record_opens([Look(fetch, now, now)])
        except DatabaseError:
            # The reader's email must not show a broken picture because our database is busy.
            log.exception("An open could not be recorded")
    return HttpResponse(GIF, headers=HEADERS)
