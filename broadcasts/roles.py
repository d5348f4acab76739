"""Who may do what. Office staff work for their school; administrators see every school and use the admin."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from broadcasts.delivering.transports import MailServerTrouble
from broadcasts.models import User

log = logging.getLogger(__name__)


class RoleBackend(ModelBackend):
    """Every permission of the admin follows from the role; there are no permissions to tick."""

    def authenticate(self, *_args: Any, **_kwargs: Any) -> None:
        """Passwords are checked by allauth, which counts wrong ones."""

    def has_perm(self, user_obj: AbstractBaseUser | AnonymousUser, perm: str, obj: Any = None) -> bool:  # noqa: ARG002
        return isinstance(user_obj, User) and user_obj.is_administrator

    def has_module_perms(self, user_obj: AbstractBaseUser | AnonymousUser, app_label: str) -> bool:  # noqa: ARG002
        return isinstance(user_obj, User) and user_obj.is_administrator


class ClosedSignup(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by administrators."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """With the mail server down the page stays the same: an error would tell which accounts there are."""
        try:
            super().send_mail(template_prefix, email, context)
        except MailServerTrouble:
            log.exception("An email about an account could not be sent (%s)", template_prefix)


def signed_in_user(request: HttpRequest) -> User:
    """The user behind a page that needs one (LoginRequiredMiddleware has already asked)."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


View = Callable[..., HttpResponseBase]


def administrators_only(view: View) -> View:
    """403 for everybody else, whatever they may see."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not signed_in_user(request).is_administrator:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded
