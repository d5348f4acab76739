from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from broadcasts import audit
from broadcasts.models import (
    ContactType,
    ContactTypeChange,
    EmailAddress,
    Guardianship,
    Person,
    PersonSchool,
    School,
    User,
)
from broadcasts.people.choosing import record_family_choice
from broadcasts.people.importing.merging import (
    CannotImport,
    confirm_import,
    known_count,
    merge_import,
    missing_count,
    needs_typed_number,
)
from broadcasts.people.importing.rows import GuardianRow, PersonRow
from tests import factory
from tests.broadcasts.people.importing.files import row, stage, store

FAMILY = [("1", "Kid", "student"), ("2", "Ma", "guardian"), ("3", "Pa", "guardian")]


def receives(address: str) -> dict[str, tuple[bool, str]]:
    found = ContactType.objects.filter(address__key=address)
    return {
        name: (wants, by) for name, wants, by in found.values_list("broadcast_type__name", "receives", "chosen_by")
    }


def active_addresses(person: Person) -> list[str]:
    return list(person.addresses.filter(is_active=True).values_list("key", flat=True))


def test_people_are_stored_with_all_that_the_file_says(lincoln: School, alice: User) -> None:
    import_ = store(
        lincoln,
        [
            row(lincoln, "1", "Ann Lee", ["ann@home.example", "no..dots@home.example"], kind="student", grade="5"),
            row(lincoln, "2", "Ben Lee", ["ann@home.example"], language="es"),
        ],
        alice,
    )
    ann, ben = Person.objects.order_by("name")
    assert (ann.sis_id, ann.kind, ann.grade, ann.language, ann.is_imported) == ("1", "student", "5", "en", True)
    assert (ben.kind, ben.language, ben.school, ben.is_active) == ("guardian", "es", lincoln, True)
    assert list(ann.addresses.values_list("key", "is_valid", "position")) == [
        ("ann@home.example", True, 0),
        ("no..dots@home.example", False, 1),
    ]
    assert active_addresses(ben) == ["ann@home.example"]
    assert import_.status == "done"
    assert import_.confirmed_at is not None
    assert [(entry.action, entry.actor) for entry in audit.history(import_)] == [
        ("import.stored", alice),
        ("import.confirmed", alice),
    ]


def test_keys_go_on_where_the_import_ended(lincoln: School) -> None:
    store(lincoln, [row(lincoln, "1", "Ann Lee", ["ann@home.example"])])
    added = factory.make_person(lincoln, "By Hand", ["hand@home.example"])
    assert added.pk > Person.objects.get(sis_id="1").pk


def test_a_second_confirm_does_nothing(lincoln: School, alice: User) -> None:
    import_ = stage(lincoln, [row(lincoln, "1", "Ann Lee")])
    assert confirm_import(import_, alice, deactivate_missing=False)
    assert not confirm_import(import_, alice, deactivate_missing=False)
    assert merge_import(import_.pk)
    assert not merge_import(import_.pk)
    assert Person.objects.count() == 1


def test_changes_are_stored_and_silence_changes_nothing(lincoln: School) -> None:
    store(lincoln, [row(lincoln, "1", "Ann Lee", ["ann@home.example"], language="es", grade="5")])
    store(lincoln, [row(lincoln, "1", "Ann Wong", None, kind="staff")])
    ann = Person.objects.get()
    assert (ann.name, ann.kind, ann.language, ann.grade) == ("Ann Wong", "staff", "es", "5")
    assert active_addresses(ann) == ["ann@home.example"]


def test_new_addresses_receive_the_default_types(lincoln: School) -> None:
    factory.make_type("Retired", is_active=False)
    store(lincoln, [row(lincoln, "1", "Ann Lee", ["ann@home.example"])])
    assert receives("ann@home.example") == {"General": (True, "upload"), "Emergency": (True, "upload")}


def test_the_files_types_win_over_the_defaults(lincoln: School, alice: User) -> None:
    general, news = factory.make_type("General"), factory.make_type("Newsletter")
    store(lincoln, [row(lincoln, "1", "Ann Lee", ["ann@home.example"], types=frozenset([news.pk]))])
    assert receives("ann@home.example") == {"Newsletter": (True, "upload")}
    store(lincoln, [row(lincoln, "1", "Ann Lee", ["ann@home.example"], types=frozenset([general.pk]))], alice)
    assert receives("ann@home.example") == {"Newsletter": (False, "upload"), "General": (True, "upload")}
    changes = ContactTypeChange.objects.values_list("broadcast_type__name", "receives", "changed_by")
    assert set(changes) == {("Newsletter", False, alice.pk), ("General", True, alice.pk)}


def test_a_familys_choice_outlasts_every_file(lincoln: School) -> None:
    general, emergency = factory.make_type("General"), factory.make_type("Emergency")
    record_family_choice(lincoln, "ann@home.example", {general.pk: False})
    both = frozenset([general.pk, emergency.pk])
    for _ in range(2):
        import_ = store(lincoln, [row(lincoln, "1", "Ann Lee", ["ann@home.example"], types=both)])
        assert receives("ann@home.example") == {"General": (False, "family"), "Emergency": (True, "upload")}
    assert any("as the family chose" in str(warning["kind"]) for warning in import_.warnings)


def test_staffs_choice_stays_while_the_file_says_nothing(lincoln: School) -> None:
    store(lincoln, [row(lincoln, "1", "Ann Lee", ["ann@home.example"])])
    ContactType.objects.filter(broadcast_type__name="General").update(receives=False, chosen_by="staff")
    store(lincoln, [row(lincoln, "1", "Ann Lee", ["ann@home.example"])])
    assert receives("ann@home.example")["General"] == (False, "staff")


def test_an_address_that_goes_is_retired_and_comes_back_with_its_types(lincoln: School) -> None:
    store(lincoln, [row(lincoln, "1", "Ann Lee", ["ann@home.example"])])
    ContactType.objects.filter(broadcast_type__name="General").update(receives=False, chosen_by="staff")
    store(lincoln, [row(lincoln, "1", "Ann Lee", [])])
    retired = EmailAddress.objects.get(is_active=False)
    store(lincoln, [row(lincoln, "1", "Ann Lee", ["ann@home.example"])])
    assert EmailAddress.objects.get(is_active=True) == retired
    assert receives("ann@home.example")["General"] == (False, "staff")


def test_who_leaves_becomes_inactive_and_returns(lincoln: School) -> None:
    store(lincoln, [row(lincoln, "1", "Ann Lee", ["ann@home.example"])])
    import_ = store(lincoln, [row(lincoln, "1", "Ann Lee", (), is_active=False)], is_complete=False)
    assert import_.summary["left"] == 1
    ann = Person.objects.get()
    assert not ann.is_active
    assert active_addresses(ann) == ["ann@home.example"]
    import_ = store(lincoln, [row(lincoln, "1", "Ann Lee", ["ann@home.example"])])
    assert import_.summary["returned"] == 1
    assert Person.objects.get().is_active


def test_who_left_without_ever_being_here_is_not_stored(lincoln: School) -> None:
    store(lincoln, [row(lincoln, "1", "Ann Lee"), row(lincoln, "2", "Ben Lee", is_active=False)])
    assert [person.name for person in Person.objects.all()] == ["Ann Lee"]


def test_a_districts_import_moves_people_and_their_schools(lincoln: School, jefferson: School) -> None:
    roosevelt = factory.make_school("Roosevelt")
    store(None, [row(lincoln, "1", "Ann Lee", other_schools=(jefferson.pk, roosevelt.pk))])
    store(None, [row(jefferson, "1", "Ann Lee", other_schools=(lincoln.pk,))])
    assert Person.objects.get().school == jefferson
    assert [one.school for one in PersonSchool.objects.all()] == [lincoln]


def test_missing_people_stay_without_the_tick(lincoln: School) -> None:
    store(lincoln, [row(lincoln, "1", "Ann Lee"), row(lincoln, "2", "Ben Lee")])
    import_ = store(lincoln, [row(lincoln, "1", "Ann Lee")])
    assert (import_.summary["missing"], import_.summary["deactivated"]) == (1, 0)
    assert Person.objects.filter(is_active=True).count() == 2


def test_the_tick_is_enough_for_a_few(lincoln: School) -> None:
    people = [row(lincoln, str(number), f"Person {number}") for number in range(1, 11)]
    store(lincoln, people)
    import_ = stage(lincoln, people[:8])
    assert (missing_count(import_), needs_typed_number(import_)) == (2, False)
    assert confirm_import(import_, None, deactivate_missing=True)
    assert merge_import(import_.pk)
    assert set(Person.objects.filter(is_active=False).values_list("sis_id", flat=True)) == {"9", "10"}


def test_beyond_a_fifth_their_number_is_to_be_typed(lincoln: School) -> None:
    people = [row(lincoln, str(number), f"Person {number}") for number in range(1, 11)]
    store(lincoln, people)
    import_ = stage(lincoln, people[:7])
    assert needs_typed_number(import_)
    for typed in (None, 2):
        with pytest.raises(CannotImport, match="type their number"):
            confirm_import(import_, None, deactivate_missing=True, missing_typed=typed)
    assert confirm_import(import_, None, deactivate_missing=True, missing_typed=3)
    assert merge_import(import_.pk)
    assert Person.objects.filter(is_active=False).count() == 3


def test_a_fifth_is_counted_among_the_kinds_in_the_file(lincoln: School) -> None:
    students = [row(lincoln, str(number), f"Kid {number}", kind="student") for number in range(1, 11)]
    store(
        lincoln, students + [row(lincoln, str(number), f"Pa {number}", kind="guardian") for number in range(11, 51)]
    )
    import_ = stage(lincoln, students[:7])
    assert (missing_count(import_), known_count(import_)) == (3, 10)
    assert needs_typed_number(import_)


def test_guardians_of_another_schools_student_stay_but_for_a_court_order(lincoln: School, jefferson: School) -> None:
    family = [row(jefferson, number, name, kind=kind) for number, name, kind in FAMILY]
    store(jefferson, [*family, GuardianRow("1", "2", category="mother"), GuardianRow("1", "3", category="father")])
    for person in Person.objects.all():
        PersonSchool.objects.create(person=person, school=lincoln)
    family = [row(lincoln, number, name, kind=kind) for number, name, kind in [*FAMILY, ("4", "Own", "student")]]
    silenced = GuardianRow("1", "3", category="other", do_not_contact=True)
    import_ = store(lincoln, [*family, GuardianRow("4", "2", category="other"), silenced])
    assert set(Guardianship.objects.values_list("student__name", "guardian__name", "category", "do_not_contact")) == {
        ("Kid", "Ma", "mother", False),
        ("Kid", "Pa", "father", True),
        ("Own", "Ma", "other", False),
    }
    assert (import_.summary["guardians_new"], import_.summary["guardians_gone"]) == (1, 0)


def test_nobody_leaves_who_was_not_on_the_check_page(lincoln: School) -> None:
    store(lincoln, [row(lincoln, "1", "Ann Lee"), row(lincoln, "2", "Ben Lee")])
    import_ = stage(lincoln, [row(lincoln, "1", "Ann Lee")])
    factory.make_person(lincoln, "Came Since", is_imported=True)
    Person.objects.filter(sis_id="2").update(is_active=False)
    assert confirm_import(import_, None, deactivate_missing=True, missing_typed=1)
    assert merge_import(import_.pk)
    import_.refresh_from_db()
    assert import_.summary["deactivated"] == 0
    assert Person.objects.get(name="Came Since").is_active


def test_what_changed_since_the_check_is_compared_again(lincoln: School) -> None:
    import_ = stage(lincoln, [row(lincoln, "1", "Ann Lee", ["ann@home.example"]), row(lincoln, "2", "Ben Lee")])
    ann = factory.make_person(lincoln, "Ann Lee", ["ann@home.example"], sis_id="1")
    assert confirm_import(import_, None, deactivate_missing=False)
    assert merge_import(import_.pk)
    import_.refresh_from_db()
    assert (import_.summary["new"], import_.summary["unchanged"]) == (1, 1)
    assert active_addresses(ann) == ["ann@home.example"]
    ann.refresh_from_db()
    assert ann.is_imported


def family(lincoln: School, *pairs: GuardianRow) -> list[PersonRow | GuardianRow]:
    people = [("1", "Ann", "student"), ("2", "Ben", "guardian"), ("3", "Cleo", "guardian")]
    return [*(row(lincoln, sis_id, name, kind=kind) for sis_id, name, kind in people), *pairs]


def test_guardians_come_change_and_go(lincoln: School) -> None:
    store(lincoln, family(lincoln, GuardianRow("1", "2", category="father", priority=1), GuardianRow("1", "3")))
    made = Guardianship.objects.values_list("guardian__name", "category", "priority", "do_not_contact")
    assert set(made) == {("Ben", "father", 1, False), ("Cleo", "guardian", 1, False)}
    import_ = store(lincoln, family(lincoln, GuardianRow("1", "2", priority=2, do_not_contact=True)))
    assert (import_.summary["guardians_changed"], import_.summary["guardians_gone"]) == (1, 1)
    assert list(made.all()) == [("Ben", "father", 2, True)]


def test_a_court_order_stays_whatever_the_file_says(lincoln: School) -> None:
    store(lincoln, family(lincoln, GuardianRow("1", "2", do_not_contact=True), GuardianRow("1", "3")))
    import_ = store(lincoln, family(lincoln, GuardianRow("1", "2", do_not_contact=False), GuardianRow("1", "3")))
    assert any("do not contact" in str(warning["kind"]) for warning in import_.warnings)
    store(lincoln, family(lincoln, GuardianRow("1", "3")))
    assert Guardianship.objects.get(guardian__name="Ben").do_not_contact


def test_guardians_made_by_hand_stay_as_they_are(lincoln: School) -> None:
    store(lincoln, family(lincoln, GuardianRow("1", "2"), GuardianRow("1", "3")))
    Guardianship.objects.filter(guardian__name="Ben").update(by_hand=True, category="other")
    store(lincoln, family(lincoln, GuardianRow("1", "3", category="mother")))
    store(lincoln, family(lincoln, GuardianRow("1", "2", category="father"), GuardianRow("1", "3")))
    assert Guardianship.objects.get(guardian__name="Ben").category == "other"
    assert Guardianship.objects.get(guardian__name="Cleo").category == "mother"


def test_a_guardian_the_directory_knows_need_not_be_in_the_file(lincoln: School) -> None:
    ben = factory.make_person(lincoln, "Ben", sis_id="2")
    store(lincoln, [row(lincoln, "1", "Ann", kind="student"), GuardianRow("1", "2")], is_complete=False)
    assert Guardianship.objects.get().guardian == ben


def test_an_error_of_our_own_stores_nothing_and_lets_others_go_on(lincoln: School) -> None:
    import_ = stage(lincoln, [row(lincoln, "1", "Ann Lee", ["ann@home.example"])])
    assert confirm_import(import_, None, deactivate_missing=False)
    # As no reader should do it: the same address twice.
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO broadcasts_stagedaddress "
            "(of_import_id, staged_id, action, address, key, is_valid, position) "
            "SELECT of_import_id, staged_id, action, address, key, is_valid, 1 FROM broadcasts_stagedaddress"
        )
    with pytest.raises(IntegrityError):
        merge_import(import_.pk)
    import_.refresh_from_db()
    assert import_.status == "checked"
    assert "an error of its own" in import_.problem
    assert not Person.objects.exists()


def test_confirmed_at_is_when_it_was_stored(lincoln: School) -> None:
    import_ = store(lincoln, [row(lincoln, "1", "Ann Lee")])
    assert import_.confirmed_at is not None
    assert timezone.now() - import_.confirmed_at < timedelta(minutes=5)
