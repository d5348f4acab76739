"""Who may tell us something: whoever knows the secret, or signs with the key, that the settings name. Nobody else."""

import json
from collections.abc import Iterator
from typing import Any

import requests
from anymail.webhooks.base import AnymailBasicAuthMixin  # type: ignore[import-untyped]
from django.http import HttpRequest

from tracking.models import RefusedPost
from tracking.webhooks.providers import Provider
from tracking.webhooks.refusing import Refused
from tracking.webhooks.signatures import WrongTopic

Reason = RefusedPost.Reason
# Of a form. Mandrill's largest has 1,000 events, which may tell of earlier openings too.
MOST_ESCAPES = 800_000
# Of the largest POST there is (SparkPost: 10,000 events), with ten lists and objects and fifty values in each event.
MOST_CONTAINERS = 100_000
MOST_VALUES = 200_000
MOST_VALUES_OF = {"sparkpost": 500_000}  # a few at a time
# Anymail quotes whole bodies in its errors, also those of strangers.
LONGEST_REASON = 200


class PasswordWanted(Refused):
    """Amazon SNS sends its password only when asked for it with 401."""


def meet(provider: Provider, request: HttpRequest) -> Any:
    """Anymail's view, ready, for who may go on; before anything of the body is read."""
    try:
        view = provider.make_view(provider.view_class)
    except Exception as error:
        # Anymail wants its settings at once; without one nobody can be let in.
        raise Refused(Reason.NOT_SET_UP, f"it is not set up: {error}"[:LONGEST_REASON]) from error
    if provider.slug == "amazon_ses" and view.basic_auth and not request.headers.get("Authorization"):
        raise PasswordWanted(Reason.PASSWORD, "no password")
    try:
        AnymailBasicAuthMixin.validate_request(view, request)
    except Exception as error:
        raise Refused(Reason.PASSWORD, str(error)[:LONGEST_REASON]) from error
    return view


def refuse_too_much(provider: Provider, request: HttpRequest) -> None:
    """Before anything is parsed, also for strangers: two megabytes of empty lists become fifty in memory."""
    body = request.body
    if request.content_type == "application/x-www-form-urlencoded" and body.count(b"%") > MOST_ESCAPES:
        raise Refused(Reason.TOO_LONG, "it is a form with too many signs")
    if sum(body.count(sign) for sign in (b"{", b"[", b"%7B", b"%5B")) > MOST_CONTAINERS:
        raise Refused(Reason.TOO_LONG, "it has too many parts")
    if sum(body.count(sign) for sign in (b",", b"%2C")) > MOST_VALUES_OF.get(provider.slug, MOST_VALUES):
        raise Refused(Reason.TOO_LONG, "it has too many values")


def prove(provider: Provider, view: Any, request: HttpRequest) -> None:
    """Raises Refused, or RequestException when we could not find out."""
    try:
        view.run_validators(request)
        is_proven = provider.verify(request)
    except requests.RequestException:
        raise
    except Exception as error:
        # Whatever the proof stumbles over, it is no proof.
        raise Refused(_reason(error), f"{type(error).__name__}: {error}"[:LONGEST_REASON]) from error
    has_key = provider.key_attribute and getattr(view, provider.key_attribute, None)
    if not (is_proven or view.basic_auth or has_key):
        raise Refused(Reason.NOT_SET_UP, "neither a secret nor a key is set up")


def _reason(error: BaseException) -> RefusedPost.Reason:
    if isinstance(error, WrongTopic):
        return Reason.TOPIC
    is_malformed = any(isinstance(one, json.JSONDecodeError | UnicodeError | RecursionError) for one in _chain(error))
    return Reason.MALFORMED if is_malformed else Reason.SIGNATURE


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__
