"""A school of many families, mixed as real ones are: of 20, one shares an address, one has none, one opted out."""

from django.db import connection

from broadcasts.addresses import address_key
from broadcasts.models import Broadcast, ContactType, EmailAddress, ListMember, Person
from tests import factory

BATCH = 2_000


def make(rows: int) -> Broadcast:
    """A draft of a broadcast to all of them."""
    broadcast = factory.make_broadcast()
    people = [Person(school=broadcast.school, name=f"Family {number:06}") for number in range(rows)]
    Person.objects.bulk_create(people, batch_size=BATCH)
    addresses = [
        make_address(person, number - 1 if number % 20 == 1 else number)
        for number, person in enumerate(people)
        if number % 20 != 2
    ]
    EmailAddress.objects.bulk_create(addresses, batch_size=BATCH)
    kind = factory.make_type()
    chosen = (
        ContactType(address=address, broadcast_type=kind, receives=number % 19 != 3)
        for number, address in enumerate(addresses)
    )
    ContactType.objects.bulk_create(chosen, batch_size=BATCH)
    everyone = broadcast.lists.get()
    ListMember.objects.bulk_create((ListMember(list=everyone, person=person) for person in people), batch_size=BATCH)
    settle()
    return broadcast


def make_address(person: Person, number: int) -> EmailAddress:
    address = f"family{number}@homes.example"
    return EmailAddress(person=person, address=address, key=address_key(address), is_valid=True)


def settle() -> None:
    """What a database does by itself in the minutes after so much was stored."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
