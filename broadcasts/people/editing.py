"""What staff do by hand to a person and to a person's addresses. Everything is on record."""

from collections.abc import Mapping

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts import audit
from broadcasts.addresses import address_key, explain_invalid
from broadcasts.models import EmailAddress, Person, School, User
from broadcasts.people.choosing import FAMILY, Choice, family_choices, first_choices, hold, known_choices, store


class InvalidAddress(ValueError):
    """Mail cannot be addressed to it; the message says why, in plain words."""


class CorrectedMeanwhile(InvalidAddress):
    """Somebody else was quicker, and said something else; the message says what."""


@transaction.atomic
def add_person(school: School, values: Mapping[str, str | bool], *, by: User | None) -> Person:
    """`values`: name, kind, grade, language of somebody whom no import knows."""
    person = Person.objects.create(school=school, **values)
    audit.record(by, "person.added", person, school=school)
    return person


@transaction.atomic
def change_person(person: Person, values: Mapping[str, str | bool], *, by: User | None) -> list[str]:
    """Store the fields that really become different; their names."""
    held = Person.objects.select_for_update(of=("self",)).get(pk=person.pk)
    before = {name: getattr(held, name) for name, value in values.items() if getattr(held, name) != value}
    if not before:
        return []
    after = {name: values[name] for name in before}
    Person.objects.filter(pk=person.pk).update(**after)
    for name, value in after.items():
        setattr(person, name, value)
    audit.record(by, "person.changed", person, school=person.school, before=before, after=after)
    return list(after)


@transaction.atomic
def add_address(person: Person, text: str, *, by: User | None) -> EmailAddress:
    """It receives what its family chose for it before, else the default types. One that was retired comes back."""
    key = _valid_key(text)
    _wait_for_others(person)
    known = person.addresses.filter(key=key).first()
    if known and known.is_active:
        return known
    if known:
        _bring_back(known, text)
        audit.record(by, "address.used_again", person, school=person.school, address=known.address)
        return known
    last = person.addresses.aggregate(last=Max("position"))["last"]
    added = _insert(person, text, key, 0 if last is None else last + 1)
    store(first_choices(added), by=by)
    audit.record(by, "address.added", person, school=person.school, address=added.address)
    return added


@transaction.atomic
def correct_address(address: EmailAddress, new_text: str, by: User | None) -> EmailAddress:
    """The address that is used from now on. The old one is retired, and no import brings it back.

    What the old one received, and who chose that, goes with it; a family's choice for the new one stands above.
    Raises InvalidAddress, also when somebody corrected it to something else meanwhile.
    """
    key, person = _valid_key(new_text), address.person
    _wait_for_others(person)
    held = {one.key: one for one in hold(person.addresses.all())}
    old, new = held[address.key], held.get(key)
    before = old.address
    if old.replaced_by is not None and not old.is_active:
        if old.replaced_by == new and new.is_active:
            return new  # the same correction once more
        raise CorrectedMeanwhile(_was_corrected(old, old.replaced_by))
    if new is old:
        if old.is_active and old.is_valid and before == new_text.strip():
            return old
        _bring_back(old, new_text)  # only spelt otherwise
    else:
        was_in_use = new is not None and new.is_active
        if new is None:
            new = _insert(person, new_text, key, old.position)
        else:
            _bring_back(new, new.address if was_in_use else new_text)
        store(_choices_carried(old, new, only_more=was_in_use), by=by)
        EmailAddress.objects.filter(pk=old.pk).update(is_active=False, replaced_by=new)
    _tell_caller(address)
    audit.record(by, "address.corrected", person, school=person.school, before=before, after=new.address)
    return new


@transaction.atomic
def confirm_address(address: EmailAddress, by: User | None) -> EmailAddress:
    """Somebody asked, and it is right: it goes from the addresses to fix until it fails again."""
    EmailAddress.objects.filter(pk=address.pk).update(confirmed_at=timezone.now())
    _tell_caller(address)
    person = address.person
    audit.record(by, "address.confirmed", person, school=person.school, address=address.address)
    return address


@transaction.atomic
def retire_address(address: EmailAddress, by: User | None) -> bool:
    """Nothing is sent to it any more; the log keeps it. False: it was retired already."""
    mine = EmailAddress.objects.filter(pk=address.pk, is_active=True)
    if not mine.update(is_active=False, by_hand=True):
        return False
    _tell_caller(address)
    person = address.person
    audit.record(by, "address.retired", person, school=person.school, address=address.address)
    return True


def _was_corrected(old: EmailAddress, by: EmailAddress) -> str:
    return _("%(old)s was corrected to %(new)s already. Correct that one.") % {"old": old, "new": by}


def _valid_key(text: str) -> str:
    reason = explain_invalid(text)
    if reason:
        raise InvalidAddress(reason)
    return address_key(text)


def _wait_for_others(person: Person) -> None:
    """Two additions at once would both find the address missing."""
    Person.objects.select_for_update(of=("self",)).filter(pk=person.pk).first()


def _insert(person: Person, text: str, key: str, position: int) -> EmailAddress:
    return EmailAddress.objects.create(
        person=person, address=text.strip(), key=key, is_valid=True, position=position, by_hand=True
    )


def _bring_back(address: EmailAddress, text: str) -> None:
    address.address, address.is_valid, address.is_active = text.strip(), True, True
    address.by_hand, address.replaced_by = True, None
    address.save(update_fields=["address", "is_valid", "is_active", "by_hand", "replaced_by"])


def _choices_carried(old: EmailAddress, new: EmailAddress, *, only_more: bool) -> list[Choice]:
    """`only_more`: the new one is in use already, and keeps what it receives besides."""
    known = known_choices([old.pk, new.pk])
    chosen = family_choices(new.person, new.key)
    carried = [Choice(new.pk, kind, receives, FAMILY) for kind, receives in chosen.items()]
    for (address, kind), (receives, chosen_by) in known.items():
        there = known.get((new.pk, kind))
        is_settled = kind in chosen or (there is not None and there[1] == FAMILY)
        if address != old.pk or is_settled or (only_more and there is not None and (there[0] or not receives)):
            continue
        carried.append(Choice(new.pk, kind, receives, chosen_by))
    return carried


def _tell_caller(address: EmailAddress) -> None:
    """The object in hand must not say what was before."""
    address.refresh_from_db()
