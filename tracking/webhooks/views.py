"""The doors for email providers: no login, no session, one transaction however many events a POST carries."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import requests
from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseTrouble
from django.http import HttpRequest, HttpResponse
from django.http.request import RawPostDataException
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from tracking.webhooks.admitting import PasswordWanted, Refused, admit, is_too_much, turn_of
from tracking.webhooks.inbound import ingest_events
from tracking.webhooks.providers import Provider
from tracking.webhooks.signatures import confirm_sns
from tracking.webhooks.taking_in import Unused, keep_unused, take_in

log = logging.getLogger(__name__)

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
        with turn_of(request):
            if is_too_much(provider, request):
                return HttpResponse(status=413)
            view = admit(provider, request)
            return answer(provider, view, request)
    except Refused as reason:
        log.warning("A POST to the webhook of %s was refused: %s", provider.name, reason)
        if isinstance(reason, PasswordWanted):
            return HttpResponse(status=401, headers={"WWW-Authenticate": 'Basic realm="webhook"'})
        return HttpResponse(status=403)
    except requests.RequestException:
        # A certificate or an email that we must fetch, and cannot now: the provider comes again.
        log.exception("The webhook of %s could not fetch what it needs", provider.name)
        return HttpResponse(status=503)


def _take_in(provider: Provider, _view: Any, request: HttpRequest) -> HttpResponse:
    try:
        raws = provider.split(request)
    except Exception as error:  # noqa: BLE001 - it is proven to be theirs, so its form is their mistake or news to us
        keep_unused(provider, [_unreadable(request, error)])
        return HttpResponse()
    if provider.slug == "amazon_ses" and raws[0]["Type"] == "SubscriptionConfirmation":
        return _confirm(raws)
    inbound = [raw for raw in raws if provider.slug == "mandrill" and _is_inbound(raw)]
    if inbound:
        _ingest_mandrill(provider, inbound)
        raws = [raw for raw in raws if not _is_inbound(raw)]
    keep_unused(provider, take_in(provider, raws))
    return HttpResponse()


def _confirm(raws: Sequence[Any]) -> HttpResponse:
    if confirm_sns(raws[0]):
        log.info("Confirmed the subscription to %s", raws[0]["TopicArn"])
        return HttpResponse()
    raise Refused("a subscription to a topic that is not one of AMAZON_SNS_TOPICS")


def _ingest(provider: Provider, view: Any, request: HttpRequest) -> HttpResponse:
    if provider.slug == "amazon_ses":
        raws = provider.split(request)
        if raws[0]["Type"] == "SubscriptionConfirmation":
            return _confirm(raws)
    try:
        ingest_events(view.parse_events(request))
    except (requests.RequestException, DatabaseTrouble):
        raise
    except Exception as error:  # noqa: BLE001 - see above
        keep_unused(provider, [_unreadable(request, error)])
    return HttpResponse()


def _is_inbound(raw: Any) -> bool:
    return isinstance(raw, dict) and raw.get("event") == "inbound"


def _ingest_mandrill(provider: Provider, raws: Sequence[Any]) -> None:
    """Mandrill has one door for both."""
    for raw in raws:
        try:
            ingest_events([provider.reader.mandrill_inbound_to_anymail_event(raw)])
        except DatabaseTrouble:
            raise
        except Exception as error:  # noqa: BLE001 - see above
            keep_unused(provider, [Unused(raw, _reason(error))])


def _unreadable(request: HttpRequest, error: Exception) -> Unused:
    try:
        body = request.body.decode("utf-8", "replace")
    except RawPostDataException:
        body = request.POST.urlencode()
    return Unused(body, _reason(error))


def _reason(error: Exception) -> str:
    return _("It could not be read: %(error)s") % {"error": f"{type(error).__name__}: {error}"}
