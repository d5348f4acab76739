"""Anymail's backends, opened once and lent out: a session, and so a connection, serves one request after another."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from threading import Lock
from typing import Any

from anymail.exceptions import AnymailConfigurationError  # type: ignore[import-untyped]
from anymail.utils import parse_address_list  # type: ignore[import-untyped]
from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from broadcasts.delivering.providers.addresses import KnownAddress
from broadcasts.delivering.providers.table import Provider
from broadcasts.delivering.trouble import MailServerTrouble

CONNECT_SECONDS, ANSWER_SECONDS = 10, 60
MOST_IDLE = 20

Backend = Any  # Anymail has no types
_idle: dict[tuple[str, str, str], list[Backend]] = {}
_lock = Lock()


@contextmanager
def open_backend(provider: Provider) -> Iterator[Backend]:
    """Nobody else's for the time being. Raises MailServerTrouble when a setting is missing."""
    # With other settings it is another one.
    key = provider.slug, settings.MAIL_PROVIDER_API_URL, repr(settings.ANYMAIL)
    with _lock:
        backend = _idle[key].pop() if _idle.get(key) else None
    backend = backend or _open(provider)
    is_sound = False
    try:
        yield backend
        is_sound = True
    finally:
        with _lock:
            idle = _idle.setdefault(key, [])
            is_kept = is_sound and len(idle) < MOST_IDLE
            if is_kept:
                idle.append(backend)
        if not is_kept:
            with suppress(Exception):
                backend.close()


def close_idle_backends() -> None:
    with _lock:
        backends = [backend for idle in _idle.values() for backend in idle]
        _idle.clear()
    for backend in backends:
        backend.close()


def _open(provider: Provider) -> Backend:
    # It is we who say what a refusal of everybody means.
    options: dict[str, Any] = {"ignore_recipient_status": True, "timeout": (CONNECT_SECONDS, ANSWER_SECONDS)}
    if settings.MAIL_PROVIDER_API_URL:
        options["api_url"] = settings.MAIL_PROVIDER_API_URL
    try:
        backend = _backend_class(provider)(**options)
        backend.open()
    except AnymailConfigurationError as error:
        words = _("The settings for %(provider)s are not complete: %(error)s")
        raise MailServerTrouble(words % {"provider": provider.name, "error": error}) from error
    # A redirection would carry our key to somebody else.
    backend.session.max_redirects = 0
    return backend


@cache
def _backend_class(provider: Provider) -> Any:
    """Anymail's own, but that addresses are not parsed which are known to be right."""
    module, _, _name = provider.backend.rpartition(".")
    payload_class = import_string(f"{module}.{provider.name.replace(' ', '')}Payload")
    attributes = tuple(
        (name, combine, _addresses if name == "to" else convert)
        for name, combine, convert in payload_class.base_message_attrs
    )
    quick = type(payload_class.__name__, (payload_class,), {"base_message_attrs": attributes})

    def build_message_payload(self: Backend, message: Any, defaults: Any) -> Any:
        return quick(message=message, defaults=defaults, backend=self)

    return type("EmailBackend", (import_string(provider.backend),), {"build_message_payload": build_message_payload})


def _addresses(given: list[KnownAddress | str]) -> list[Any]:
    """Emails of the portal's own (a new password) have theirs as text."""
    return [one for each in given for one in ([each] if isinstance(each, KnownAddress) else parse_address_list(each))]
