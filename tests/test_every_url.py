"""Every address of the product by every role → what they get. An address that is missing here fails the suite."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest
from django.contrib import admin
from django.core.files.base import ContentFile
from django.db.models import Model
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from broadcasts.blocking import block_addresses
from broadcasts.models import BlockedEmail, Broadcast, Delivery, EmailAddress, Import, List, Person, Upload, User
from broadcasts.people.editing import correct_address
from broadcasts.tokens import make_token
from tests import factory
from tests.broadcasts.people.family import make_guardian, make_student
from tests.url_table import TABLE

ROLES = ("anonymous", "stranger", "office", "administrator")
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


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


def make_person() -> Person:
    return factory.make_person(factory.make_school(), "Ada", ["ada@home.example"])


def make_address() -> EmailAddress:
    return EmailAddress.objects.get(person=make_person())


def make_blocked_address() -> EmailAddress:
    address = make_address()
    block_addresses([address.address], reason="Asked us to stop", source=BlockedEmail.Source.STAFF)
    return address


def make_corrected_address() -> EmailAddress:
    wrong = make_address()
    correct_address(wrong, "right@home.example", by=None)
    return wrong


def make_import() -> Import:
    return factory.make_import(factory.make_school())


def make_uploaded_import() -> Import:
    made = factory.make_import(factory.make_school(), "uploaded")
    made.file.save("people.csv", ContentFile(b"shoe size\n38\n"))
    return made


def make_unused_list() -> List:
    return factory.make_list(factory.make_school(), name="Families")


def make_picture() -> dict[str, object]:
    picture = factory.make_picture(make_draft())
    return {"pk": picture.broadcast_id, "picture_id": picture.picture_id}


def target(named_object: str) -> dict[str, object]:
    """What the address names, made afresh; all of it belongs to Lincoln school."""
    makers: dict[str, Callable[[], Model]] = {
        "person": lambda: make_student(factory.make_school()),
        "address": lambda: make_student(factory.make_school()).addresses.get(position=0),
        "relation": lambda: make_guardian(make_student(factory.make_school())),
        "blocked-address": make_blocked_address,
        "corrected": make_corrected_address,
        "list": make_unused_list,
        "upload": make_upload,
        "import": make_import,
        "uploaded-import": make_uploaded_import,
        "delivery": make_delivery,
        "draft": make_draft,
        "attachment": lambda: factory.make_attachment(make_draft()),
        "scheduled": partial(make_under_way, "scheduled"),
        "sending": partial(make_under_way, "sending"),
        "paused": partial(make_under_way, "paused"),
    }
    if named_object in makers:
        return {"pk": makers[named_object]().pk}
    fixed: dict[str, dict[str, object]] = {
        "": {},
        "no-part": {"pk": 999_999, "number": 0},
        "nothing": {"pk": 999_999},
        "key": {"key": "nobody"},
        "key-token": {"token": "nothing"},
        "reset": {"uidb36": "1", "key": "nothing"},
        "app": {"app_label": "broadcasts"},
        "admin-object": {"content_type_id": "999999", "object_id": "1"},
    }
    if named_object in fixed:
        return fixed[named_object]
    if named_object == "user":
        return {"id": factory.make_user("Dora", factory.make_school()).pk}
    several: dict[str, Callable[[], dict[str, object]]] = {
        "names": lambda: {"pk": make_draft().pk, "slug": "unsent"},
        "report-part": lambda: {"pk": make_under_way("sending").pk, "slug": "groups"},
        "staged": lambda: {"pk": make_import().pk, "slug": "new"},
        "picture": make_picture,
    }
    if named_object in several:
        return several[named_object]()
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
