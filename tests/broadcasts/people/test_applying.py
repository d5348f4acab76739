import threading
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from broadcasts import audit
from broadcasts.models import ContactType, EmailAddress, List, Person, School, Upload, User
from broadcasts.people.applying import (
    CannotConfirm,
    confirm_upload,
    discard_forgotten_uploads,
    discard_upload,
    make_list,
)
from broadcasts.people.choosing import record_family_choice
from broadcasts.people.directory import find_family_choices
from broadcasts.people.reading import UnreadableFile
from tests import factory
from tests.broadcasts.people.files import make_upload, read
from tests.broadcasts.people.test_planning import FAMILIES


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture(autouse=True)
def types(db: None) -> None:
    factory.make_type("General")
    factory.make_type("Emergency")
    factory.make_type("Retired", is_active=False)


def received(address: str, name: str) -> set[str]:
    choices = ContactType.objects.filter(address__key=address, address__person__name=name, receives=True)
    return set(choices.values_list("broadcast_type__name", flat=True))


def test_confirm_stores_what_the_file_says(lincoln: School, alice: User) -> None:
    upload = make_upload(lincoln, FAMILIES)
    assert confirm_upload(upload, alice)
    families = List.objects.get()
    assert (families.name, families.created_by, families.people.count()) == ("Families", alice, 5)
    ann = Person.objects.get(name="Ann")
    assert (ann.school, ann.kind, ann.language) == (lincoln, "guardian", "es")
    assert [one.address for one in ann.addresses.all()] == ["ann@x.example", "home@x.example"]
    assert received("home@x.example", "Ann") == {"General"}
    assert received("home@x.example", "Bob") == {"General", "Emergency"}
    assert list(EmailAddress.objects.filter(is_valid=False).values_list("address", flat=True)) == ["not an address"]
    upload.refresh_from_db()
    assert (upload.status, upload.list) == ("confirmed", families)
    assert upload.summary == {"new": 5, "changed": 0, "unchanged": 0, "bad_rows": 0, "joined": 5}
    assert {entry.action for entry in audit.history(families)} == {"list.made", "upload.confirmed"}


def test_no_column_of_types_means_all_that_are_in_use(lincoln: School) -> None:
    make_list(lincoln, read("name,email\nAnn,a@x.example\n"), "All")
    assert received("a@x.example", "Ann") == {"General", "Emergency"}


def test_second_confirm_does_nothing_more(lincoln: School, alice: User, bob: User) -> None:
    upload = make_upload(lincoln, FAMILIES)
    second = Upload.objects.get()
    assert confirm_upload(upload, alice)
    assert not confirm_upload(second, bob)
    assert Person.objects.count() == 5
    assert not discard_upload(second, bob)


@pytest.mark.django_db(transaction=True)
def test_two_confirms_at_once_store_the_file_once(lincoln: School) -> None:
    pk = make_upload(lincoln, FAMILIES).pk
    start, outcomes = threading.Barrier(4), []

    def confirm() -> None:
        try:
            upload = Upload.objects.get(pk=pk)
            start.wait()
            outcomes.append(confirm_upload(upload, None))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=confirm) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False, False, False, True]
    assert Person.objects.count() == 5
    assert List.objects.get().people.count() == 5


@pytest.mark.django_db(transaction=True)
def test_two_uploads_of_the_same_people_at_once_make_them_once(lincoln: School) -> None:
    pks = [make_upload(lincoln, FAMILIES, name=name).pk for name in ("One", "Two")]
    start = threading.Barrier(2)

    def confirm(pk: int) -> None:
        try:
            upload = Upload.objects.get(pk=pk)
            start.wait()
            confirm_upload(upload, None)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=confirm, args=[pk]) for pk in pks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Person.objects.count() == 5
    assert {made.people.count() for made in List.objects.all()} == {5}


def test_confirm_after_discard_does_nothing(lincoln: School) -> None:
    upload = make_upload(lincoln, FAMILIES)
    assert discard_upload(upload, None)
    assert not confirm_upload(upload, None)
    assert not Person.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("settle", [confirm_upload, discard_upload])
def test_the_file_is_deleted_in_the_end(settle: object, lincoln: School, tmp_path: Path) -> None:
    upload = make_upload(lincoln, FAMILIES)
    assert [path for path in tmp_path.rglob("*") if path.is_file()]
    assert callable(settle)
    settle(upload, None)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.django_db(transaction=True)
def test_uploads_that_nobody_confirms_are_discarded_after_a_week(
    lincoln: School, jefferson: School, tmp_path: Path
) -> None:
    now = timezone.now()
    old, fresh, elsewhere = (make_upload(school, FAMILIES) for school in (lincoln, lincoln, jefferson))
    Upload.objects.exclude(pk=fresh.pk).update(uploaded_at=now - timedelta(days=7, seconds=1))
    assert discard_forgotten_uploads([lincoln], now) == 1
    waiting = set(Upload.objects.filter(status="checking"))
    assert waiting == {fresh, elsewhere}
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2
    (entry,) = audit.history(old)
    assert (entry.action, entry.actor, entry.actor_name) == ("upload.discarded", None, "Messenger")
    assert discard_forgotten_uploads([lincoln], now) == 0
    assert not confirm_upload(old, None)


def test_a_confirmed_upload_stays_confirmed(lincoln: School) -> None:
    upload = make_upload(lincoln, FAMILIES)
    confirm_upload(upload, None)
    assert discard_forgotten_uploads([lincoln], timezone.now() + timedelta(days=30)) == 0
    assert Upload.objects.get().status == "confirmed"


def test_adding_to_a_list_keeps_those_who_are_not_in_the_file(lincoln: School) -> None:
    families = make_list(lincoln, read(FAMILIES), "Families")
    confirm_upload(make_upload(lincoln, "name,email\nEve,eve@x.example\n", into=families), None)
    assert families.people.count() == 6


def test_changes_are_stored(lincoln: School) -> None:
    families = make_list(lincoln, read(FAMILIES), "Families")
    Person.objects.filter(name="Bob").update(is_active=False)
    file = "name,email,types,language,kind\nBOB,new@x.example;home@x.example,Emergency,es,staff\n"
    confirm_upload(make_upload(lincoln, file, into=families), None)
    bob = Person.objects.get(name="BOB")
    assert (bob.kind, bob.language, bob.is_active) == ("staff", "es", True)
    assert {one.address for one in bob.addresses.all()} == {"home@x.example", "new@x.example"}
    assert received("home@x.example", "BOB") == {"Emergency"}
    assert received("new@x.example", "BOB") == {"Emergency"}
    confirm_upload(make_upload(lincoln, "name,email\nBOB,home@x.example\n", into=families), None)
    assert [one.address for one in bob.addresses.all()] == ["home@x.example"]
    assert received("home@x.example", "BOB") == {"General", "Emergency"}
    assert families.people.count() == 5


def test_an_empty_cell_for_types_means_none(lincoln: School) -> None:
    make_list(lincoln, read(FAMILIES), "Families")
    make_list(lincoln, read("name,email,types\nBob,home@x.example,\n"), "Other")
    assert received("home@x.example", "Bob") == set()


def test_family_choice_survives_uploads_and_reaches_who_takes_over_the_address(lincoln: School) -> None:
    families = make_list(lincoln, read("name,email\nAnn,a@x.example\n"), "Families")
    record_family_choice(lincoln, "a@x.example", {factory.make_type("General").pk: False})
    file = "name,email\nAnn,a@x.example\nBob,a@x.example\n"
    confirm_upload(make_upload(lincoln, file, into=families), None)
    assert received("a@x.example", "Ann") == received("a@x.example", "Bob") == {"Emergency"}
    assert ContactType.objects.filter(chosen_by="family").count() == 2
    confirm_upload(make_upload(lincoln, "name,email\nAnna,a@x.example\n", into=families), None)
    assert received("a@x.example", "Anna") == {"Emergency"}


def test_who_takes_over_an_address_has_each_of_the_family_s_choices_and_the_file_s_for_the_rest(
    lincoln: School,
) -> None:
    make_list(lincoln, read("name,email\nAnn,a@x.example\n"), "Families")
    general, emergency = factory.make_type("General"), factory.make_type("Emergency")
    record_family_choice(lincoln, "a@x.example", {general.pk: False, emergency.pk: True})
    factory.make_type("Attendance")
    make_list(lincoln, read("name,email,types\nBob,a@x.example;b@x.example,General;Attendance\n"), "Others")
    made = ContactType.objects.filter(address__person__name="Bob", address__key="a@x.example")
    assert set(made.values_list("broadcast_type__name", "receives", "chosen_by")) == {
        ("General", False, "family"),
        ("Emergency", True, "family"),
        ("Attendance", True, "upload"),
    }
    assert received("b@x.example", "Bob") == {"General", "Attendance"}


def test_a_name_taken_meanwhile_loses_nothing(lincoln: School) -> None:
    upload = make_upload(lincoln, FAMILIES)
    factory.make_list(lincoln, name="Families")
    with pytest.raises(CannotConfirm, match="Families"):
        confirm_upload(upload, None)
    assert not Person.objects.exists()
    upload.refresh_from_db()
    assert upload.status == "checking"
    Upload.objects.update(list_name="Families 2")
    assert confirm_upload(Upload.objects.get(), None)


def test_a_file_of_bad_rows_only_is_refused(lincoln: School) -> None:
    upload = make_upload(lincoln, "name,email,types\nAnn,a@x.example,Sports\n")
    with pytest.raises(CannotConfirm, match="No row"):
        confirm_upload(upload, None)
    assert Upload.objects.get().status == "checking"
    assert not List.objects.exists()


def test_a_lost_file_is_said(lincoln: School) -> None:
    upload = make_upload(lincoln, FAMILIES)
    upload.file.delete(save=False)
    with pytest.raises(UnreadableFile, match="Upload it again"):
        confirm_upload(upload, None)


def test_made_list_has_exactly_the_file_s_people(lincoln: School, alice: User) -> None:
    factory.make_list(lincoln, [factory.make_person(lincoln, "Zed")], name="Families")
    made = make_list(lincoln, read(FAMILIES), "Families", alice)
    assert (made.name, made.people.count()) == ("Families (2)", 5)
    assert make_list(lincoln, read(FAMILIES), "Families", alice) == made
    assert List.objects.count() == 2


def test_thousands_of_rows_take_few_statements(lincoln: School) -> None:
    rows = "".join(f"Person {n},p{n}@x.example,General;Emergency\n" for n in range(3000))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        made = make_list(lincoln, read("name,email,types\n" + rows), "Many")
    assert made.people.count() == 3000
    assert ContactType.objects.count() == 6000
    assert len(queries) < 70


def test_choices_made_before_they_had_a_table_of_their_own_are_taken_over(lincoln: School, jefferson: School) -> None:
    make_list(lincoln, read("name,email,types\nAnn,a@x.example,General\nBob,a@x.example,General\n"), "Families")
    make_list(jefferson, read("name,email,types\nAnn,a@x.example,General\n"), "Families")
    ContactType.objects.filter(address__person__school=lincoln).update(chosen_by="family")
    ContactType.objects.filter(address__person__school=lincoln, address__person__name="Ann").update(receives=False)
    migration = import_module("broadcasts.migrations.0002_family_choices_outlast_addresses")
    migration.copy_family_choices(apps, None)
    assert find_family_choices(lincoln) == {"a@x.example": {factory.make_type("General").pk: False}}
    assert find_family_choices(jefferson) == {}
