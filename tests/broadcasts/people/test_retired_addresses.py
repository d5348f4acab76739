"""An upload of recipients and addresses that an import, or somebody in the office, took out of use."""

import pytest

from broadcasts.models import ContactType, EmailAddress, Person, School
from broadcasts.people.applying import make_list
from broadcasts.people.choosing import record_family_choice
from tests import factory
from tests.broadcasts.people.files import read


@pytest.fixture
def retired(lincoln: School) -> EmailAddress:
    factory.make_type("General")
    factory.make_type("Emergency")
    ann = factory.make_person(lincoln, "Ann", ["a@x.example"])
    ann.addresses.update(is_active=False)
    return ann.addresses.get()


def choices(address: EmailAddress) -> dict[str, tuple[bool, str]]:
    found = ContactType.objects.filter(address=address)
    return {
        name: (wants, by) for name, wants, by in found.values_list("broadcast_type__name", "receives", "chosen_by")
    }


def test_an_address_that_comes_back_is_the_same_one(lincoln: School, retired: EmailAddress) -> None:
    made = make_list(lincoln, read("name,email\nAnn,a@x.example; b@x.example\n"), "All")
    retired.refresh_from_db()
    assert retired.is_active
    assert EmailAddress.objects.filter(key="a@x.example").count() == 1
    assert set(made.people.all()) == {retired.person}


def test_it_comes_back_with_what_the_file_says_of_types(lincoln: School, retired: EmailAddress) -> None:
    make_list(lincoln, read("name,email,types\nAnn,a@x.example,General\n"), "All")
    assert choices(retired) == {"General": (True, "upload"), "Emergency": (False, "upload")}


def test_it_comes_back_with_the_choices_it_had(lincoln: School, retired: EmailAddress) -> None:
    general, emergency = factory.make_type("General"), factory.make_type("Emergency")
    ContactType.objects.filter(broadcast_type=emergency).update(receives=False, chosen_by="staff")
    record_family_choice(lincoln, "a@x.example", {general.pk: False})
    make_list(lincoln, read("name,email\nAnn,a@x.example\n"), "All")
    assert choices(retired) == {"General": (False, "family"), "Emergency": (False, "staff")}


def test_retired_addresses_are_not_compared(lincoln: School, retired: EmailAddress) -> None:
    factory.make_person(lincoln, "Bob", ["b@x.example"])
    make_list(lincoln, read("name,email\nAnn,\nBob,b@x.example\n"), "All")
    retired.refresh_from_db()
    assert not retired.is_active
    assert Person.objects.count() == 2
