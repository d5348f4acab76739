from dataclasses import replace

import pytest

from broadcasts.models import (
    EmailAddress,
    Guardianship,
    Import,
    Person,
    PersonSchool,
    School,
    StagedAddress,
    StagedPerson,
)
from broadcasts.people.editing import retire_address
from broadcasts.people.importing.rows import GuardianRow, PersonRow
from tests import factory
from tests.broadcasts.people.importing.files import actions, row, stage, store, undo


@pytest.fixture
def known(lincoln: School) -> Person:
    """Ann, whom an import brought with an address."""
    store(lincoln, [row(lincoln, "1", "Ann Lee", ["ann@home.example"])])
    return Person.objects.get()


def staged_addresses(import_: Import) -> dict[str, str]:
    return {one.key: one.action for one in StagedAddress.objects.filter(of_import=import_)}


def test_people_nobody_knows_are_new(lincoln: School) -> None:
    import_ = stage(lincoln, [row(lincoln, "1", "Ann Lee", ["ann@home.example"]), row(lincoln, "2", "Ben Lee")])
    assert import_.status == "checked"
    assert actions(import_) == {"Ann Lee": "new", "Ben Lee": "new"}
    assert import_.summary["new"] == 2
    assert import_.summary["addresses_new"] == 1
    assert import_.done_count == 2
    assert not Person.objects.exists()


def test_the_same_file_again_changes_nothing(lincoln: School, known: Person) -> None:
    import_ = stage(lincoln, [row(lincoln, "1", "Ann Lee", ["Ann@Home.example"])])
    assert actions(import_) == {"Ann Lee": "unchanged"}
    assert staged_addresses(import_) == {"ann@home.example": "kept"}


def test_old_values_stand_beside_the_new_ones(lincoln: School, known: Person) -> None:
    import_ = stage(lincoln, [row(lincoln, "1", "Ann Lee-Wong", ["ann@work.example"], language="es", grade="5")])
    one = StagedPerson.objects.get(of_import=import_)
    assert (one.action, one.person, one.old_name, one.name) == ("changed", known, "Ann Lee", "Ann Lee-Wong")
    assert (one.old_language, one.old_grade, one.old_school_id) == ("en", "", lincoln.pk)
    assert staged_addresses(import_) == {"ann@work.example": "new", "ann@home.example": "gone"}


def test_what_the_file_does_not_say_stays(lincoln: School, known: Person) -> None:
    Person.objects.update(language="es", grade="5", kind="staff")
    import_ = stage(lincoln, [row(lincoln, "1", "", None)])
    assert [one.action for one in StagedPerson.objects.filter(of_import=import_)] == ["unchanged"]
    assert not StagedAddress.objects.filter(of_import=import_).exists()


def test_another_schools_people_are_not_found(lincoln: School, jefferson: School, known: Person) -> None:
    import_ = stage(jefferson, [row(jefferson, "1", "Ann Lee", ["ann@home.example"])])
    assert actions(import_) == {"Ann Lee": "new"}


def test_a_row_about_another_school_is_rejected(lincoln: School, jefferson: School) -> None:
    import_ = stage(lincoln, [row(lincoln, "1", "Ann Lee"), row(jefferson, "2", "Ben Lee", cells=("2", "Ben Lee"))])
    ben = StagedPerson.objects.get(of_import=import_, name="Ben Lee")
    assert (ben.action, ben.cells) == ("rejected", ["2", "Ben Lee"])
    assert "another school" in ben.reason
    assert import_.summary["rejected"] == 1


def test_who_is_at_home_elsewhere_is_matched_and_left_alone(
    lincoln: School, jefferson: School, known: Person
) -> None:
    PersonSchool.objects.create(person=known, school=jefferson)
    import_ = stage(jefferson, [row(jefferson, "1", "Ann Elsewhere", ["other@home.example"])])
    assert actions(import_) == {"Ann Elsewhere": "unchanged"}
    assert any("at home at another school" in str(warning["kind"]) for warning in import_.warnings)


def test_a_districts_import_moves_people(lincoln: School, jefferson: School, known: Person) -> None:
    import_ = stage(None, [row(jefferson, "1", "Ann Lee", ["ann@home.example"], other_schools=(lincoln.pk,))])
    one = StagedPerson.objects.get(of_import=import_)
    assert (one.action, one.old_school_id, one.school_id) == ("changed", lincoln.pk, jefferson.pk)
    assert (one.other_schools, one.old_other_schools) == (str(lincoln.pk), "")
    assert import_.summary["moved"] == 1


def test_a_districts_import_prefers_the_rows_own_school(lincoln: School, jefferson: School, known: Person) -> None:
    theirs = factory.make_person(jefferson, "Ann of Jefferson", sis_id="1")
    import_ = stage(None, [row(jefferson, "1", "Ann of Jefferson")])
    assert StagedPerson.objects.get(of_import=import_, number=2).person == theirs


def test_somebody_known_by_name_and_address_gets_the_id(lincoln: School) -> None:
    ann = factory.make_person(lincoln, "ÅNN LEE", ["ann@home.example"])
    import_ = stage(lincoln, [row(lincoln, "7", "Ånn Lee", ["ann@home.example", "ann@work.example"])])
    one = StagedPerson.objects.get(of_import=import_)
    assert (one.person, one.action, one.old_sis_id, one.sis_id) == (ann, "changed", "", "7")


def test_nobody_gets_an_id_when_two_could_be_meant(lincoln: School) -> None:
    factory.make_person(lincoln, "Ann Lee", ["ann@home.example"])
    rows = [row(lincoln, "1", "Ann Lee", ["ann@home.example"]), row(lincoln, "2", "Ann Lee", ["ann@home.example"])]
    assert [one.action for one in StagedPerson.objects.filter(of_import=stage(lincoln, rows))] == ["new", "new"]


def test_the_same_name_alone_gives_no_id(lincoln: School) -> None:
    factory.make_person(lincoln, "Ann Lee", ["ann@home.example"])
    import_ = stage(lincoln, [row(lincoln, "1", "Ann Lee", ["other@home.example"])])
    assert actions(import_) == {"Ann Lee": "new"}


def test_without_ids_name_and_addresses_match(lincoln: School) -> None:
    first = factory.make_person(lincoln, "Ann Lee", ["ann@home.example"])
    second = factory.make_person(lincoln, "Ann Lee", ["ann@other.example"])
    rows = [
        row(lincoln, "", "ann lee", ["ann@other.example"], 2),
        row(lincoln, "", "Ann Lee", ["ann@home.example"], 3),
    ]
    found = StagedPerson.objects.filter(of_import=stage(lincoln, rows)).order_by("number")
    assert [one.person for one in found] == [second, first]


def test_without_ids_a_lone_namesake_has_a_new_address(lincoln: School) -> None:
    ann = factory.make_person(lincoln, "Ann Lee", ["ann@home.example"])
    import_ = stage(lincoln, [row(lincoln, "", "Ann Lee", ["ann@work.example"])])
    assert StagedPerson.objects.get(of_import=import_).person == ann
    assert staged_addresses(import_) == {"ann@work.example": "new", "ann@home.example": "gone"}


def test_without_ids_one_of_two_namesakes_is_not_guessed(lincoln: School) -> None:
    factory.make_person(lincoln, "Ann Lee", ["ann@home.example"])
    factory.make_person(lincoln, "Ann Lee", ["ann@other.example"])
    import_ = stage(lincoln, [row(lincoln, "", "Ann Lee", ["ann@work.example"])])
    assert actions(import_) == {"Ann Lee": "new"}


def test_without_ids_father_and_son_of_one_name_are_two(lincoln: School) -> None:
    son = row(lincoln, "", "John Smith", ["home@x.example"], number=2, kind="student")
    store(lincoln, [son])
    for address in ("home@x.example", "work@x.example"):
        import_ = stage(lincoln, [row(lincoln, "", "John Smith", [address], number=2, kind="guardian")])
        assert (import_.summary["new"], import_.summary["changed"]) == (1, 0)
    father = row(lincoln, "", "John Smith", ["home@x.example"], number=2, kind="guardian")
    store(lincoln, [father], is_complete=False)
    import_ = stage(lincoln, [replace(father, number=3), son])
    assert import_.summary["unchanged"] == 2


def test_without_ids_a_file_that_now_tells_the_kind_finds_the_same_people(lincoln: School) -> None:
    store(lincoln, [row(lincoln, "", "Ann Lee", ["ann@x.example"], number=2)])
    import_ = stage(lincoln, [row(lincoln, "", "Ann Lee", ["ann@x.example"], number=2, kind="student")])
    assert (import_.summary["changed"], import_.summary["new"]) == (1, 0)


def test_without_ids_namesakes_of_two_schools_stay_apart(lincoln: School, jefferson: School) -> None:
    here, there = (row(school, "", "John Smith", number=2) for school in (lincoln, jefferson))
    store(None, [here, replace(there, number=3)])
    import_ = stage(None, [there, replace(here, number=3)])
    assert import_.summary["unchanged"] == 2
    import_ = stage(None, [row(jefferson, "", "John Smith", ["new@x.example"], number=2)])
    assert (import_.summary["changed"], import_.summary["moved"], import_.summary["missing"]) == (1, 0, 1)


def test_names_alone_find_as_many_people_again(lincoln: School) -> None:
    twins = [row(lincoln, "", "Ann Lee", None, number=number, grade=str(number)) for number in (2, 3)]
    store(lincoln, twins)
    assert stage(lincoln, twins[::-1]).summary["unchanged"] == 2
    assert stage(lincoln, twins[:1]).summary["new"] == 1  # nobody can tell which of them that is


def test_equal_rows_with_one_id_count_once(lincoln: School) -> None:
    rows = [row(lincoln, "1", "Ann Lee", ["ann@home.example"], number) for number in (2, 3, 4)]
    import_ = stage(lincoln, rows)
    assert import_.summary["new"] == 1
    assert [warning["count"] for warning in import_.warnings] == [2]


def test_contradicting_rows_with_one_id_are_rejected_together(lincoln: School) -> None:
    rows = [row(lincoln, "1", "Ann Lee", number=2), row(lincoln, "2", "Ben Lee", number=3)]
    rows.append(row(lincoln, "1", "Eve Lee", number=9))
    import_ = stage(lincoln, rows)
    assert actions(import_) == {"Ann Lee": "rejected", "Ben Lee": "new", "Eve Lee": "rejected"}
    reasons = StagedPerson.objects.filter(action="rejected").values_list("reason", flat=True).distinct()
    assert list(reasons) == [
        "The id 1 is in rows 2, 9, and they differ. Correct the file so that each id is there once."
    ]


def test_somebody_new_needs_a_name(lincoln: School) -> None:
    import_ = stage(lincoln, [row(lincoln, "1", ""), row(lincoln, "2", "Ben Lee")])
    assert import_.summary["rejected"] == 1


def test_who_is_not_in_a_complete_file_is_missing(lincoln: School, jefferson: School, known: Person) -> None:
    factory.make_person(lincoln, "By Hand")
    factory.make_person(lincoln, "Of another kind", is_imported=True, kind="staff")
    factory.make_person(lincoln, "Gone before", is_imported=True, is_active=False)
    factory.make_person(jefferson, "Of another school", is_imported=True)
    import_ = stage(lincoln, [row(lincoln, "2", "Ben Lee")])
    assert actions(import_) == {"Ben Lee": "new", "Ann Lee": "missing"}
    assert StagedPerson.objects.get(action="missing").number == 0


def test_nobody_is_missing_from_a_file_of_changes(lincoln: School, known: Person) -> None:
    import_ = stage(lincoln, [row(lincoln, "2", "Ben Lee")], is_complete=False)
    assert actions(import_) == {"Ben Lee": "new"}


def test_whose_row_is_rejected_is_not_missing(lincoln: School, known: Person) -> None:
    rows = [row(lincoln, "1", "Ann Lee", reasons=("The grade is strange.",)), row(lincoln, "2", "Ben Lee")]
    assert actions(stage(lincoln, rows)) == {"Ann Lee": "rejected", "Ben Lee": "new"}


def test_addresses_that_staff_keep_are_not_retired(lincoln: School, known: Person) -> None:
    EmailAddress.objects.update(by_hand=True)
    import_ = stage(lincoln, [row(lincoln, "1", "Ann Lee", [])])
    assert actions(import_) == {"Ann Lee": "unchanged"}


def test_an_address_that_staff_retired_does_not_come_back(lincoln: School, known: Person) -> None:
    retire_address(EmailAddress.objects.get(), None)
    import_ = store(lincoln, [row(lincoln, "1", "Ann Lee", ["ann@home.example"])])
    assert staged_addresses(import_) == {"ann@home.example": "corrected"}
    assert import_.summary["unchanged"] == 1
    assert not EmailAddress.objects.get().is_active


def test_a_corrected_address_does_not_come_back(lincoln: School, known: Person) -> None:
    wrong = EmailAddress.objects.get()
    right = EmailAddress.objects.create(
        person=known, address="ann@right.example", key="ann@right.example", is_valid=True, by_hand=True
    )
    EmailAddress.objects.filter(pk=wrong.pk).update(is_active=False, replaced_by=right)
    import_ = stage(lincoln, [row(lincoln, "1", "Ann Lee", ["ann@home.example"])])
    assert staged_addresses(import_) == {"ann@home.example": "corrected"}
    assert actions(import_) == {"Ann Lee": "unchanged"}
    assert import_.warnings[0]["examples"] == ["Ann Lee: ann@home.example"]


def test_whose_guardians_alone_change_is_shown_as_changed(lincoln: School) -> None:
    family = [row(lincoln, "1", "Ann Lee", kind="student"), row(lincoln, "2", "Ben Lee", kind="guardian")]
    store(lincoln, [*family, GuardianRow("1", "2", category="father")])
    marked: list[PersonRow | GuardianRow] = [*family, GuardianRow("1", "2", do_not_contact=True)]
    import_ = stage(lincoln, marked)
    assert actions(import_) == {"Ann Lee": "changed", "Ben Lee": "unchanged"}
    assert "become marked “do not contact”" in import_.warnings[0]["kind"]
    assert import_.warnings[0]["examples"] == ["1: 2"]
    assert undo(store(lincoln, marked))["put_back"] == 1
    import_ = stage(lincoln, [*family, GuardianRow("1", "2", category="father")])
    assert (import_.summary["changed"], import_.warnings) == (0, [])


def test_a_guardian_nobody_knows_is_a_warning(lincoln: School) -> None:
    rows: list[PersonRow | GuardianRow] = [row(lincoln, "1", "Ann Lee", kind="student"), GuardianRow("1", "99")]
    import_ = stage(lincoln, rows)
    assert import_.status == "checked"
    assert import_.summary["guardians_unknown"] == 1
    assert import_.warnings[0]["examples"] == ["1: 99"]


def test_a_pair_named_from_both_sides_counts_once_with_its_mark(lincoln: School) -> None:
    people = [row(lincoln, "1", "Ann Lee", kind="student"), row(lincoln, "2", "Ben Lee")]
    pairs = [GuardianRow("1", "2", category="father"), GuardianRow("1", "2", do_not_contact=True)]
    rows: list[PersonRow | GuardianRow] = [*people, *pairs]
    import_ = store(lincoln, rows)
    assert import_.summary["guardians_new"] == 1
    made = Guardianship.objects.get()
    assert (made.category, made.do_not_contact) == ("father", True)


def test_a_file_with_nobody_usable_is_refused_with_its_rows(lincoln: School) -> None:
    import_ = stage(lincoln, [row(lincoln, "1", "Ann Lee", reasons=("The grade is strange.",))])
    assert import_.status == "refused"
    assert "No row of the file can be used" in import_.problem
    assert StagedPerson.objects.filter(of_import=import_, action="rejected").count() == 1
