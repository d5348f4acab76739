"""A small school to try everything with: each sample family is called what the sandbox does with its email."""

from django.db import transaction

from broadcasts.addresses import address_key, is_valid_address
from broadcasts.blocking import block_addresses
from broadcasts.models import (
    BlockedEmail,
    BroadcastType,
    ContactType,
    EmailAddress,
    List,
    ListMember,
    Person,
    School,
    Sender,
)

TYPES = (("Emergency", True), ("General", False), ("Attendance", False))
ALL = ("Emergency", "General", "Attendance")
DOMAIN = "families.example"

# Name, addresses, broadcast types they receive.
FAMILIES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("Family that gets every email", ("reader",), ALL),
    ("Family with two addresses", ("reader-home", "reader-work"), ALL),
    ("Guardian who shares an address, first", ("shared",), ALL),
    ("Guardian who shares an address, second", ("shared",), ALL),
    ("Family with a mistyped address", ("no..dots",), ALL),
    ("Family whose mailbox was closed", ("bounce",), ALL),
    ("Family whose mailbox is full at first", ("full",), ALL),
    ("Family whose provider refuses us", ("refuse",), ALL),
    ("Family whose email bounces later", ("late",), ALL),
    ("Family with a slow provider", ("slow",), ALL),
    ("Family whose provider never reports", ("quiet",), ALL),
    ("Family on holiday", ("ooto",), ALL),
    ("Family that reports us as spam", ("complaint",), ALL),
    ("Family on the Blocked Email list", ("blocked",), ALL),
    ("Family that wants emergencies only", ("emergency-only",), ("Emergency",)),
    ("Family without an address", (), ()),
)


@transaction.atomic
def load_sample_school() -> School:
    """One school with broadcast types, senders, families and a list. Loading it again adds nothing."""
    school, is_new = School.objects.get_or_create(
        slug="sample", defaults={"name": "Sample School", "time_zone": "America/Chicago"}
    )
    types = {
        name: BroadcastType.objects.get_or_create(
            slug=name.lower(), defaults={"name": name, "is_emergency": is_emergency, "position": position}
        )[0]
        for position, (name, is_emergency) in enumerate(TYPES)
    }
    Sender.objects.get_or_create(school=None, name="School Office", address="office@sample.example")
    Sender.objects.get_or_create(school=school, name="Attendance Line", address="attendance@sample.example")
    if is_new:
        _add_families(school, types)
    return school


def _add_families(school: School, types: dict[str, BroadcastType]) -> None:
    everyone = List.objects.create(school=school, name="All sample families")
    for name, mailboxes, receives in FAMILIES:
        person = Person.objects.create(school=school, name=name)
        ListMember.objects.create(list=everyone, person=person)
        for position, mailbox in enumerate(mailboxes):
            address = f"{mailbox}@{DOMAIN}"
            email = EmailAddress.objects.create(
                person=person,
                address=address,
                key=address_key(address),
                is_valid=is_valid_address(address),
                position=position,
            )
            ContactType.objects.bulk_create(
                ContactType(address=email, broadcast_type=types[kind]) for kind in receives
            )
    block_addresses([f"blocked@{DOMAIN}"], reason="Asked not to be written to", source=BlockedEmail.Source.SHELL)
