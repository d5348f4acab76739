"""The doors for email providers: no login, no session, one transaction however many events a POST carries."""

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import requests
from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseTrouble
from django.http import HttpRequest, HttpResponse
from django.http.request import RawPostDataException
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from tracking.models import RefusedPost
from tracking.webhooks.admitting import PasswordWanted, meet, prove, refuse_too_much
from tracking.webhooks.inbound import ingest_events
from tracking.webhooks.providers import Provider
from tracking.webhooks.reading import BusyError, body_read
from tracking.webhooks.refusing import Refused, note_refused
from tracking.webhooks.signatures import confirm_sns
from tracking.webhooks.taking_in import LONGEST_RAW, Unused, could_not_read, keep_unused
from tracking.webhooks.using import use_events

log = logging.getLogger(__name__)
STATUSES = {RefusedPost.Reason.TOO_LONG: 413, RefusedPost.Reason.TOO_SLOW: 408}

Door = Callable[[HttpRequest], HttpResponse]
Answer = Callable[[Provider, Any, HttpRequest], HttpResponse]


def tracking_door(provider: Provider) -> Door:
    return _door(provider, _take_in)


def inbound_door(provider: Provider) -> Door:
    return _door(provider, _ingest)


def _door(provider: Provider, answer: Answer) -> Door:
    # Providers look whether somebody is there before they tell anything: most with HEAD, Unisender Go with GET.
    methods = ["GET", "HEAD", "POST"] if provider.slug == "unisender_go" else ["HEAD", "POST"]
    guarded = require_http_methods(methods)(partial(_answer, provider, answer))
    return csrf_exempt(login_not_required(guarded))


def _answer(provider: Provider, answer: Answer, request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return HttpResponse()
    try:
        view = meet(provider, request)
        with body_read(provider.slug, request):
            refuse_too_much(provider, request)
            prove(provider, view, request)
            return answer(provider, view, request)
    except Refused as refused:
        log.warning("A POST to the webhook of %s was refused: %s", provider.name, refused)
        if isinstance(refused, PasswordWanted):  # which is how Amazon begins: nobody need mend anything
            return HttpResponse(status=401, headers={"WWW-Authenticate": 'Basic realm="webhook"'})
        note_refused(provider.slug, refused.reason)
        return HttpResponse(status=STATUSES.get(refused.reason, 403))
    except BusyError:
        log.warning("The webhook of %s is busy with other long POSTs", provider.name)
        return HttpResponse(status=503)
    except requests.RequestException:
        # A certificate or an email that we must fetch, and cannot now: the provider comes again.
        log.exception("The webhook of %s could not fetch what it needs", provider.name)
        return HttpResponse(status=503)


def _take_in(provider: Provider, _view: Any, request: HttpRequest) -> HttpResponse:
    try:
        raws = provider.split(request)
        if provider.slug == "amazon_ses" and (confirmed := _confirmed(raws)):
            return confirmed
        # Each part before the next is begun: whatever becomes of that, what was said until then is not lost.
        for unused in use_events(provider, raws):
            keep_unused(provider, unused)
    except (DatabaseTrouble, requests.RequestException, Refused):
        raise
    except Exception as error:  # noqa: BLE001 - it is proven to be theirs, so its form is their mistake or news to us
        keep_unused(provider, [_unreadable(request, error)])
    return HttpResponse()


def _confirmed(raws: Iterable[Any]) -> HttpResponse | None:
    """None: it is no subscription that wants to be confirmed."""
    [raw] = raws
    if raw["Type"] != "SubscriptionConfirmation":
        return None
    if confirm_sns(raw):
        log.info("Confirmed the subscription to %s", raw["TopicArn"])
        return HttpResponse()
    raise Refused(RefusedPost.Reason.TOPIC, "a subscription to a topic that is not one of AMAZON_SNS_TOPICS")


def _ingest(provider: Provider, view: Any, request: HttpRequest) -> HttpResponse:
    if provider.slug == "amazon_ses" and (confirmed := _confirmed(provider.split(request))):
        return confirmed
    try:
        ingest_events(view.parse_events(request))
    except (requests.RequestException, DatabaseTrouble):
        raise
    except Exception as error:  # noqa: BLE001 - see above
        keep_unused(provider, [_unreadable(request, error)])
    return HttpResponse()


def _unreadable(request: HttpRequest, error: Exception) -> Unused:
    try:
        body = request.body[: 2 * LONGEST_RAW].decode("utf-8", "replace")
    except RawPostDataException:
        body = request.POST.urlencode()
    return Unused(body, could_not_read(error))
