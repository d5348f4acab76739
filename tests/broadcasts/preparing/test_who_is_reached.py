"""Lists by rules, marks of a court order, required types and retired addresses, as they reach the ledger."""

import pytest

from broadcasts.models import Broadcast, BroadcastType, ContactType, EmailAddress, List, Person, School
from broadcasts.preparing.reach import Reach
from broadcasts.results import count_by_label
from tests import factory
from tests.broadcasts.people.lists.making import guardian, relate, rule_list, static_list, student
from tests.broadcasts.preparing.test_preparing import prepared, rows


@pytest.fixture(autouse=True)
def general(db: None) -> BroadcastType:
    return factory.make_type("General")


def to_lists(school: School, *lists: List, type_name: str = "General") -> Broadcast:
    broadcast = factory.make_broadcast(school, type_name=type_name)
    broadcast.lists.set(lists)
    return broadcast


def test_a_list_by_rules_is_resolved_when_prepared(lincoln: School) -> None:
    broadcast = to_lists(lincoln, rule_list(lincoln, ("grade", "5")))
    student(lincoln, "Late", grade="5", addresses=["late@x.example"])
    assert rows(prepared(broadcast)) == {("Late", "late@x.example", "Unsent", "")}


@pytest.mark.parametrize("type_name", ["General", "Emergency"])
def test_do_not_contact_is_written_down_and_written_to_by_nobody(lincoln: School, type_name: str) -> None:
    factory.make_type(type_name)
    cora = student(lincoln, "Cora")
    guardian("Eva", cora, addresses=["home@x.example"])
    guardian("Carl", cora, category="father", forbidden=True, addresses=["carl@x.example"])
    # Grandmother has the address of the one who must not be told, and is told.
    guardian("Grandmother", cora, category="other", addresses=["carl@x.example"])
    broadcast = to_lists(lincoln, static_list(lincoln, [cora], target="guardians"), type_name=type_name)
    reach = Reach(broadcast)
    counts, held_back = reach.counts(), reach.names("No Email Selected")
    assert [(row.name, row.email, row.note) for row in held_back] == [("Carl", "", "do_not_contact")]
    assert rows(prepared(broadcast)) == {
        ("Eva", "home@x.example", "Unsent", ""),
        ("Grandmother", "carl@x.example", "Unsent", ""),
        ("Carl", "", "No Email Selected", "do_not_contact"),
    }
    assert counts == count_by_label(broadcast.deliveries.all())
    assert broadcast.deliveries.get(name="Carl").address is None


def test_one_list_may_allow_what_another_forbids(lincoln: School) -> None:
    cora, max_ = student(lincoln, "Cora"), student(lincoln, "Max")
    carl = guardian("Carl", cora, forbidden=True, addresses=["carl@x.example"])
    relate(carl, max_)
    forbidding = static_list(lincoln, [cora], target="guardians")
    assert Reach(to_lists(lincoln, forbidding)).sendable == 0
    assert Reach(to_lists(lincoln, forbidding, static_list(lincoln, [carl]))).sendable == 0
    assert Reach(to_lists(lincoln, forbidding, static_list(lincoln, [max_], target="guardians"))).sendable == 1


def test_a_retired_address_gets_nothing(lincoln: School) -> None:
    ann = factory.make_person(lincoln, "Ann", ["old@x.example"])
    EmailAddress.objects.update(is_active=False)
    (row,) = Reach(to_lists(lincoln, static_list(lincoln, [ann]))).names("No Email Selected")
    assert (row.email, row.note) == ("", "no_address")


@pytest.mark.parametrize(("is_required", "label"), [(True, "Unsent"), (False, "No Email Selected")])
def test_a_required_type_comes_also_where_the_family_switched_it_off(
    lincoln: School, general: BroadcastType, is_required: bool, label: str
) -> None:
    BroadcastType.objects.filter(pk=general.pk).update(is_required=is_required)
    ann = factory.make_person(lincoln, "Ann", ["ann@x.example"])
    ContactType.objects.update(receives=False, chosen_by=ContactType.ChosenBy.FAMILY)
    counts = Reach(to_lists(lincoln, static_list(lincoln, [ann]))).counts()
    assert [name for name, number in counts.items() if number] == [label]


def test_staff_may_switch_off_a_required_type(lincoln: School, general: BroadcastType) -> None:
    BroadcastType.objects.filter(pk=general.pk).update(is_required=True)
    ann = factory.make_person(lincoln, "Ann", ["ann@x.example"])
    ContactType.objects.update(receives=False, chosen_by=ContactType.ChosenBy.STAFF)
    assert Reach(to_lists(lincoln, static_list(lincoln, [ann]))).sendable == 0


def test_results_of_many_lists_add_up(lincoln: School) -> None:
    students = [student(lincoln, f"S{n}", grade=str(n % 3), addresses=[f"s{n}@x.example"]) for n in range(12)]
    for number, one in enumerate(students):
        guardian(f"G{number}", one, forbidden=number % 4 == 0, addresses=[f"g{number // 2}@x.example"])
    lists = [rule_list(lincoln, ("grade", grade), target="both") for grade in "012"]
    broadcast = to_lists(lincoln, *lists, static_list(lincoln, students))
    reach = Reach(broadcast)
    assert reach.total == Person.objects.count() == 24
    prepared(broadcast)
    assert count_by_label(broadcast.deliveries.all()) == reach.counts()
    assert broadcast.deliveries.filter(note="do_not_contact").count() == 3
