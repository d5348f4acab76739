"""Each rule finds whom it says, and its opposite everybody else."""

import pytest

from broadcasts.models import Delivery, EmailAddress, Person, PersonSchool, School
from broadcasts.results import LABELS, Result
from tests import factory
from tests.broadcasts.people.lists.making import Rule, guardian, names_on, rule_list, student


@pytest.fixture
def people(lincoln: School, jefferson: School) -> None:
    """Somebody for each value of each rule."""
    ana = student(lincoln, "Ana", grade="5", language="es")
    ben = student(lincoln, "Ben", grade="6", addresses=["ben@x.example"])
    guardian("Carla", ana, category="mother", addresses=["carla@x.example", "no..dots@x.example"])
    guardian("Dan", ben, category="emergency", addresses=["d..an@x.example"])
    factory.make_person(lincoln, "Tom", kind="staff", is_active=False, grade="5", language="es")
    both = factory.make_person(jefferson, "Both", kind="staff")
    PersonSchool.objects.create(person=both, school=lincoln)
    factory.make_person(jefferson, "Jeff", kind="student", grade="5")


EVERYBODY = {"Ana", "Ben", "Carla", "Dan", "Both"}


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (("grade", "5"), {"Ana"}),
        (("grade", ["5", "6"]), {"Ana", "Ben"}),
        (("kind", "guardian"), {"Carla", "Dan"}),
        (("language", "es"), {"Ana"}),
        (("guardian", "mother"), {"Ana"}),
        (("guardian", ["mother", "emergency"]), {"Ana", "Ben"}),
        (("address", "has"), {"Ben", "Carla"}),
        (("address", "none"), {"Ana", "Both"}),
        (("address", "invalid"), {"Dan"}),
        (("address", ["has", "none"]), {"Ana", "Ben", "Carla", "Both"}),
        (("address", ["has", "invalid"]), {"Ben", "Carla", "Dan"}),
        (("address", ["none", "invalid"]), {"Ana", "Dan", "Both"}),
        (("address", ["has", "none", "invalid"]), EVERYBODY),
    ],
)
def test_a_rule_finds_active_people_of_the_school_and_not_the_others(
    lincoln: School, rule: Rule, found: set[str]
) -> None:
    assert names_on(rule_list(lincoln, rule)) == found
    assert names_on(rule_list(lincoln, without=[rule])) == EVERYBODY - found


@pytest.mark.usefixtures("people")
def test_without_a_rule_a_list_by_rules_is_everybody(lincoln: School) -> None:
    assert names_on(rule_list(lincoln)) == EVERYBODY


@pytest.mark.usefixtures("people")
def test_all_rules_must_hold(lincoln: School) -> None:
    assert names_on(rule_list(lincoln, ("kind", "student"), ("grade", "6"))) == {"Ben"}
    assert names_on(rule_list(lincoln, ("kind", "student"), without=[("grade", "6")])) == {"Ana"}


@pytest.mark.usefixtures("people")
def test_schools_are_named_by_a_rule_or_are_the_list_s_own(lincoln: School, jefferson: School) -> None:
    one, other = str(lincoln.pk), str(jefferson.pk)
    assert names_on(rule_list(jefferson)) == {"Jeff", "Both"}
    assert names_on(rule_list(lincoln, ("school", other))) == {"Jeff", "Both"}
    assert names_on(rule_list(lincoln, ("school", [one, other]))) == EVERYBODY | {"Jeff"}
    assert names_on(rule_list(lincoln, ("school", one), ("school", other))) == {"Both"}
    assert names_on(rule_list(lincoln, without=[("school", other)])) == EVERYBODY - {"Both"}
    assert names_on(rule_list(lincoln, ("school", "nonsense"))) == set()


@pytest.mark.usefixtures("people")
def test_a_retired_address_is_none(lincoln: School) -> None:
    EmailAddress.objects.filter(key="ben@x.example").update(is_active=False)
    assert "Ben" in names_on(rule_list(lincoln, ("address", "none")))


@pytest.mark.usefixtures("people")
def test_an_inactive_guardian_is_none(lincoln: School) -> None:
    Person.objects.filter(name="Carla").update(is_active=False)
    assert names_on(rule_list(lincoln, ("guardian", "mother"))) == set()


# --- the last result --------------------------------------------------------------------------------------------


def deliver(person: Person, *results: Result, address: int = 0, duplicate_of: Delivery | None = None) -> Delivery:
    """One broadcast after the other to this address of the person."""
    email = person.addresses.all()[address]
    for result in results:
        row = Delivery.objects.create(
            broadcast=factory.make_broadcast(person.school),
            person=person,
            address=email,
            name=person.name,
            email=email.address,
            address_key=email.key,
            result=result,
            is_sendable=False,
            duplicate_of=duplicate_of,
        )
    return row


def last(school: School, *slugs: str) -> set[str]:
    found = names_on(rule_list(school, ("last_result", slugs)))
    everybody = names_on(rule_list(school))
    assert names_on(rule_list(school, without=[("last_result", slugs)])) == everybody - found
    return found


def test_the_latest_result_counts_and_who_was_never_written_to(lincoln: School) -> None:
    ann, ben = (factory.make_person(lincoln, name, [f"{name}@x.example"]) for name in ("Ann", "Ben"))
    factory.make_person(lincoln, "New", ["new@x.example"])
    factory.make_person(lincoln, "No address")
    deliver(ann, Result.BOUNCED, Result.OPENED)
    deliver(ben, Result.OPENED, Result.BOUNCED)
    assert last(lincoln, "opened") == {"Ann"}
    assert last(lincoln, "bounced") == {"Ben"}
    assert last(lincoln, "never") == {"New", "No address"}
    assert last(lincoln, "never", "bounced") == {"New", "No address", "Ben"}


@pytest.mark.parametrize("label", [label for label in LABELS if label not in ("Duplicate", "No Email Selected")])
def test_every_label_is_a_last_result(lincoln: School, label: str) -> None:
    for code in Result:
        deliver(factory.make_person(lincoln, f"Code {code:d}", [f"c{code:d}@x.example"]), code)
    expected = {f"Code {code:d}" for code in LABELS[label]}
    assert last(lincoln, label.lower().replace(" ", "-")) == expected


def test_of_two_addresses_the_one_written_to_last_counts(lincoln: School) -> None:
    ann = factory.make_person(lincoln, "Ann", ["home@x.example", "work@x.example"])
    deliver(ann, Result.OPENED)
    deliver(ann, Result.BOUNCED, address=1)
    assert last(lincoln, "bounced") == {"Ann"}


def test_a_retired_address_is_forgotten(lincoln: School) -> None:
    ann = factory.make_person(lincoln, "Ann", ["home@x.example", "work@x.example"])
    deliver(ann, Result.OPENED)
    deliver(ann, Result.BOUNCED, address=1)
    ann.addresses.filter(position=1).update(is_active=False)
    assert last(lincoln, "opened") == {"Ann"}
    ann.addresses.update(is_active=False)
    assert last(lincoln, "never") == {"Ann"}


def test_a_duplicate_counts_as_the_row_that_carries_its_email(lincoln: School) -> None:
    ann, ben = (factory.make_person(lincoln, name, ["home@x.example"]) for name in ("Ann", "Ben"))
    deliver(ben, Result.OPENED)
    carrier = deliver(ann, Result.FAILED)
    deliver(ben, Result.DUPLICATE, duplicate_of=carrier)
    assert last(lincoln, "failed") == {"Ann", "Ben"}
    assert last(lincoln, "opened") == set()
