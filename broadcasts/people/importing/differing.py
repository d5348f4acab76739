"""What is different about a staged person, in words: what the directory says, and what the file says."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from broadcasts.models import Person, StagedAddress, StagedGuardian, StagedPerson

Words = str | Promise
ADDRESS_WORDS: Mapping[str, Words] = {
    StagedAddress.Action.NEW: gettext_lazy("address added"),
    StagedAddress.Action.BACK: gettext_lazy("address in use again"),
    StagedAddress.Action.GONE: gettext_lazy("address no longer in the file"),
    StagedAddress.Action.CORRECTED: gettext_lazy("address corrected or retired here, still in the file"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """Without an old value only the new one is said: something came, or went."""

    what: Words
    new: str
    old: str | None = None


def differences(staged: StagedPerson, school_names: Mapping[int, str]) -> Iterator[Difference]:
    """`staged.addresses` is best fetched together for the whole page."""
    yield from _own_differences(staged)
    yield from _school_differences(staged, school_names)
    for address in staged.addresses.all():
        if words := ADDRESS_WORDS.get(address.action):
            yield Difference(words, address.address)


def _own_differences(staged: StagedPerson) -> Iterator[Difference]:
    """What the file does not say is no difference: it stays."""
    if staged.name != staged.old_name:
        yield Difference(_("name"), staged.name, staged.old_name)
    if staged.kind and staged.kind != staged.old_kind:
        yield Difference(_("kind"), kind_label(staged.kind), kind_label(staged.old_kind))
    if staged.grade is not None and staged.grade != staged.old_grade:
        yield Difference(_("grade"), staged.grade or _("none"), staged.old_grade or _("none"))
    if staged.language and staged.language != staged.old_language:
        yield Difference(_("language"), staged.language, staged.old_language)
    if staged.sis_id and staged.sis_id != staged.old_sis_id:
        yield Difference(_("SIS id"), staged.sis_id, staged.old_sis_id or _("none"))
    if staged.old_is_active is not None and staged.is_active != staged.old_is_active:
        yield Difference(_("active"), _yes_or_no(staged.is_active), _yes_or_no(staged.old_is_active))


def _school_differences(staged: StagedPerson, names: Mapping[int, str]) -> Iterator[Difference]:
    if staged.old_school_id and staged.school_id != staged.old_school_id:
        yield Difference(_("school"), names[staged.school_id], names[staged.old_school_id])
    if staged.other_schools is not None and _keys(staged.other_schools) != _keys(staged.old_other_schools):
        yield Difference(
            _("other schools"), _named(staged.other_schools, names), _named(staged.old_other_schools, names)
        )


class Switched(NamedTuple):
    """A broadcast type at an address, which the import turns round. None: the address has no choice yet."""

    broadcast_type: str
    address: str
    was: bool | None


def type_differences(switched: Iterable[Switched]) -> Iterator[Difference]:
    for one in switched:
        what = _("receives %(type)s at %(address)s") % {"type": one.broadcast_type, "address": one.address}
        yield Difference(what, _yes_or_no(not one.was), _yes_or_no(bool(one.was)))


def guardian_words(counts: Mapping[str, int]) -> Iterator[str]:
    """Like “2 guardians added”, by the actions of StagedGuardian."""
    if added := counts.get(StagedGuardian.Action.NEW, 0):
        yield ngettext("%(count)s guardian added", "%(count)s guardians added", added) % {"count": intcomma(added)}
    if changed := counts.get(StagedGuardian.Action.CHANGED, 0):
        yield ngettext("%(count)s guardian changed", "%(count)s guardians changed", changed) % {
            "count": intcomma(changed)
        }
    if gone := counts.get(StagedGuardian.Action.GONE, 0):
        yield ngettext(
            "%(count)s guardian no longer in the file", "%(count)s guardians no longer in the file", gone
        ) % {"count": intcomma(gone)}


def kind_label(kind: str) -> str:
    return str(dict(Person.Kind.choices).get(kind, kind))


def _yes_or_no(value: bool) -> str:  # noqa: FBT001
    return _("yes") if value else _("no")


def _keys(text: str) -> set[int]:
    return {int(key) for key in text.split(",") if key}


def _named(text: str, names: Mapping[int, str]) -> str:
    return ", ".join(sorted(names[key] for key in _keys(text) if key in names)) or _("none")
