"""The cast and plain functions that make what a test needs. Every test names what it cares about; the rest is here.

Alice works in the office of Lincoln school, Bob in that of Jefferson school, Charlie is the administrator.
"""

import itertools
from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.utils import timezone

from broadcasts.addresses import address_key, is_valid_address
from broadcasts.composing.attaching import attach, make_file
from broadcasts.composing.attaching import make_picture as make_picture_file
from broadcasts.models import (
    Attachment,
    Broadcast,
    BroadcastType,
    ContactType,
    Content,
    Delivery,
    EmailAddress,
    Import,
    Lease,
    List,
    ListMember,
    Membership,
    Person,
    School,
    Sender,
    StagedAddress,
    StagedPerson,
    User,
)

PASSWORD = "correct horse battery staple"
PDF = b"%PDF-1.7\n1 0 obj\n"
# One grey point.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a494441"
    "54789c636800000082008177cd72b60000000049454e44ae426082"
)
_numbers = itertools.count(1)


def make_school(name: str = "Lincoln", time_zone: str = "America/Chicago") -> School:
    school, _ = School.objects.get_or_create(slug=name.lower(), defaults={"name": name, "time_zone": time_zone})
    return school


def make_user(name: str, school: School | None = None, **fields: object) -> User:
    """Office staff of `school`; without one, an administrator."""
    user = User.objects.create_user(
        name.lower(), f"{name.lower()}@school.example", PASSWORD, first_name=name, **fields
    )
    role = Membership.Role.OFFICE if school else Membership.Role.ADMINISTRATOR
    Membership.objects.create(user=user, school=school, role=role)
    return user


def make_type(name: str = "General", **fields: object) -> BroadcastType:
    fields.setdefault("is_emergency", name == "Emergency")
    kind, _ = BroadcastType.objects.get_or_create(slug=name.lower(), defaults={"name": name, **fields})
    return kind


def make_sender(school: School | None = None, address: str = "office@lincoln.example") -> Sender:
    sender, _ = Sender.objects.get_or_create(school=school, name="School Office", address=address)
    return sender


def make_person(
    school: School,
    name: str = "",
    addresses: Iterable[str] = (),
    receives: Iterable[BroadcastType] | None = None,
    **fields: object,
) -> Person:
    """A person whose addresses receive these types; None: every type there is."""
    person = Person.objects.create(school=school, name=name or f"Person {next(_numbers)}", **fields)
    types = list(BroadcastType.objects.all() if receives is None else receives)
    for position, address in enumerate(addresses):
        email = EmailAddress.objects.create(
            person=person,
            address=address,
            key=address_key(address),
            is_valid=is_valid_address(address),
            position=position,
        )
        ContactType.objects.bulk_create(ContactType(address=email, broadcast_type=kind) for kind in types)
    return person


def make_list(school: School, people: Iterable[Person] = (), name: str = "") -> List:
    made = List.objects.create(school=school, name=name or f"List {next(_numbers)}")
    ListMember.objects.bulk_create(ListMember(list=made, person=person) for person in people)
    return made


def make_broadcast(
    school: School | None = None,
    people: Iterable[Person] = (),
    *,
    type_name: str = "General",
    subject: str = "Snow day",
    body_html: str = "<p>School is closed today.</p>",
    **fields: object,
) -> Broadcast:
    """A complete draft to one list of these people."""
    school = school or make_school()
    broadcast = Broadcast.objects.create(
        school=school, name=subject, broadcast_type=make_type(type_name), sender=make_sender(), **fields
    )
    broadcast.lists.add(make_list(school, people))
    Content.objects.create(broadcast=broadcast, subject=subject, body_html=body_html)
    return broadcast


def make_attachment(broadcast: Broadcast, name: str = "menu.pdf", content: bytes = PDF) -> Attachment:
    file = make_file(name, content)
    attach(broadcast, file, None)
    return file


def make_picture(broadcast: Broadcast, words: str = "The new gym", content: bytes = PNG) -> Attachment:
    """It stands at the end of the message."""
    file = make_picture_file("gym.png", content, words)
    attach(broadcast, file, None)
    return file


def make_import(school: School | None = None, status: str = "checked", **fields: object) -> Import:
    """An import of a file that nobody reads; without a school, one for the whole district."""
    fields.setdefault("file_name", "people.csv")
    return Import.objects.create(school=school, format=Import.Format.CSV, status=status, **fields)


def make_staged(
    of_import: Import, name: str, action: str, addresses: Mapping[str, str] | None = None, **fields: object
) -> StagedPerson:
    """`addresses`: each with its action."""
    fields.setdefault("school", of_import.school or make_school())
    fields.setdefault("number", of_import.staged_people.count() + 2)
    staged = StagedPerson.objects.create(of_import=of_import, name=name, action=action, **fields)
    StagedAddress.objects.bulk_create(
        StagedAddress(
            of_import=of_import,
            staged=staged,
            address=address,
            key=address_key(address),
            is_valid=is_valid_address(address),
            action=done,
        )
        for address, done in (addresses or {}).items()
    )
    return staged


def put_in_doubt(delivery: Delivery, left: timedelta) -> None:
    """Its message is on the wire; the lease of its worker has this long to run, or ended that long ago."""
    lease = Lease.objects.create(
        broadcast=delivery.broadcast, rows=[delivery.pk], until=timezone.now() + left, is_open=False
    )
    Delivery.objects.filter(pk=delivery.pk).update(state=Delivery.State.IN_DOUBT, lease_token=lease.token)
    delivery.refresh_from_db()
