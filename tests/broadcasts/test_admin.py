"""What administrators look after in the admin, and that all of it is on record."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from broadcasts import audit
from broadcasts.models import AuditEntry, BroadcastType, Membership, School, Sender, User
from tests import factory

NEW_PASSWORD = "a whole new horse battery"


def url(model: str, page: str, *args: int) -> str:
    return reverse(f"admin:broadcasts_{model}_{page}", args=args)


def last_entry() -> tuple[str, str]:
    entry = AuditEntry.objects.latest("pk")
    return entry.action, entry.object_label


def roles(*rows: dict[str, Any], existing: int = 0) -> dict[str, Any]:
    """The inline rows as the page's form sends them."""
    data = {"memberships-TOTAL_FORMS": len(rows), "memberships-INITIAL_FORMS": existing}
    return data | {f"memberships-{at}-{name}": value for at, row in enumerate(rows) for name, value in row.items()}


def user_fields(user: User, **fields: Any) -> dict[str, Any]:
    return {
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "is_active": "on",
    } | fields


def role_row(user: User, **fields: Any) -> dict[str, Any]:
    row = user.memberships.get()
    return {"id": row.pk, "user": user.pk, "role": row.role, "school": row.school_id or ""} | fields


# --- broadcast types, senders, schools -------------------------------------------------------------------------


def test_a_broadcast_type_is_added_and_changed_on_record(as_charlie: Client) -> None:
    fields = {"name": "Lunch menu", "slug": "lunch-menu", "position": 4, "is_active": "on"}
    as_charlie.post(url("broadcasttype", "add"), fields)
    kind = BroadcastType.objects.get(slug="lunch-menu")
    assert last_entry() == ("broadcast_type.added", "Lunch menu")
    as_charlie.post(url("broadcasttype", "change", kind.pk), fields | {"name": "Lunch"})
    assert last_entry() == ("broadcast_type.changed", "Lunch")
    assert AuditEntry.objects.latest("pk").details == {"changes": [{"changed": {"fields": ["Name"]}}]}


def test_administrators_say_which_types_are_required_and_which_new_addresses_get(as_charlie: Client) -> None:
    kind = factory.make_type("Attendance")
    fields = {"name": "Attendance", "slug": "attendance", "position": 1, "is_active": "on", "is_required": "on"}
    as_charlie.post(url("broadcasttype", "change", kind.pk), fields)
    kind.refresh_from_db()
    assert (kind.is_required, kind.is_default) == (True, False)


def test_a_school_s_id_of_the_student_information_system_is_set(as_charlie: Client, lincoln: School) -> None:
    fields = {"name": "Lincoln", "slug": "lincoln", "sis_id": "17", "time_zone": "America/Chicago", "language": "en"}
    as_charlie.post(url("school", "change", lincoln.pk), fields)
    lincoln.refresh_from_db()
    assert lincoln.sis_id == "17"


def test_a_broadcast_type_in_use_cannot_be_deleted(as_charlie: Client, lincoln: School) -> None:
    kind = factory.make_type("General")
    factory.make_broadcast(lincoln, [factory.make_person(lincoln, addresses=["ann@school.example"])])
    page = as_charlie.get(url("broadcasttype", "delete", kind.pk)).content.decode()
    assert "1 broadcast has this type" in page
    assert "1 email address has a choice for this type" in page
    assert "Un-tick “in use” instead" in page
    as_charlie.post(url("broadcasttype", "delete", kind.pk), {"post": "yes"})
    many = {"action": "delete_selected", "_selected_action": [kind.pk], "post": "yes"}
    assert "Nothing was deleted" in as_charlie.post(url("broadcasttype", "changelist"), many).content.decode()
    assert BroadcastType.objects.filter(pk=kind.pk).exists()


def test_a_broadcast_type_nobody_uses_can_be_deleted(as_charlie: Client) -> None:
    kind = factory.make_type("General")
    as_charlie.post(url("broadcasttype", "delete", kind.pk), {"post": "yes"})
    assert not BroadcastType.objects.exists()
    assert last_entry() == ("broadcast_type.deleted", "General")


def test_several_are_deleted_on_record_one_by_one(as_charlie: Client) -> None:
    chosen = [factory.make_type(name).pk for name in ("General", "Attendance")]
    many = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
    as_charlie.post(url("broadcasttype", "changelist"), many)
    deleted = AuditEntry.objects.filter(action="broadcast_type.deleted").values_list("object_label", flat=True)
    assert set(deleted) == {"General", "Attendance"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Office\r\nBcc: eve@evil.example"),
        ("name", "Office\u2028Lincoln"),
        ("address", "office@"),
        ("address", "öffice@lincoln.example"),
        ("reply_to", "office@lincoln..example"),
    ],
)
def test_a_sender_that_would_break_a_header_is_refused(as_charlie: Client, field: str, value: str) -> None:
    fields = {"name": "School Office", "address": "office@lincoln.example", "reply_to": "", "is_active": "on"}
    response = as_charlie.post(url("sender", "add"), fields | {field: value})
    assert response.status_code == 200
    assert response.context["adminform"].form.errors[field]
    assert not Sender.objects.exists()


def test_a_sender_stays_in_ascii_whatever_families_may_have(as_charlie: Client, settings: Settings) -> None:
    settings.ALLOW_INTERNATIONAL_ADDRESSES = True
    fields = {"name": "School Office", "address": "öffice@lincoln.example", "reply_to": "bür@lincoln.example"}
    response = as_charlie.post(url("sender", "add"), {**fields, "is_active": "on"})
    assert set(response.context["adminform"].form.errors) == {"address", "reply_to"}


def test_a_sender_in_use_cannot_be_deleted(as_charlie: Client, lincoln: School) -> None:
    sender = factory.make_broadcast(lincoln).sender
    assert sender
    assert "1 broadcast comes from it" in as_charlie.get(url("sender", "delete", sender.pk)).content.decode()
    as_charlie.post(url("sender", "delete", sender.pk), {"post": "yes"})
    assert Sender.objects.filter(pk=sender.pk).exists()


def test_a_school_with_people_cannot_be_deleted(as_charlie: Client, lincoln: School) -> None:
    factory.make_list(lincoln, [factory.make_person(lincoln), factory.make_person(lincoln)])
    page = as_charlie.get(url("school", "delete", lincoln.pk)).content.decode()
    assert "2 people belong to it" in page
    assert "1 list belongs to it" in page
    assert "Un-tick" not in page


def test_a_school_needs_a_time_zone_that_exists(as_charlie: Client) -> None:
    fields = {"name": "Adams", "slug": "adams", "language": "en"}
    page = as_charlie.post(url("school", "add"), fields | {"time_zone": "Chicago"}).content.decode()
    assert "is not a time zone. Use a name like America/Chicago." in page
    as_charlie.post(url("school", "add"), fields | {"time_zone": "America/Chicago"})
    assert last_entry() == ("school.added", "Adams")


# --- users and roles -------------------------------------------------------------------------------------------


def test_a_user_is_made_with_a_role_and_can_sign_in(as_charlie: Client, lincoln: School, client: Client) -> None:
    fields = {
        "username": "dora",
        "first_name": "Dora",
        "last_name": "",
        "email": "dora@school.example",
        "usable_password": "true",
        "password1": NEW_PASSWORD,
        "password2": NEW_PASSWORD,
    }
    as_charlie.post(url("user", "add"), fields | roles({"role": "office", "school": lincoln.pk}))
    dora = User.objects.get(username="dora")
    assert list(dora.schools) == [lincoln]
    assert not dora.is_administrator
    assert last_entry() == ("user.added", "dora")
    client.post(reverse("account_login"), {"login": "dora@school.example", "password": NEW_PASSWORD})
    assert client.session["_auth_user_id"] == str(dora.pk)


def test_superuser_and_staff_cannot_be_set(as_charlie: Client, alice: User) -> None:
    fields = user_fields(alice, is_superuser="on", is_staff="on", user_permissions="1", groups="1")
    page = url("user", "change", alice.pk)
    response = as_charlie.post(page, fields | roles(role_row(alice), existing=1))
    alice.refresh_from_db()
    assert response.status_code == 302
    assert (alice.is_superuser, alice.is_staff) == (False, False)
    shown = as_charlie.get(page).content.decode()
    for word in ("is_superuser", "is_staff", "user_permissions", "groups"):
        assert f'name="{word}"' not in shown


def test_a_role_is_changed_on_record(as_charlie: Client, alice: User) -> None:
    row = role_row(alice, role="administrator", school="")
    as_charlie.post(url("user", "change", alice.pk), user_fields(alice) | roles(row, existing=1))
    assert User.objects.get(pk=alice.pk).is_administrator
    action, label = last_entry()
    assert (action, label) == ("user.changed", "alice")
    assert "role" in str(AuditEntry.objects.latest("pk").details).lower()


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{"role": "administrator", "school": "lincoln"}], "Office staff need a school"),
        ([{"role": "administrator", "school": ""}] * 2, "A role is given twice"),
        ([{"role": "office", "school": "lincoln"}] * 2, "duplicate"),
    ],
)
def test_roles_that_make_no_sense_are_explained(
    as_charlie: Client, lincoln: School, jefferson: School, rows: list[dict[str, Any]], says: str
) -> None:
    dora = User.objects.create_user("dora")
    rows = [row | {"school": lincoln.pk if row["school"] else "", "user": dora.pk} for row in rows]
    response = as_charlie.post(url("user", "change", dora.pk), user_fields(dora) | roles(*rows))
    assert response.status_code == 200
    assert says in response.content.decode()
    assert not dora.memberships.exists()


def test_a_user_without_a_role_is_pointed_out(as_charlie: Client, alice: User) -> None:
    row = role_row(alice, DELETE="on")
    page = as_charlie.post(url("user", "change", alice.pk), user_fields(alice) | roles(row, existing=1), follow=True)
    assert "Alice has no role yet" in page.content.decode()
    assert not alice.schools.exists()


def test_two_accounts_cannot_share_an_email_address(as_charlie: Client, alice: User, bob: User) -> None:
    fields = user_fields(bob, email="ALICE@school.example")
    response = as_charlie.post(url("user", "change", bob.pk), fields | roles(role_row(bob), existing=1))
    assert "Another account has this email address." in response.content.decode()


def test_a_password_is_set_on_record(as_charlie: Client, alice: User) -> None:
    page = reverse("admin:auth_user_password_change", args=[alice.pk])
    fields = {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    as_charlie.post(page, fields)
    alice.refresh_from_db()
    assert alice.check_password(NEW_PASSWORD)
    assert last_entry() == ("user.changed", "alice")
    assert NEW_PASSWORD not in str(AuditEntry.objects.latest("pk").details)


def test_nobody_locks_themselves_out(as_charlie: Client, charlie: User, lincoln: School) -> None:
    change = url("user", "change", charlie.pk)
    off = user_fields(charlie) | roles(role_row(charlie), existing=1)
    del off["is_active"]
    as_charlie.post(change, off)
    as_charlie.post(change, user_fields(charlie) | roles(role_row(charlie, DELETE="on"), existing=1))
    page = as_charlie.post(
        change, user_fields(charlie) | roles(role_row(charlie, role="office", school=lincoln.pk), existing=1)
    )
    assert "You cannot take the administrator role from yourself" in page.content.decode()
    assert as_charlie.post(url("user", "delete", charlie.pk), {"post": "yes"}).status_code == 403
    many = {"action": "delete_selected", "_selected_action": [charlie.pk], "post": "yes"}
    as_charlie.post(url("user", "changelist"), many)
    assert User.objects.get(pk=charlie.pk).is_administrator


def test_a_deleted_users_deeds_keep_their_name(as_charlie: Client, alice: User, lincoln: School) -> None:
    audit.record(alice, "broadcast.sent", lincoln)
    as_charlie.post(url("user", "delete", alice.pk), {"post": "yes"})
    assert not User.objects.filter(pk=alice.pk).exists()
    assert AuditEntry.objects.get(action="broadcast.sent").actor_name == "Alice"
    assert last_entry() == ("user.deleted", "alice")


def test_two_step_sign_in_is_switched_off_for_a_lost_phone(as_charlie: Client, alice: User, bob: User) -> None:
    TOTP.activate(alice, generate_totp_secret())
    TOTP.activate(bob, generate_totp_secret())
    many = {"action": "switch_off_two_step", "_selected_action": [alice.pk]}
    page = as_charlie.post(url("user", "changelist"), many, follow=True).content.decode()
    assert "1 account now signs in with its password alone." in page
    assert list(Authenticator.objects.values_list("user", flat=True)) == [bob.pk]
    assert last_entry() == ("user.two_step_switched_off", "alice")


def test_groups_and_permissions_are_not_there() -> None:
    assert not admin.site.is_registered(Group)


@pytest.mark.parametrize("model", sorted(f"{m._meta.app_label}_{m._meta.model_name}" for m in admin.site._registry))
def test_every_list_opens_for_administrators_and_for_nobody_else(
    as_charlie: Client, as_alice: Client, model: str
) -> None:
    factory.make_broadcast()
    page = reverse(f"admin:{model}_changelist")
    assert as_charlie.get(page).status_code == 200
    assert as_charlie.get(page, {"q": "x"}).status_code == 200
    assert as_alice.get(page).status_code == 403


def test_the_way_back_to_the_portal_is_on_every_page(as_charlie: Client) -> None:
    page = as_charlie.get(reverse("admin:index")).content.decode()
    assert f'href="{reverse("reports:home")}"' in page
    assert f'action="{reverse("account_logout")}"' in page
    assert Membership.objects.filter(role="administrator").count() == 1
