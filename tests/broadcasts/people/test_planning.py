import pytest

from broadcasts.models import ContactType, List, Person, School
from broadcasts.people.applying import make_list
from broadcasts.people.choosing import record_family_choice
from broadcasts.people.planning import Plan, plan_upload
from tests import factory
from tests.broadcasts.people.files import read

pytestmark = pytest.mark.django_db

FAMILIES = (
    "name,email,types,language,kind\n"
    "Ann,ann@x.example;home@x.example,General,es,guardian\n"
    "Bob,home@x.example,General;Emergency,en,student\n"
    "Carl,,,,\n"
    "Carl,,,,\n"
    "Dora,not an address,Emergency,,staff\n"
)


@pytest.fixture(autouse=True)
def types(db: None) -> None:
    factory.make_type("General")
    factory.make_type("Emergency")
    factory.make_type("Retired", is_active=False)


def counts(plan: Plan) -> tuple[int, int, int, int]:
    return len(plan.new), len(plan.changed), len(plan.unchanged), len(plan.bad_rows)


def store(school: School, data: str, name: str = "Families") -> List:
    return make_list(school, read(data), name)


def test_first_time_everybody_is_new(lincoln: School) -> None:
    plan = plan_upload(lincoln, read(FAMILIES))
    assert counts(plan) == (5, 0, 0, 0)
    assert not Person.objects.exists()


def test_the_same_file_again_changes_nothing(lincoln: School) -> None:
    families = store(lincoln, FAMILIES)
    plan = plan_upload(lincoln, read(FAMILIES), families)
    assert counts(plan) == (0, 0, 5, 0)
    assert plan.would_change_nothing
    assert plan.staying_count == 0


def test_order_case_and_address_order_do_not_matter(lincoln: School) -> None:
    families = store(lincoln, FAMILIES)
    again = "email,name\nHOME@x.example;Ann@x.example,Ann\n"
    plan = plan_upload(lincoln, read(again), families)
    assert plan.changed[0].fields == {}
    assert not plan.changed[0].added
    assert not plan.changed[0].removed
    assert plan.staying_count == 4


def test_another_school_is_not_looked_at(lincoln: School, jefferson: School) -> None:
    store(lincoln, FAMILIES)
    assert counts(plan_upload(jefferson, read(FAMILIES))) == (5, 0, 0, 0)


def test_one_more_of_the_same_is_one_new_person(lincoln: School) -> None:
    store(lincoln, FAMILIES)
    assert counts(plan_upload(lincoln, read(FAMILIES + "Carl,,,,\n"))) == (1, 0, 5, 0)


def test_a_new_address_is_a_change_of_the_only_person_with_the_name(lincoln: School) -> None:
    store(lincoln, FAMILIES)
    plan = plan_upload(lincoln, read("name,email,types\nBob,new@x.example,General;Emergency\n"))
    (change,) = plan.changed
    assert [one.address for one in change.added] == ["new@x.example"]
    assert [one.address for one in change.removed] == ["home@x.example"]


def test_of_two_with_the_name_nobody_is_guessed(lincoln: School) -> None:
    store(lincoln, "name,email\nBob,one@x.example\nBob,two@x.example\n")
    assert counts(plan_upload(lincoln, read("name,email\nBob,three@x.example\n"))) == (1, 0, 0, 0)
    # With the first of them found by his address, the other is the only one left.
    plan = plan_upload(lincoln, read("name,email\nBob,three@x.example\nBob,one@x.example\n"))
    assert counts(plan) == (0, 1, 1, 0)


def test_two_rows_with_the_name_are_not_guessed_either(lincoln: School) -> None:
    store(lincoln, "name,email\nBob,one@x.example\n")
    plan = plan_upload(lincoln, read("name,email\nBob,three@x.example\nBob,four@x.example\n"))
    assert counts(plan) == (2, 0, 0, 0)


def test_what_the_file_does_not_say_stays(lincoln: School) -> None:
    store(lincoln, FAMILIES)
    plan = plan_upload(lincoln, read("name,email,kind,types\nBob,home@x.example,,emergency; GENERAL\n"))
    assert counts(plan) == (0, 0, 1, 0)


def test_kind_and_language_change_from_old_to_new(lincoln: School) -> None:
    store(lincoln, FAMILIES)
    file = "name,email,types,language,kind\nBob,home@x.example,General;Emergency,pt-BR,staff\n"
    (change,) = plan_upload(lincoln, read(file)).changed
    assert change.fields == {"kind": "staff", "language": "pt-br"}


def test_unknown_type_is_a_bad_row_and_names_the_choices(lincoln: School) -> None:
    plan = plan_upload(lincoln, read("name,email,types\nAnn,a@x.example,Sports\nBob,b@x.example,general\n"))
    assert counts(plan) == (1, 0, 0, 1)
    (bad,) = plan.bad_rows
    assert bad.number == 2
    assert "“Sports”" in bad.reason
    assert "General" in bad.reason
    assert "Retired" not in bad.reason


def test_a_bad_row_names_every_unknown_type_and_its_other_faults(lincoln: School) -> None:
    file = "name,email,types,kind\nAnn,a@x.example,Sports;General;Chess,\nBob,b@x.example,Sports,wizard\n"
    ann, bob = plan_upload(lincoln, read(file)).bad_rows
    assert ann.reason == "“Sports”, “Chess” are not broadcast types. Use these: Emergency, General."
    assert (ann.name, ann.addresses) == ("Ann", "a@x.example")
    assert "“wizard”" in bob.reasons[0]
    assert "“Sports”" in bob.reasons[1]


def test_types_with_a_comma_between_them_are_told_how_to_be_written(lincoln: School) -> None:
    plan = plan_upload(lincoln, read('name,email,types\nAnn,a@x.example,"General,Emergency"\n'))
    assert plan.bad_rows[0].reason.endswith("General. Put a semicolon between types.")


def test_a_shifted_row_says_nothing_of_its_types(lincoln: School) -> None:
    (bad,) = plan_upload(lincoln, read("name,email,types\nLee, Ann,a@x.example,General\n")).bad_rows
    assert len(bad.reasons) == 1


def test_bad_rows_of_both_kinds_come_in_the_file_s_order(lincoln: School) -> None:
    file = "name,email,types,kind\nA,a@x.example,Sports,\nB,b@x.example,,wizard\nC,c@x.example,Sports,\n"
    assert [bad.number for bad in plan_upload(lincoln, read(file)).bad_rows] == [2, 3, 4]


def test_somebody_inactive_comes_back(lincoln: School) -> None:
    store(lincoln, FAMILIES)
    Person.objects.filter(name="Bob").update(is_active=False)
    (change,) = plan_upload(lincoln, read(FAMILIES)).changed
    assert change.fields == {"is_active": True}


def test_family_choice_stays_and_is_said(lincoln: School) -> None:
    families = store(lincoln, FAMILIES)
    for address in ("ann@x.example", "home@x.example"):
        record_family_choice(lincoln, address, {factory.make_type("General").pk: False})
    plan = plan_upload(lincoln, read(FAMILIES), families)
    assert plan.would_change_nothing
    # At home@x.example it holds for Bob too, who shares that address.
    assert plan.family_kept == 3


def test_choice_of_staff_yields_only_to_a_column_of_types(lincoln: School) -> None:
    store(lincoln, "name,email\nAnn,a@x.example\n")
    ContactType.objects.update(receives=False, chosen_by="staff")
    assert counts(plan_upload(lincoln, read("name,email\nAnn,a@x.example\n"))) == (0, 0, 1, 0)
    assert counts(plan_upload(lincoln, read("name,email,types\nAnn,a@x.example,General\n"))) == (0, 1, 0, 0)
