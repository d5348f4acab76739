import pytest

from broadcasts.models import (
    AuditEntry,
    BroadcastType,
    ContactType,
    ContactTypeChange,
    EmailAddress,
    FamilyChoice,
    Person,
    School,
    User,
)
from broadcasts.people.choosing import record_family_choice
from broadcasts.people.editing import (
    InvalidAddress,
    add_address,
    change_person,
    confirm_address,
    correct_address,
    retire_address,
)
from tests import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def general(db: None) -> BroadcastType:
    return factory.make_type("General")


@pytest.fixture
def attendance(general: BroadcastType) -> BroadcastType:
    return factory.make_type("Attendance", is_default=False)


@pytest.fixture
def ann(lincoln: School, attendance: BroadcastType) -> Person:
    return factory.make_person(lincoln, "Ann", ["ann@gmial.example"])


def first_address(person: Person) -> EmailAddress:
    return person.addresses.get(position=0)


def received(address: EmailAddress) -> dict[str, tuple[bool, str]]:
    rows = address.contact_types.values_list("broadcast_type__name", "receives", "chosen_by")
    return {name: (receives, by) for name, receives, by in rows}


def test_a_corrected_address_retires_the_old_one(ann: Person, alice: User) -> None:
    wrong = first_address(ann)
    right = correct_address(wrong, " Ann@gmail.example ", by=alice)
    assert (right.address, right.key, right.is_active, right.by_hand) == (
        "Ann@gmail.example",
        "ann@gmail.example",
        True,
        True,
    )
    assert (wrong.is_active, wrong.replaced_by, wrong.address) == (False, right, "ann@gmial.example")
    assert right.position == wrong.position
    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.object_id, entry.actor) == ("address.corrected", str(ann.pk), alice)
    assert entry.details == {"before": "ann@gmial.example", "after": "Ann@gmail.example"}


def test_what_the_old_one_received_and_whose_choice_it_was_goes_along(
    ann: Person, lincoln: School, general: BroadcastType, alice: User
) -> None:
    record_family_choice(lincoln, "ann@gmial.example", {general.pk: False})
    right = correct_address(first_address(ann), "ann@gmail.example", by=alice)
    assert received(right) == {"General": (False, "family"), "Attendance": (True, "upload")}
    changes = ContactTypeChange.objects.filter(address=right)
    assert {change.changed_by for change in changes} == {alice}
    assert changes.count() == 2


def test_what_the_family_chose_for_the_new_address_stands_above(
    ann: Person, lincoln: School, general: BroadcastType
) -> None:
    record_family_choice(lincoln, "ann@gmail.example", {general.pk: False})
    right = correct_address(first_address(ann), "ann@gmail.example", by=None)
    assert received(right) == {"General": (False, "family"), "Attendance": (True, "upload")}


def test_a_correction_to_an_address_that_was_retired_brings_it_back(ann: Person, alice: User) -> None:
    wrong = first_address(ann)
    right = correct_address(wrong, "ann@gmail.example", by=alice)
    back = correct_address(right, "ann@gmial.example", by=alice)
    right.refresh_from_db()
    assert (back.pk, back.is_active, back.replaced_by) == (wrong.pk, True, None)
    assert (right.is_active, right.replaced_by) == (False, back)
    assert ann.addresses.count() == 2


def test_a_correction_to_an_address_in_use_only_adds_what_it_receives(
    lincoln: School, general: BroadcastType, attendance: BroadcastType, alice: User
) -> None:
    ann = factory.make_person(lincoln, "Ann", ["ann@gmial.example", "ann@gmail.example"])
    wrong, right = ann.addresses.all()
    wrong.contact_types.filter(broadcast_type=attendance).update(receives=False)
    right.contact_types.filter(broadcast_type=general).update(receives=False)
    assert correct_address(wrong, "ann@gmail.example", by=alice) == right
    assert {name: receives for name, (receives, _) in received(right).items()} == {
        "General": True,
        "Attendance": True,
    }


def test_a_family_s_no_at_an_address_in_use_is_not_undone_by_a_correction(
    lincoln: School, general: BroadcastType, alice: User
) -> None:
    ann = factory.make_person(lincoln, "Ann", ["ann@gmial.example", "ann@gmail.example"])
    record_family_choice(lincoln, "ann@gmail.example", {general.pk: False})
    right = correct_address(first_address(ann), "ann@gmail.example", by=alice)
    assert received(right) == {"General": (False, "family")}


def test_the_same_correction_once_more_changes_nothing(ann: Person, alice: User) -> None:
    wrong = first_address(ann)
    right = correct_address(wrong, "ann@gmail.example", by=alice)
    again = correct_address(right, "ann@gmail.example", by=alice)
    assert again == right
    assert AuditEntry.objects.count() == 1


def test_an_address_that_is_only_spelt_otherwise_stays_the_same_row(ann: Person, alice: User) -> None:
    address = first_address(ann)
    assert correct_address(address, "Ann@Gmial.example", by=alice) == address
    assert (address.address, address.is_active, address.by_hand) == ("Ann@Gmial.example", True, True)


@pytest.mark.parametrize("text", ["ann", "a..b@x.example", "ann@x.example bob@x.example", ""])
def test_an_invalid_address_is_refused_with_the_reason(ann: Person, alice: User, text: str) -> None:
    with pytest.raises(InvalidAddress, match=r"\w"):
        correct_address(first_address(ann), text, by=alice)
    with pytest.raises(InvalidAddress):
        add_address(ann, text, by=alice)
    assert first_address(ann).is_active
    assert not AuditEntry.objects.exists()


def test_a_new_address_receives_the_default_types(ann: Person, alice: User) -> None:
    added = add_address(ann, "ann@work.example", by=alice)
    assert received(added) == {"General": (True, "staff")}
    assert (added.position, added.by_hand) == (1, True)
    assert ContactTypeChange.objects.get().changed_by == alice


def test_a_new_address_receives_what_its_family_chose_for_it_before(
    ann: Person, lincoln: School, general: BroadcastType, attendance: BroadcastType, alice: User
) -> None:
    record_family_choice(lincoln, "ann@work.example", {general.pk: False, attendance.pk: True})
    added = add_address(ann, "ann@work.example", by=alice)
    assert received(added) == {"General": (False, "family"), "Attendance": (True, "family")}


def test_an_address_is_added_once(ann: Person, alice: User) -> None:
    first = add_address(ann, "ann@work.example", by=alice)
    assert add_address(ann, "ANN@work.example", by=alice) == first
    assert AuditEntry.objects.count() == 1


def test_a_retired_address_comes_back_with_what_it_received(ann: Person, alice: User) -> None:
    address = first_address(ann)
    before = received(address)
    assert [retire_address(address, by=alice) for _ in range(2)] == [True, False]
    assert not address.is_active
    assert add_address(ann, "ann@gmial.example", by=alice) == address
    assert EmailAddress.objects.get(pk=address.pk).is_active
    assert received(address) == before
    assert [entry.action for entry in AuditEntry.objects.all()] == ["address.used_again", "address.retired"]


def test_a_confirmed_address_says_when(ann: Person, alice: User) -> None:
    address = first_address(ann)
    confirm_address(address, by=alice)
    assert address.confirmed_at is not None
    assert AuditEntry.objects.get().action == "address.confirmed"


def test_only_what_differs_of_a_person_is_stored_and_on_record(ann: Person, alice: User) -> None:
    assert change_person(ann, {"name": "Ann", "language": "en"}, by=alice) == []
    assert change_person(ann, {"name": "Anna", "language": "en"}, by=alice) == ["name"]
    assert AuditEntry.objects.get().details == {"before": {"name": "Ann"}, "after": {"name": "Anna"}}


def test_a_family_s_choice_is_kept_with_its_history(ann: Person, lincoln: School, general: BroadcastType) -> None:
    for _ in range(2):
        record_family_choice(lincoln, "ann@gmial.example", {general.pk: False})
    [change] = ContactTypeChange.objects.all()
    assert (change.receives, change.chosen_by, change.changed_by) == (False, ContactType.ChosenBy.FAMILY, None)
    assert FamilyChoice.objects.count() == 1
