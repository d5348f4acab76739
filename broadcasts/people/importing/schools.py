"""Which school a file means: by its name, its short name, or what the student information system calls it."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from broadcasts.models import School
from broadcasts.people.reading import short


class KnownSchools:
    """The schools of Messenger. An import for one school takes people of that school only."""

    def __init__(self, own: School | None) -> None:
        self.own = own
        self.all = list(School.objects.order_by("pk"))
        self._by_word = {
            word.casefold(): school
            for words in ("slug", "name", "sis_id")  # the last one wins
            for school in self.all
            if (word := getattr(school, words))
        }

    def find(self, text: str) -> School | None:
        return self._by_word.get(" ".join(text.split()).casefold())

    @property
    def fallback(self) -> int:
        """For a row that is rejected, since even that belongs to a school."""
        school = self.own or (self.all[0] if self.all else None)
        return school.pk if school else 0

    def read(self, cell: str) -> tuple[int, tuple[int, ...] | None, str]:
        """The home school, the others (None: not said), and why the row cannot be used."""
        words = [word.strip() for word in cell.split(";") if word.strip()]
        found = [self.find(word) for word in words]
        schools = list(dict.fromkeys(school.pk for school in found if school))
        if self.own:
            return self.own.pk, None, "" if not words or self.own.pk in schools else self._belongs_elsewhere(words)
        if not words:
            return self.fallback, None, _("The row does not say which school this person belongs to.")
        if None in found:
            return self.fallback, None, self._unknown(words[found.index(None)])
        return schools[0], tuple(schools[1:]) if len(schools) > 1 else None, ""

    def _belongs_elsewhere(self, words: Iterable[str]) -> str:
        return _(
            "This row belongs to %(other)s, and this is an import for %(own)s: its people are not touched. Leave the "
            "row out, or ask an administrator to import the file for the whole district."
        ) % {"other": ", ".join(f"“{short(word)}”" for word in words), "own": self.own}

    def _unknown(self, word: str) -> str:
        known = ", ".join(school.name for school in self.all[:10])
        return _("“%(word)s” is no school in Messenger. Use the name or the SIS id of one of these: %(known)s.") % {
            "word": short(word),
            "known": known,
        }
