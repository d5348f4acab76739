"""From what lists say to people: targets, categories, lists of lists, exclusions, and who must not be told."""

import pytest

from broadcasts.models import List, Person, School
from broadcasts.people.lists.resolving import count_people, people_on
from tests import factory
from tests.broadcasts.people.lists.making import (
    guardian,
    include,
    leave_out,
    names_on,
    relate,
    rule_list,
    static_list,
    student,
)


@pytest.fixture
def ana(lincoln: School) -> Person:
    """In grade 5, with a mother, a father and an emergency contact."""
    ana = student(lincoln, "Ana", grade="5")
    guardian("Mother", ana)
    guardian("Father", ana, category="father")
    guardian("Uncle", ana, category="emergency")
    return ana


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("contacts", {"Ana"}),
        ("guardians", {"Mother", "Father", "Uncle"}),
        ("both", {"Ana", "Mother", "Father", "Uncle"}),
    ],
)
def test_a_target_says_who_is_written_to(lincoln: School, ana: Person, target: str, names: set[str]) -> None:
    assert names_on(static_list(lincoln, [ana], target=target)) == names
    assert names_on(rule_list(lincoln, ("grade", "5"), target=target)) == names


def test_categories_narrow_the_guardians_and_not_the_contacts(lincoln: School, ana: Person) -> None:
    some = static_list(lincoln, [ana], target="both", guardian_categories=["mother", "father"])
    assert names_on(some) == {"Ana", "Mother", "Father"}


def test_inactive_people_are_on_no_list_and_their_guardians_neither(lincoln: School, ana: Person) -> None:
    Person.objects.filter(name="Father").update(is_active=False)
    families = static_list(lincoln, [ana], target="both")
    assert names_on(families) == {"Ana", "Mother", "Uncle"}
    Person.objects.filter(pk=ana.pk).update(is_active=False)
    assert names_on(families) == set()


def test_a_guardian_of_two_is_named_once(lincoln: School, ana: Person) -> None:
    ben = student(lincoln, "Ben", grade="5")
    relate(Person.objects.get(name="Mother"), ben)
    both = rule_list(lincoln, ("grade", "5"), target="guardians", guardian_categories=["mother"])
    assert count_people(people_on([both], lincoln.pk)).all == 1


def test_lists_of_lists_and_exclusions_which_win(lincoln: School) -> None:
    ann, ben, cleo = (factory.make_person(lincoln, name) for name in ("Ann", "Ben", "Cleo"))
    first, second = static_list(lincoln, [ann, ben]), static_list(lincoln, [cleo])
    all_of_them = include(static_list(lincoln), first, second)
    assert names_on(all_of_them) == {"Ann", "Ben", "Cleo"}
    outside = leave_out(include(static_list(lincoln, [ben]), all_of_them), static_list(lincoln, [ben]))
    assert names_on(outside) == {"Ann", "Cleo"}
    # What one list leaves out, another that includes it may name all the same.
    assert names_on(include(static_list(lincoln, [ben]), outside)) == {"Ann", "Ben", "Cleo"}


def test_recipients_are_left_out_not_contacts(lincoln: School, ana: Person) -> None:
    families = static_list(lincoln, [ana], target="guardians")
    mothers = static_list(lincoln, [ana], target="guardians", guardian_categories=["mother"])
    assert names_on(leave_out(families, mothers)) == {"Father", "Uncle"}


def test_a_list_in_two_others_is_still_itself(lincoln: School) -> None:
    ann = factory.make_person(lincoln, "Ann")
    bottom = static_list(lincoln, [ann])
    left, right = include(static_list(lincoln), bottom), include(static_list(lincoln), bottom)
    assert names_on(include(static_list(lincoln), left, right)) == {"Ann"}
    assert names_on(leave_out(include(static_list(lincoln), left), right)) == set()


def test_a_circle_that_a_race_left_behind_ends(lincoln: School) -> None:
    ann, ben = factory.make_person(lincoln, "Ann"), factory.make_person(lincoln, "Ben")
    first, second = static_list(lincoln, [ann]), static_list(lincoln, [ben])
    include(first, second)
    include(second, first)
    assert names_on(first) == names_on(second) == {"Ann", "Ben"}
    assert count_people(people_on([first, second], lincoln.pk)).all == 2


def test_a_list_that_is_not_published_any_more_includes_nobody_and_still_leaves_out(
    lincoln: School, jefferson: School
) -> None:
    jeff, ann = factory.make_person(jefferson, "Jeff"), factory.make_person(lincoln, "Ann")
    theirs = static_list(jefferson, [jeff], is_published=True)
    ours = include(static_list(lincoln, [ann]), theirs)
    without = leave_out(static_list(lincoln, [ann, jeff]), theirs)
    assert names_on(ours) == {"Ann", "Jeff"}
    List.objects.filter(pk=theirs.pk).update(is_published=False)
    assert names_on(ours) == {"Ann"}
    assert names_on(without) == {"Ann"}
    assert count_people(people_on([theirs], lincoln.pk)).all == 0


def test_the_same_people_by_two_schools_and_many_lists(lincoln: School) -> None:
    people = [factory.make_person(lincoln, f"P{number}") for number in range(5)]
    lists = [static_list(lincoln, people[number:]) for number in range(5)]
    assert count_people(people_on(lists, lincoln.pk)).all == 5
    assert count_people(people_on([], lincoln.pk)).all == 0


def test_the_sample_is_of_those_who_are_written_to(lincoln: School) -> None:
    ana = student(lincoln, "Ana")
    guardian("Aaron", ana, forbidden=True)
    people = [factory.make_person(lincoln, f"P{number}") for number in range(15)]
    everybody = static_list(lincoln, [*people, *Person.objects.filter(name="Aaron")])
    count = count_people(people_on([everybody], lincoln.pk), 10)
    assert (count.allowed, count.held_back, len(count.sample)) == (15, 1, 10)
    assert not Person.objects.filter(pk__in=count.sample, name="Aaron").exists()


# --- do not contact (docs/decisions/0010) -----------------------------------------------------------------------


@pytest.fixture
def cora(lincoln: School) -> Person:
    """Two parents, of whom one must not be told; he has another child besides."""
    cora = student(lincoln, "Cora", grade="5")
    guardian("Eva", cora)
    guardian("Carl", cora, student(lincoln, "Max", grade="7"), category="father")
    Person.objects.get(name="Carl").wards.filter(student=cora).update(do_not_contact=True)
    return cora


def test_nobody_is_told_through_a_student_for_whom_they_are_marked(lincoln: School, cora: Person) -> None:
    assert names_on(static_list(lincoln, [cora], target="guardians")) == {"Eva", "-Carl"}
    assert names_on(rule_list(lincoln, ("grade", "5"), target="both")) == {"Cora", "Eva", "-Carl"}


def test_through_another_student_they_are_told(lincoln: School, cora: Person) -> None:
    assert names_on(rule_list(lincoln, ("grade", "7"), target="guardians")) == {"Carl"}
    # Both ways at once: the one that nobody forbade counts.
    assert names_on(rule_list(lincoln, ("grade", ["5", "7"]), target="guardians")) == {"Eva", "Carl"}
    nested = include(
        static_list(lincoln, [cora], target="guardians"), rule_list(lincoln, ("grade", "7"), target="guardians")
    )
    assert names_on(nested) == {"Eva", "Carl"}


def test_named_directly_one_mark_is_enough(lincoln: School, cora: Person) -> None:
    assert names_on(static_list(lincoln, [Person.objects.get(name="Carl")])) == {"-Carl"}
    assert names_on(rule_list(lincoln, ("kind", "guardian"))) == {"Eva", "-Carl"}
    assert names_on(include(static_list(lincoln), rule_list(lincoln, ("kind", "guardian")))) == {"Eva", "-Carl"}


def test_a_mark_for_a_student_who_left_forbids_nothing_directly(lincoln: School, cora: Person) -> None:
    Person.objects.filter(pk=cora.pk).update(is_active=False)
    assert names_on(static_list(lincoln, [Person.objects.get(name="Carl")])) == {"Carl"}


def test_who_is_held_back_and_left_out_is_not_shown(lincoln: School, cora: Person) -> None:
    carl = static_list(lincoln, [Person.objects.get(name="Carl")])
    families = static_list(lincoln, [cora], target="guardians")
    assert names_on(leave_out(families, carl)) == {"Eva"}
