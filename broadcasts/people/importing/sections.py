"""The people of an import by what it does to them, and what its summary says in words."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, ngettext

from broadcasts.models import Import, StagedPerson
from broadcasts.people.importing.differing import guardian_words

Action = StagedPerson.Action


@dataclass(frozen=True)
class Section:
    """The people of one action on a page of their own."""

    action: Action
    heading: str | Promise
    meaning: str | Promise
    columns: Sequence[str]

    @property
    def slug(self) -> str:
        return self.action.value


SECTIONS = {
    section.slug: section
    for section in (
        Section(
            Action.NEW,
            gettext_lazy("New"),
            gettext_lazy("The directory does not know them yet."),
            ("number", "name", "kind", "grade", "school", "language", "addresses"),
        ),
        Section(
            Action.CHANGED,
            gettext_lazy("Changed"),
            gettext_lazy("The file says something else than the directory."),
            ("number", "name", "school", "changes"),
        ),
        Section(
            Action.UNCHANGED,
            gettext_lazy("Unchanged"),
            gettext_lazy("The directory says the same already."),
            ("number", "name", "kind", "grade", "school"),
        ),
        Section(
            Action.MISSING,
            gettext_lazy("Missing from the file"),
            gettext_lazy("The directory has them, and the file does not name them."),
            ("name", "kind", "grade", "school", "sis_id"),
        ),
        Section(
            Action.REJECTED,
            gettext_lazy("Rejected"),
            gettext_lazy("These rows cannot be used. Everything else is imported without them."),
            ("number", "name", "reason"),
        ),
    )
}


@dataclass(frozen=True)
class SectionCount:
    section: Section
    count: int


class Check:
    """An import's summary in words: what it would do, and afterwards what it did."""

    def __init__(self, checked: Import) -> None:
        self.checked = checked
        self.counts: dict[str, int] = defaultdict(int, checked.summary)

    @property
    def sections(self) -> list[SectionCount]:
        """A file of changes misses nobody."""
        counted = [SectionCount(section, self.counts[slug]) for slug, section in SECTIONS.items()]
        return [one for one in counted if one.count or self.checked.is_complete or one.section.slug != Action.MISSING]

    @cached_property
    def has_rows(self) -> bool:
        """Personal data goes with the time for undo; then the numbers alone are left."""
        return self.checked.staged_people.exists()

    @property
    def changes_nothing(self) -> bool:
        changing = (
            Action.NEW,
            Action.CHANGED,
            Action.MISSING,
            "guardians_new",
            "guardians_changed",
            "guardians_gone",
        )
        return not any(self.counts[name] for name in changing)

    @property
    def details(self) -> list[str]:
        """What the numbers of people do not say."""
        guardians = guardian_words(
            {action: self.counts[f"guardians_{action}"] for action in ("new", "changed", "gone")}
        )
        return [*self._about_people(), *self._about_addresses(), *guardians]

    def _about_people(self) -> Iterator[str]:
        if moved := self.counts["moved"]:
            yield ngettext(
                "%(count)s person moves to another school", "%(count)s people move to another school", moved
            ) % {"count": intcomma(moved)}
        if returned := self.counts["returned"]:
            yield ngettext(
                "%(count)s person becomes active again", "%(count)s people become active again", returned
            ) % {"count": intcomma(returned)}
        if left := self.counts["left"]:
            yield ngettext(
                "%(count)s person becomes inactive, as the file says",
                "%(count)s people become inactive, as the file says",
                left,
            ) % {"count": intcomma(left)}

    def _about_addresses(self) -> Iterator[str]:
        if added := self.counts["addresses_new"]:
            yield ngettext("%(count)s address added", "%(count)s addresses added", added) % {"count": intcomma(added)}
        if back := self.counts["addresses_back"]:
            yield ngettext("%(count)s address in use again", "%(count)s addresses in use again", back) % {
                "count": intcomma(back)
            }
        if gone := self.counts["addresses_gone"]:
            yield ngettext(
                "%(count)s address no longer in the file", "%(count)s addresses no longer in the file", gone
            ) % {"count": intcomma(gone)}
        if types := self.counts["types"]:
            yield ngettext(
                "%(count)s choice of a broadcast type changed", "%(count)s choices of broadcast types changed", types
            ) % {"count": intcomma(types)}

    @property
    def undone(self) -> list[str]:
        """What undo did, once it has."""
        undo: dict[str, int] = defaultdict(int, self.checked.summary.get("undo", {}))
        put_back, removed, inactive, kept = (undo[what] for what in ("put_back", "removed", "inactive", "kept"))
        said = (
            ngettext("%(count)s person was put back", "%(count)s people were put back", put_back),
            ngettext("%(count)s new person was removed again", "%(count)s new people were removed again", removed),
            ngettext(
                "%(count)s new person was made inactive, because lists or emails point to them",
                "%(count)s new people were made inactive, because lists or emails point to them",
                inactive,
            ),
            ngettext(
                "%(count)s person stays, because somebody changed them since",
                "%(count)s people stay, because somebody changed them since",
                kept,
            ),
        )
        counted = zip(said, (put_back, removed, inactive, kept), strict=True)
        return [words % {"count": intcomma(count)} for words, count in counted if count]
