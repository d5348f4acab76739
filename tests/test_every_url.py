"""Every address of the product by every role → what they get. An address that is missing here fails the suite."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest
from django.contrib import admin
from django.core.files.base import ContentFile
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from broadcasts.models import Broadcast, Delivery, List, Upload, User
from broadcasts.tokens import make_token
from tests import factory

ROLES = ("anonymous", "stranger", "office", "administrator")
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"

# The stranger works in the office of another school. "sign-in": sent to the sign-in page. A slash divides an
# address from the object it names (see `target`).
TABLE = """
                                                  anonymous  stranger  office  administrator
healthz                                     GET   200        200       200     200
reports:home                                GET   sign-in    200       200     200
reports:email-log                           GET   sign-in    200       200     200
reports:email-log-export                    GET   sign-in    403       403     200
reports:delivery-detail/delivery            GET   sign-in    404       200     200
reports:help                                GET   sign-in    200       200     200

broadcasts:list-list                        GET   sign-in    200       200     200
broadcasts:list-detail/list                 GET   sign-in    404       200     200
broadcasts:list-delete/list                 GET   sign-in    404       200     200
broadcasts:list-delete/list                 POST  sign-in    404       302     302
broadcasts:upload-new                       GET   sign-in    200       200     200
broadcasts:upload-new                       POST  sign-in    422       422     422
broadcasts:upload-check/upload              GET   sign-in    404       200     200
broadcasts:upload-confirm/upload            GET   sign-in    404       302     302
broadcasts:upload-confirm/upload            POST  sign-in    404       302     302
broadcasts:upload-discard/upload            GET   sign-in    404       302     302
broadcasts:upload-discard/upload            POST  sign-in    404       302     302

broadcasts:broadcast-list                   GET   sign-in    200       200     200
broadcasts:broadcast-new                    GET   sign-in    200       200     200
broadcasts:broadcast-edit/draft             GET   sign-in    404       200     200
broadcasts:broadcast-edit/draft             POST  sign-in    404       200     200
broadcasts:broadcast-autosave/draft         GET   sign-in    405       405     405
broadcasts:broadcast-autosave/draft         POST  sign-in    404       400     400
broadcasts:broadcast-delete/draft           GET   sign-in    404       302     302
broadcasts:broadcast-delete/draft           POST  sign-in    404       302     302
broadcasts:broadcast-preview/draft          GET   sign-in    404       200     200
broadcasts:broadcast-preview-html/draft     GET   sign-in    404       200     200
broadcasts:broadcast-test/draft             GET   sign-in    404       302     302
broadcasts:broadcast-test/draft             POST  sign-in    404       302     302
broadcasts:broadcast-review/draft           GET   sign-in    404       200     200
broadcasts:broadcast-review-names/names     GET   sign-in    404       200     200
broadcasts:broadcast-send/draft             GET   sign-in    404       302     302
broadcasts:broadcast-send/draft             POST  sign-in    404       422     422
broadcasts:broadcast-undo/scheduled         GET   sign-in    404       302     302
broadcasts:broadcast-undo/scheduled         POST  sign-in    404       302     302
broadcasts:broadcast-pause/sending          GET   sign-in    404       302     302
broadcasts:broadcast-pause/sending          POST  sign-in    404       302     302
broadcasts:broadcast-resume/paused          GET   sign-in    404       302     302
broadcasts:broadcast-resume/paused          POST  sign-in    404       302     302
broadcasts:broadcast-cancel/sending         GET   sign-in    404       302     302
broadcasts:broadcast-cancel/sending         POST  sign-in    404       200     200
broadcasts:broadcast-detail/sending         GET   sign-in    404       200     200
broadcasts:broadcast-progress/sending       GET   sign-in    404       200     200

broadcasts:sandbox                          GET   sign-in    200       200     200
broadcasts:sandbox-message/nothing          GET   sign-in    404       404     404
broadcasts:sandbox-message-html/nothing     GET   sign-in    404       404     404

tracking:pixel/pixel                        GET   200        200       200     200
tracking:preferences/preferences            GET   200        200       200     200
tracking:preferences/preferences            POST  200        200       200     200

account_login                               GET   200        302       302     302
account_logout                              GET   302        200       200     200
account_inactive                            GET   200        200       200     200
account_signup                              GET   200        302       302     302
account_reauthenticate                      GET   sign-in    200       200     200
account_email                               GET   sign-in    200       200     200
account_email_verification_sent             GET   200        200       200     200
account_confirm_email/key                   GET   200        200       200     200
account_change_password                     GET   sign-in    200       200     200
account_set_password                        GET   sign-in    302       302     302
account_confirm_login_code                  GET   302        302       302     302
account_reset_password                      GET   200        200       200     200
account_reset_password_done                 GET   200        200       200     200
account_reset_password_from_key/reset       GET   200        200       200     200
account_reset_password_from_key_done        GET   200        200       200     200
mfa_index                                   GET   sign-in    200       200     200
mfa_authenticate                            GET   302        302       302     302
mfa_reauthenticate                          GET   sign-in    302       302     302
mfa_activate_totp                           GET   sign-in    302       302     302
mfa_deactivate_totp                         GET   sign-in    404       404     404
mfa_view_recovery_codes                     GET   sign-in    404       404     404
mfa_generate_recovery_codes                 GET   sign-in    302       302     302
mfa_download_recovery_codes                 GET   sign-in    404       404     404

admin:index                                 GET   sign-in    403       403     200
admin:login                                 GET   sign-in    403       403     302
admin:logout                                GET   sign-in    403       403     405
admin:password_change                       GET   sign-in    403       403     200
admin:password_change_done                  GET   sign-in    403       403     200
admin:autocomplete                          GET   sign-in    403       403     403
admin:jsi18n                                GET   sign-in    403       403     200
admin:view_on_site/admin-object             GET   sign-in    403       403     404
admin:app_list/app                          GET   sign-in    403       403     200
admin:auth_user_password_change/user        GET   sign-in    403       403     200
admin:broadcasts_blockedemail_add_many      GET   sign-in    403       403     200
admin:broadcasts_blockedemail_export        GET   sign-in    403       403     200
"""


@dataclass(frozen=True)
class Row:
    name: str
    object: str
    method: str
    expected: dict[str, str]

    def __str__(self) -> str:
        return f"{self.method} {self.name}"


def read_table() -> Iterator[Row]:
    for line in TABLE.strip().splitlines()[1:]:
        if line.strip():
            address, method, *expected = line.split()
            name, _, named_object = address.partition("/")
            yield Row(name, named_object, method, dict(zip(ROLES, expected, strict=True)))


ROWS = list(read_table())


def all_names(resolver: URLResolver, namespace: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from all_names(pattern, inner)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield namespace + pattern.name


def admin_names() -> set[str]:
    deeds = ("changelist", "add", "change", "delete", "history")
    return {
        f"admin:{model._meta.app_label}_{model._meta.model_name}_{deed}"
        for model in admin.site._registry
        for deed in deeds
    }


def webhook_names() -> list[str]:
    return sorted(name for name in all_names(get_resolver()) if name.startswith("anymail:"))


def test_every_address_is_in_the_table() -> None:
    missing = set(all_names(get_resolver())) - {row.name for row in ROWS} - admin_names() - set(webhook_names())
    assert not missing, f"Say in the TABLE of {__name__} who gets what at {sorted(missing)}."


def make_draft(school_name: str = "Lincoln") -> Broadcast:
    school = factory.make_school(school_name)
    kind = factory.make_type()
    return factory.make_broadcast(school, [factory.make_person(school, "Ada", ["ada@home.example"], [kind])])


def make_under_way(status: str) -> Broadcast:
    broadcast = make_draft()
    Broadcast.objects.filter(pk=broadcast.pk).update(status=status, send_at=timezone.now() + timedelta(seconds=9))
    return broadcast


def make_delivery() -> Delivery:
    return Delivery.objects.create(
        broadcast=make_under_way("sending"), name="Ada", email="ada@home.example", address_key="x", is_sendable=True
    )


def make_upload() -> Upload:
    file = ContentFile(b"name,email\nAda,ada@home.example\n", "families.csv")
    return Upload.objects.create(
        school=factory.make_school(), list_name="Families", file=file, file_name="families.csv"
    )


def make_unused_list() -> List:
    return factory.make_list(factory.make_school(), name="Families")


def target(named_object: str) -> dict[str, object]:
    """What the address names, made afresh; all of it belongs to Lincoln school."""
    makers: dict[str, Callable[[], Broadcast | Delivery | List | Upload]] = {
        "list": make_unused_list,
        "upload": make_upload,
        "delivery": make_delivery,
        "draft": make_draft,
        "scheduled": partial(make_under_way, "scheduled"),
        "sending": partial(make_under_way, "sending"),
        "paused": partial(make_under_way, "paused"),
    }
    if named_object in makers:
        return {"pk": makers[named_object]().pk}
    fixed: dict[str, dict[str, object]] = {
        "": {},
        "nothing": {"pk": 999_999},
        "key": {"key": "nobody"},
        "reset": {"uidb36": "1", "key": "nothing"},
        "app": {"app_label": "broadcasts"},
        "admin-object": {"content_type_id": "999999", "object_id": "1"},
    }
    if named_object in fixed:
        return fixed[named_object]
    if named_object == "user":
        return {"id": factory.make_user("Dora", factory.make_school()).pk}
    if named_object == "names":
        return {"pk": make_draft().pk, "slug": "unsent"}
    return {"token": make_token(make_delivery().pk, named_object)}


def sign_in(role: str) -> Client:
    client = Client()
    makers = {
        "stranger": partial(factory.make_user, "Bob", factory.make_school("Jefferson")),
        "office": partial(factory.make_user, "Alice", factory.make_school("Lincoln")),
        "administrator": partial(factory.make_user, "Charlie"),
    }
    if role in makers:
        user: User = makers[role]()
        client.force_login(user, backend=BACKEND)
    return client


def outcome(client: Client, method: str, url: str) -> str:
    """The status, or "sign-in"; the admin's own sign-in page only passes on to the real one."""
    response: HttpResponseBase = client.generic(method, url)
    if response.status_code == 302 and response["Location"].startswith(reverse("admin:login")):
        response = client.get(response["Location"])
    if response.status_code == 302 and response["Location"].startswith(reverse("account_login") + "?next="):
        return "sign-in"
    return str(response.status_code)


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_who_gets_what(row: Row, role: str) -> None:
    client = sign_in(role)
    url = reverse(row.name, kwargs=target(row.object))
    assert outcome(client, row.method, url) == row.expected[role]


@pytest.mark.django_db
@pytest.mark.parametrize("name", webhook_names())
def test_whoever_signs_in_webhooks_want_their_secret(name: str) -> None:
    """The providers' addresses, alike for all: something is there, and it takes nothing."""
    for role in ROLES:
        client = sign_in(role)
        assert outcome(client, "POST", reverse(name)) == "403"
        assert outcome(client, "HEAD", reverse(name)) == "200"
        assert outcome(client, "GET", reverse(name)) == ("200" if "unisender" in name else "405")


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", sorted(name for name in admin_names() if name.endswith(("list", "add"))))
def test_who_gets_the_admin_pages(name: str, role: str) -> None:
    got = outcome(sign_in(role), "GET", reverse(name))
    if role == "administrator":
        # 403: some things can only be looked at, like the audit trail.
        assert got == "200" or (got == "403" and name.endswith("_add"))
    else:
        assert got == ("sign-in" if role == "anonymous" else "403")
