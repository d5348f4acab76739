"""What was done to a person, in plain words, newest first: for `partials/history.html`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from broadcasts import audit
from broadcasts.deeds import words_for
from broadcasts.models import AuditEntry, ContactType, ContactTypeChange, Delivery, Guardianship, Person

SHOWN = 50
# SQLite's JSON has them as 1 and 0 when the database itself wrote them.
YES_OR_NO = ("is_active", "do_not_contact")
# What addresses receive is told by its own history, type by type.
TOLD_ELSEWHERE = ("contact_types.changed",)


@dataclass(frozen=True, slots=True)
class Entry:
    """“Alice corrected an email address”, and more lines below."""

    at: datetime
    who: str
    what: str
    more: tuple[str, ...] = ()


def history_of(person: Person) -> list[Entry]:
    deeds = audit.history(person).exclude(action__in=TOLD_ELSEWHERE)[:SHOWN]
    entries = [Entry(deed.at, deed.actor_name, words_for(deed.action), tuple(_lines(deed))) for deed in deeds]
    entries += islice(_type_changes(person), SHOWN)
    entries += _told_by_others(person)
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:SHOWN]


def _told_by_others(person: Person) -> Iterator[Entry]:
    """What is on record by the address or by a row of the log, and concerns this person."""
    blocked = Q()  # with whatever capitals it was put on the list
    for address in {text for pair in person.addresses.values_list("address", "key") for text in pair}:
        blocked |= Q(object_type="blockedemail", object_label__iexact=address)
    again = Delivery.objects.filter(person=person, sent_again_for__isnull=False).order_by("-pk")
    rows = [str(pk) for pk in again.values_list("pk", flat=True)[:SHOWN]]
    sent_again = Q(object_type="delivery", object_id__in=rows, action="delivery.sent_again")
    for deed in AuditEntry.objects.filter(blocked | sent_again if blocked else sent_again)[:SHOWN]:
        yield Entry(deed.at, deed.actor_name, words_for(deed.action), tuple(_about_address(deed)))


def _about_address(deed: AuditEntry) -> Iterator[str]:
    if deed.action == "delivery.sent_again":
        yield f"{deed.details.get('was', '')} → {deed.details.get('now', '')}"
        return
    yield deed.object_label
    if reason := deed.details.get("reason"):
        yield _("Reason: %(reason)s") % {"reason": reason}


def retired_since(person: Person) -> dict[str, datetime]:
    """By the address; those that an import took away are not here."""
    deeds = audit.history(person).filter(action__in=["address.retired", "address.corrected"]).order_by("pk")
    return {deed.details.get("address") or deed.details.get("before", ""): deed.at for deed in deeds}


def _type_changes(person: Person) -> Iterator[Entry]:
    """All that one deed changed about one address is one entry."""
    changes = ContactTypeChange.objects.filter(address__person=person)
    changes = changes.select_related("address", "broadcast_type", "changed_by").order_by("-at", "address_id", "-pk")
    for (at, _address, _by), some in groupby(
        changes[: SHOWN * 10].iterator(), key=lambda one: (one.at, one.address_id, one.chosen_by)
    ):
        rows = list(some)
        what = _("changed what %(address)s receives") % {"address": rows[0].address.address}
        yield Entry(at, _who(rows[0]), what, tuple(_switched(rows)))


def _who(change: ContactTypeChange) -> str:
    if change.changed_by:
        return change.changed_by.display_name
    if change.chosen_by == ContactType.ChosenBy.FAMILY:
        return _("The family")
    return _("A file") if change.chosen_by == ContactType.ChosenBy.UPLOAD else _("Somebody of the staff")


def _switched(rows: list[ContactTypeChange]) -> Iterator[str]:
    for receives, words in ((True, _("Switched on: %(types)s")), (False, _("Switched off: %(types)s"))):
        names = sorted({row.broadcast_type.name for row in rows if row.receives == receives})
        if names:
            yield words % {"types": ", ".join(names)}


def _lines(deed: AuditEntry) -> Iterator[str]:
    details: dict[str, Any] = deed.details
    if file := details.get("file"):
        yield _("File: %(file)s") % {"file": file}
    if address := details.get("address"):
        yield str(address)
    if "guardian" in details:
        yield _("%(guardian)s, guardian of %(student)s") % details
    before, after = details.get("before"), details.get("after")
    if isinstance(before, Mapping) or isinstance(after, Mapping):
        yield from _differences(before or {}, after or {})
    elif before is not None and after is not None:
        yield f"{before} → {after}"
    if reason := details.get("reason"):
        yield _("Reason: %(reason)s") % {"reason": reason}


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in before | after if isinstance(before, dict) and isinstance(after, dict) else ():
        old, new = (_value(name, some[name]) if name in some else "" for some in (before, after))
        yield f"{_label(name)}: {f'{old} → {new}' if old and new else old or new}"


def _label(name: str) -> str:
    if name == "addresses":
        return _("Addresses")
    model = Guardianship if name in {"category", "priority", "do_not_contact"} else Person
    return str(model._meta.get_field(name).verbose_name).capitalize()  # type: ignore[union-attr]  # noqa: SLF001


def _value(name: str, value: Any) -> str:
    choices = {"kind": Person.Kind.choices, "category": Guardianship.Category.choices}.get(name, [])
    if isinstance(value, bool) or name in YES_OR_NO:
        return _("yes") if value else _("no")
    return str(dict(choices).get(value, value)) or _("empty")
