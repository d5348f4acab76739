"""Who may tell us something: whoever knows the secret, or signs with the key, that the settings name. Nobody else."""

from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import Any

import requests
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest

from tracking.webhooks.providers import Provider

# Longer ones are looked at one after the other: while it is taken apart, a POST needs ten times its length.
LONG = 256 * 1024
_one_at_a_time = Lock()
# Of a form: Python takes 200 bytes for each while it decodes. Mandrill's largest has 1,000 events.
MOST_ESCAPES = 400_000
# A notification of Amazon SNS has at most 256 kB, and stands in others' words several times while it is proven.
LONGEST_SNS = 512 * 1024
# Of the largest POST there is (SparkPost: 10,000 events), with ten lists and objects in each event.
MOST_CONTAINERS = 100_000


# Anymail quotes whole bodies in its errors, also those of strangers.
LONGEST_REASON = 200


class Refused(Exception):
    """Its text says why, for the log; the answer does not."""


class PasswordWanted(Refused):
    """Amazon SNS sends its password only when asked for it with 401."""


def turn_of(request: HttpRequest) -> AbstractContextManager[Any]:
    """Many at once must not fill the memory of their process."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return nullcontext() if length.isdecimal() and int(length) <= LONG else _one_at_a_time


def is_too_much(provider: Provider, request: HttpRequest) -> bool:
    """Before anything is parsed, also for strangers: two megabytes of empty lists become fifty in memory."""
    try:
        body = request.body
    except RequestDataTooBig:
        return True
    if provider.slug == "amazon_ses" and len(body) > LONGEST_SNS:
        return True
    if request.content_type == "application/x-www-form-urlencoded" and body.count(b"%") > MOST_ESCAPES:
        return True
    return sum(body.count(sign) for sign in (b"{", b"[", b"%7B", b"%5B")) > MOST_CONTAINERS


def admit(provider: Provider, request: HttpRequest) -> Any:
    """Anymail's view, ready, with the POST proven; raises Refused, or RequestException when we could not find out."""
    try:
        view = provider.make_view(provider.view_class)
    except Exception as error:
        # Anymail wants its settings at once; without one nobody can be let in.
        raise Refused(f"it is not set up: {error}"[:LONGEST_REASON]) from error
    if provider.slug == "amazon_ses" and view.basic_auth and not request.headers.get("Authorization"):
        raise PasswordWanted("no password")
    try:
        view.run_validators(request)
        is_proven = provider.verify(request)
    except requests.RequestException:
        raise
    except Exception as error:
        # Whatever the proof stumbles over, it is no proof.
        raise Refused(f"{type(error).__name__}: {error}"[:LONGEST_REASON]) from error
    has_key = provider.key_attribute and getattr(view, provider.key_attribute, None)
    if not (is_proven or view.basic_auth or has_key):
        raise Refused("neither a secret nor a key is set up")
    return view
