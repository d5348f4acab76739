from datetime import timedelta

import pytest
from django.utils import timezone

from broadcasts import audit
from broadcasts.models import (
    ContactType,
    ContactTypeChange,
    Delivery,
    EmailAddress,
    Guardianship,
    Person,
    PersonSchool,
    School,
    StagedPerson,
    User,
)
from broadcasts.people.choosing import record_family_choice
from broadcasts.people.importing.merging import CannotImport
from broadcasts.people.importing.rows import GuardianRow
from broadcasts.people.importing.undoing import can_undo, start_undo, undo_import, why_not_undo
from broadcasts.preparing.preparing import announce_preparing, prepare_deliveries
from tests import factory
from tests.broadcasts.people.importing.files import row, stage, store, undo


def test_everything_becomes_as_it_was(lincoln: School, alice: User) -> None:
    general, news = factory.make_type("General"), factory.make_type("Newsletter")
    store(
        lincoln,
        [
            row(lincoln, "1", "Ann", ["ann@home.example", "ann@old.example"], kind="student", grade="4"),
            row(lincoln, "2", "Ben", kind="guardian"),
            row(lincoln, "3", "Cleo", kind="guardian"),
            GuardianRow("1", "2", category="father"),
            GuardianRow("1", "3"),
        ],
    )
    before = everything()
    import_ = store(
        lincoln,
        [
            row(lincoln, "1", "Anna", ["ann@home.example", "ann@new.example"], grade="5", types=frozenset([news.pk])),
            row(lincoln, "2", "Ben", kind="guardian"),
            row(lincoln, "4", "Dora", ["dora@home.example"], kind="guardian"),
            GuardianRow("1", "2", category="other", do_not_contact=True),
            GuardianRow("1", "4"),
        ],
        deactivate_missing=True,
        missing_typed=1,
    )
    assert everything() != before
    counts = undo(import_, alice)
    assert everything() == before
    assert counts == {"put_back": 2, "removed": 1, "inactive": 0, "kept": 0, "addresses_kept": 0}
    assert import_.status == "undone"
    assert [(entry.action, entry.actor) for entry in audit.history(import_)][:2] == [
        ("import.undone", alice),
        ("import.undo_asked", alice),
    ]
    assert ContactTypeChange.objects.filter(changed_by=alice, broadcast_type=general, receives=True).exists()


def everything() -> list[object]:
    """The directory, without keys."""
    people = Person.objects.values_list("name", "kind", "language", "grade", "sis_id", "is_active", "is_imported")
    addresses = EmailAddress.objects.filter(is_active=True).values_list("person__name", "key")
    types = ContactType.objects.values_list("address__key", "broadcast_type__name", "receives", "chosen_by")
    pairs = Guardianship.objects.values_list("student__name", "guardian__name", "category", "do_not_contact")
    return [sorted(rows) for rows in (people, addresses, types, pairs)]


def test_what_somebody_changed_since_stays_and_is_counted(lincoln: School) -> None:
    store(lincoln, [row(lincoln, "1", "Ann", ["ann@home.example"], grade="4")])
    import_ = store(lincoln, [row(lincoln, "1", "Anna", ["ann@new.example"], grade="5"), row(lincoln, "2", "Ben")])
    Person.objects.filter(sis_id="1").update(name="Anneliese")
    Person.objects.filter(sis_id="2").update(name="Benjamin")
    EmailAddress.objects.filter(key="ann@new.example").update(by_hand=True)
    counts = undo(import_)
    assert (counts["kept"], counts["addresses_kept"], counts["removed"]) == (2, 1, 0)
    ann = Person.objects.get(sis_id="1")
    assert (ann.name, ann.grade) == ("Anneliese", "4")
    assert set(ann.addresses.filter(is_active=True).values_list("key", flat=True)) == {
        "ann@home.example",
        "ann@new.example",
    }
    assert Person.objects.get(sis_id="2").is_active
    assert StagedPerson.objects.filter(of_import=import_, undone="kept").count() == 2


def test_who_got_an_email_becomes_inactive_instead(lincoln: School) -> None:
    import_ = store(lincoln, [row(lincoln, "1", "Ann", ["ann@home.example"]), row(lincoln, "2", "Ben")])
    ann = Person.objects.get(sis_id="1")
    broadcast = factory.make_broadcast(lincoln, [ann], status="scheduled", send_at=timezone.now())
    assert announce_preparing(broadcast.pk, timezone.now())
    assert prepare_deliveries(broadcast.pk)
    broadcast.lists.get().members.all().delete()
    counts = undo(import_)
    assert (counts["inactive"], counts["removed"]) == (1, 1)
    ann.refresh_from_db()
    assert not ann.is_active
    assert Delivery.objects.get().person == ann


def test_members_of_lists_and_guardians_by_hand_become_inactive(lincoln: School) -> None:
    import_ = store(lincoln, [row(lincoln, str(number), name) for number, name in enumerate(["Ann", "Ben", "Cleo"])])
    factory.make_list(lincoln, [Person.objects.get(name="Ann")])
    student = factory.make_person(lincoln, "Dora", kind="student")
    Guardianship.objects.create(student=student, guardian=Person.objects.get(name="Ben"), by_hand=True)
    assert undo(import_)["inactive"] == 2
    assert set(Person.objects.filter(is_active=False).values_list("name", flat=True)) == {"Ann", "Ben"}
    assert not Person.objects.filter(name="Cleo").exists()


def test_a_choice_that_a_family_made_since_stays(lincoln: School) -> None:
    general = factory.make_type("General")
    store(lincoln, [row(lincoln, "1", "Ann", ["ann@home.example"])])
    import_ = store(lincoln, [row(lincoln, "1", "Ann", ["ann@home.example"], types=frozenset())])
    record_family_choice(lincoln, "ann@home.example", {general.pk: False})
    undo(import_)
    choice = ContactType.objects.get(broadcast_type=general)
    assert (choice.receives, choice.chosen_by) == (False, "family")
    assert ContactType.objects.get(broadcast_type__name="Emergency").receives


def test_a_district_moves_people_back(lincoln: School, jefferson: School) -> None:
    roosevelt = factory.make_school("Roosevelt")
    store(None, [row(lincoln, "1", "Ann", other_schools=(jefferson.pk,))])
    import_ = store(None, [row(roosevelt, "1", "Ann", other_schools=(lincoln.pk,))])
    undo(import_)
    assert Person.objects.get().school == lincoln
    assert [one.school for one in PersonSchool.objects.all()] == [jefferson]


def test_an_import_that_only_learned_ids_forgets_them(lincoln: School) -> None:
    factory.make_person(lincoln, "Ann", ["ann@home.example"])
    import_ = store(lincoln, [row(lincoln, "1", "Ann", ["ann@home.example"])])
    assert Person.objects.get().sis_id == "1"
    undo(import_)
    ann = Person.objects.get()
    assert (ann.sis_id, ann.is_imported, ann.is_active) == ("", False, True)


def test_only_for_a_day(lincoln: School) -> None:
    import_ = store(lincoln, [row(lincoln, "1", "Ann")])
    now = timezone.now()
    assert can_undo(import_, now + timedelta(hours=23))
    assert "24 hours" in why_not_undo(import_, now + timedelta(hours=25))


def test_not_when_a_later_import_touched_the_same_people(lincoln: School, jefferson: School) -> None:
    first = store(lincoln, [row(lincoln, "1", "Ann"), row(lincoln, "2", "Ben")])
    store(jefferson, [row(jefferson, "1", "Eve")])
    second = store(lincoln, [row(lincoln, "1", "Anna"), row(lincoln, "2", "Ben")])
    with pytest.raises(CannotImport, match="later import"):
        start_undo(first, None)
    undo(second)
    assert can_undo(first, timezone.now())


def test_a_second_undo_does_nothing(lincoln: School) -> None:
    import_ = store(lincoln, [row(lincoln, "1", "Ann")])
    undo(import_)
    assert not start_undo(import_, None)
    assert not undo_import(import_.pk)


def test_what_was_never_stored_cannot_be_undone(lincoln: School) -> None:
    with pytest.raises(CannotImport, match="that was stored"):
        start_undo(stage(lincoln, [row(lincoln, "1", "Ann")]), None)
