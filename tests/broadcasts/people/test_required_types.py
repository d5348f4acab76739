"""A required type comes also where the family switched it off before: every page and every sending says the same."""

import pytest
from django.test import Client

from broadcasts.composing.previewing import preview_recipient
from broadcasts.models import (
    Broadcast,
    BroadcastType,
    ContactType,
    Delivery,
    EmailAddress,
    Person,
    School,
    User,
)
from broadcasts.people.choosing import ChosenByFamily, record_family_choice, record_staff_choice
from broadcasts.people.choosing_for_many import addresses_of, foresee_switches, switch_for_many
from broadcasts.preparing.preparing import prepare_deliveries
from broadcasts.preparing.reach import Reach
from broadcasts.preparing.sending_again import find_obstacles
from broadcasts.results import Result
from reports.why_not import words_for
from tests import factory
from tests.broadcasts.people.family import page, shown_boxes, text_of


@pytest.fixture
def general(db: None) -> BroadcastType:
    return factory.make_type("General")


@pytest.fixture
def ann(lincoln: School, general: BroadcastType) -> Person:
    """Two addresses; at the second one the family switched General off, before it was required."""
    ann = factory.make_person(lincoln, "Ann", ["ann@work.example", "ann@home.example"], receives=[])
    home = ann.addresses.get(address="ann@home.example")
    ContactType.objects.create(address=home, broadcast_type=general)
    record_family_choice(lincoln, home.key, {general.pk: False})
    return ann


@pytest.fixture
def home(ann: Person) -> EmailAddress:
    return ann.addresses.get(address="ann@home.example")


def require(kind: BroadcastType, field: str = "is_required") -> None:
    BroadcastType.objects.filter(pk=kind.pk).update(**{field: True})
    kind.refresh_from_db()


@pytest.mark.parametrize("field", ["is_required", "is_emergency"])
def test_preparing_preview_and_sending_again_agree(
    lincoln: School, general: BroadcastType, ann: Person, home: EmailAddress, field: str
) -> None:
    broadcast = factory.make_broadcast(lincoln, [ann])
    row = Delivery(pk=1, broadcast=broadcast, person=ann, email="ann@old.example")
    assert (Reach(broadcast).sendable, len(find_obstacles([row], home))) == (0, 1)
    require(general, field)
    broadcast = Broadcast.objects.get(pk=broadcast.pk)
    row.broadcast = broadcast
    assert Reach(broadcast).sendable == 1
    assert preview_recipient(broadcast, ann).email == home.address
    assert find_obstacles([row], home) == {}


def test_why_not_says_that_the_next_one_comes(lincoln: School, general: BroadcastType, ann: Person) -> None:
    broadcast = factory.make_broadcast(lincoln, [ann])
    Broadcast.objects.filter(pk=broadcast.pk).update(status=Broadcast.Status.PREPARING)
    prepare_deliveries(broadcast.pk)
    row = Delivery.objects.get()
    assert row.result == Result.NO_EMAIL_SELECTED
    assert "For ann@home.example it was switched off by the family" in words_for(row)
    require(general)
    row = Delivery.objects.get()
    assert "For ann@home.example the family switched it off; as it is required now, the next" in words_for(row)


def test_pages_show_what_comes(as_alice: Client, general: BroadcastType, ann: Person, home: EmailAddress) -> None:
    found = factory.make_list(ann.school, [ann])
    for where in (page("person-list"), page("list-detail", found.pk)):
        assert text_of(as_alice.get(where)).count("receives nothing") == 2
    require(general)
    for where in (page("person-list"), page("list-detail", found.pk)):
        assert text_of(as_alice.get(where)).count("receives nothing") == 1
    assert f"{home.pk}-{general.pk}:1" in shown_boxes(as_alice, ann)
    assert "the family switched it off, but it is required" in text_of(as_alice.get(page("person-detail", ann.pk)))


def test_staff_switch_it_off_for_good(
    as_alice: Client, general: BroadcastType, ann: Person, home: EmailAddress
) -> None:
    require(general)
    as_alice.post(page("person-detail", ann.pk), {"shown": shown_boxes(as_alice, ann)})  # nothing is ticked any more
    choice = ContactType.objects.get(address=home)
    assert (choice.receives, choice.chosen_by) == (False, "staff")
    assert Reach(factory.make_broadcast(ann.school, [ann])).sendable == 0


def test_staff_still_ask_before_they_change_what_a_family_wants(
    alice: User, lincoln: School, general: BroadcastType, ann: Person, home: EmailAddress
) -> None:
    record_family_choice(lincoln, home.key, {general.pk: True})
    require(general)
    with pytest.raises(ChosenByFamily):
        record_staff_choice(ann, {(home.pk, general.pk): False}, by=alice)


def test_many_at_once_are_switched_off_and_on_by_what_comes(
    alice: User, general: BroadcastType, ann: Person, home: EmailAddress
) -> None:
    require(general)
    addresses = addresses_of(Person.objects.all())
    for wanted, counts in ((True, (1, 0, 1)), (False, (1, 0, 1)), (False, (0, 0, 2))):
        if wanted:
            [foreseen] = foresee_switches(addresses, {general: True})
        else:
            [foreseen] = foresee_switches(addresses, {general: False})
            assert switch_for_many(addresses, {general: False}, by=alice) == [foreseen]
        assert (foreseen.changed, foreseen.kept_by_family, foreseen.already) == counts
    assert ContactType.objects.get(address=home).chosen_by == "staff"
