"""Who gets in, and how: one door for the portal and the admin."""

import re

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from broadcasts.models import User
from tests.factory import PASSWORD
from tests.with_servers import free_port

LOGIN = reverse("account_login")


@pytest.fixture(autouse=True)
def _nobody_has_tried_yet() -> None:
    cache.clear()  # wrong passwords are counted there


def sign_in(client: Client, login: str, password: str = PASSWORD, url: str = LOGIN) -> "object":
    return client.post(url, {"login": login, "password": password})


def code_now(secret: str) -> str:
    counter = next(iter(yield_hotp_counters_from_time()))
    return str(format_hotp_value(hotp_value(secret, counter)))


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.mark.parametrize("login", ["alice", "alice@school.example", "Alice@School.example"])
def test_username_or_email_opens_the_portal(client: Client, alice: User, login: str) -> None:
    response = client.post(LOGIN, {"login": login, "password": PASSWORD})
    assert response.headers["Location"] == reverse("reports:home")
    assert is_signed_in(client)


@pytest.mark.parametrize(("login", "password"), [("alice", "wrong"), ("nobody", PASSWORD), ("alice", "")])
def test_a_wrong_word_lets_nobody_in(client: Client, alice: User, login: str, password: str) -> None:
    response = client.post(LOGIN, {"login": login, "password": password})
    assert response.status_code == 200
    assert 'role="alert"' in response.content.decode()
    assert not is_signed_in(client)


def test_the_sixth_try_is_refused_even_with_the_right_password(client: Client, alice: User) -> None:
    for _ in range(5):
        client.post(LOGIN, {"login": "alice", "password": "wrong"})
    response = client.post(LOGIN, {"login": "alice", "password": PASSWORD})
    assert "Too many failed login attempts" in response.content.decode()
    assert not is_signed_in(client)


def test_a_locked_out_neighbour_does_not_lock_out_others(client: Client, alice: User, bob: User) -> None:
    for _ in range(6):
        client.post(LOGIN, {"login": "alice", "password": "wrong"})
    client.post(LOGIN, {"login": "bob", "password": PASSWORD})
    assert is_signed_in(client)


def test_an_account_that_is_switched_off_stays_out(client: Client, alice: User) -> None:
    alice.is_active = False
    alice.save()
    response = client.post(LOGIN, {"login": "alice", "password": PASSWORD}, follow=True)
    assert "switched off" in response.content.decode()
    assert not is_signed_in(client)


@pytest.mark.django_db
def test_nobody_can_sign_up(client: Client) -> None:
    url = reverse("account_signup")
    words = {"username": "eve", "email": "eve@school.example", "password1": PASSWORD, "password2": PASSWORD}
    assert "Nobody can sign up here" in client.get(url).content.decode()
    client.post(url, words)
    assert not User.objects.exists()


def test_sign_out_is_a_post(as_alice: Client) -> None:
    url = reverse("account_logout")
    as_alice.get(url)
    assert is_signed_in(as_alice)
    assert as_alice.post(url).headers["Location"] == LOGIN
    assert not is_signed_in(as_alice)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/", "/admin/broadcasts/school/"])
def test_the_admin_asks_at_the_same_door(client: Client, path: str) -> None:
    assert client.get(path, follow=True).redirect_chain[-1] == (f"{LOGIN}?next={path}", 302)


@pytest.mark.django_db
def test_the_admins_own_sign_in_page_leads_to_the_same_door(client: Client, charlie: User) -> None:
    url = reverse("admin:login")
    assert client.get(url).headers["Location"] == f"{LOGIN}?next=/admin/"
    assert client.post(url, {"username": "charlie", "password": PASSWORD}).status_code == 302
    assert not is_signed_in(client)
    assert client.get(url, {"next": "https://evil.example/"}).headers["Location"] == f"{LOGIN}?next=/admin/"


def test_after_signing_in_the_administrator_is_where_they_wanted(client: Client, charlie: User) -> None:
    response = client.post(LOGIN, {"login": "charlie", "password": PASSWORD, "next": "/admin/"}, follow=True)
    assert response.status_code == 200
    assert response.request["PATH_INFO"] == "/admin/"
    assert client.get(reverse("admin:login")).headers["Location"] == "/admin/"


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/login/", "/admin/login/?next=/admin/", "/admin/broadcasts/user/"]
)
def test_office_staff_are_refused_by_the_admin_instead_of_asked_again(as_alice: Client, path: str) -> None:
    response = as_alice.get(path)
    assert response.status_code == 403
    assert "You may not see this page" in response.content.decode()


def test_djangos_staff_flag_opens_nothing(as_alice: Client, alice: User) -> None:
    alice.is_staff = True
    alice.save()
    assert as_alice.get("/admin/").status_code == 403


def test_an_administrator_who_is_switched_off_loses_the_admin_at_once(as_charlie: Client, charlie: User) -> None:
    assert as_charlie.get("/admin/").status_code == 200
    charlie.is_active = False
    charlie.save()
    assert as_charlie.get("/admin/", follow=True).redirect_chain[-1][0].startswith(LOGIN)


def test_an_app_is_set_up_and_then_asked_for(client: Client, alice: User) -> None:
    sign_in(client, "alice")
    url = reverse("mfa_activate_totp")
    again = client.get(url).headers["Location"]
    assert "Is it you?" in client.get(again).content.decode()
    page = client.post(again, {"password": PASSWORD}, follow=True).content.decode()
    secret = re.search(r'id="authenticator_secret"[^>]*value="([A-Z2-7]+)"', page)
    assert secret
    client.post(url, {"code": code_now(secret[1])})
    codes = Authenticator.objects.get(user=alice, type=Authenticator.Type.RECOVERY_CODES)
    assert Authenticator.objects.filter(user=alice, type=Authenticator.Type.TOTP).exists()

    stranger = Client()
    response = sign_in(stranger, "alice")
    assert response.headers["Location"] == reverse("mfa_authenticate")  # type: ignore[attr-defined]
    assert not is_signed_in(stranger)
    stranger.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert not is_signed_in(stranger)
    recovery = RecoveryCodes(codes).get_unused_codes()[0]
    stranger.post(reverse("mfa_authenticate"), {"code": recovery})
    assert is_signed_in(stranger)
    assert recovery not in RecoveryCodes(Authenticator.objects.get(pk=codes.pk)).get_unused_codes()


def test_secrets_of_the_second_step_are_not_in_the_admin(as_charlie: Client, alice: User) -> None:
    TOTP.activate(alice, generate_totp_secret())
    assert get_adapter() is not None
    assert "authenticator" not in as_charlie.get("/admin/").content.decode().lower()


@pytest.mark.parametrize(
    "name",
    ["account_login", "account_reset_password", "account_reset_password_done", "account_inactive", "account_signup"],
)
@pytest.mark.django_db
def test_pages_before_signing_in_look_like_the_product(client: Client, name: str) -> None:
    page = client.get(reverse(name)).content.decode()
    assert "css/app.css" in page
    assert page.count("<h1") == 1
    assert "Menu:" not in page


@pytest.mark.parametrize("name", ["mfa_index", "account_change_password", "account_logout"])
def test_account_pages_look_like_the_product(as_alice: Client, name: str) -> None:
    page = as_alice.get(reverse(name)).content.decode()
    assert "css/app.css" in page
    assert page.count("<h1") == 1


def test_a_forgotten_password_is_chosen_anew_by_a_link(
    client: Client, alice: User, mailoutbox: list[EmailMessage]
) -> None:
    response = client.post(reverse("account_reset_password"), {"email": "alice@school.example"}, follow=True)
    assert "Check your email" in response.content.decode()
    link = re.search(r"http://\S+", str(mailoutbox[0].body))
    assert link
    page = client.get(link[0], follow=True)
    new = "a whole new horse battery"
    client.post(page.request["PATH_INFO"], {"password1": new, "password2": new})
    client.post(LOGIN, {"login": "alice", "password": new})
    assert is_signed_in(client)
    assert "Bad Token" not in page.content.decode()
    again = Client().get(link[0], follow=True).content.decode()
    assert 'name="password1"' not in again


@pytest.mark.django_db
def test_asking_for_a_strangers_password_sends_nothing_and_says_the_same(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    response = client.post(reverse("account_reset_password"), {"email": "stranger@school.example"}, follow=True)
    assert "Check your email" in response.content.decode()
    assert mailoutbox == []


@pytest.mark.django_db
def test_asking_for_a_new_password_looks_the_same_while_the_mail_server_is_down(
    client: Client, alice: User, settings: Settings
) -> None:
    settings.MAIL_URL, settings.MAIL_IS_SANDBOX = f"smtp://127.0.0.1:{free_port()}", False
    known = client.post(reverse("account_reset_password"), {"email": alice.email})
    unknown = client.post(reverse("account_reset_password"), {"email": "nobody@x.example"})
    assert (known.status_code, known.headers["Location"]) == (unknown.status_code, unknown.headers["Location"])
