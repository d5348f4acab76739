"""What the check page counts: all of it read from the staged rows, which Confirm goes by too."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from django.db.models import Count, F

from broadcasts.models import Import, StagedAddress, StagedGuardian, StagedPerson
from broadcasts.people.importing.differing import guardian_words
from broadcasts.tables.imports import SECTIONS, Section

Action = StagedPerson.Action


@dataclass(frozen=True)
class SectionCount:
    section: Section
    count: int


class Check:
    def __init__(self, checked: Import) -> None:
        self.checked = checked

    @cached_property
    def _people(self) -> Mapping[str, int]:
        people = self.checked.staged_people.order_by()
        return dict(people.values_list("action").annotate(Count("pk")))

    @cached_property
    def sections(self) -> list[SectionCount]:
        """A file of changes misses nobody."""
        counted = [SectionCount(section, self._people.get(slug, 0)) for slug, section in SECTIONS.items()]
        return [one for one in counted if one.count or self.checked.is_complete or one.section.slug != Action.MISSING]

    @property
    def known(self) -> int:
        """Whom the directory has of those that the file speaks about or should."""
        return sum(self._people.get(action, 0) for action in (Action.CHANGED, Action.UNCHANGED, Action.MISSING))

    @property
    def changes_nothing(self) -> bool:
        return not any(self._people.get(action) for action in (Action.NEW, Action.CHANGED, Action.MISSING))

    @property
    def has_somebody(self) -> bool:
        """Whether any row can be used at all."""
        return any(self._people.get(action) for action in (Action.NEW, Action.CHANGED, Action.UNCHANGED))

    @cached_property
    def guardians(self) -> list[str]:
        found = StagedGuardian.objects.filter(of_import=self.checked).order_by()
        return list(guardian_words(dict(found.values_list("action").annotate(Count("pk")))))

    @cached_property
    def corrected(self) -> int:
        """Addresses that were corrected here and are still wrong in the file."""
        found = StagedAddress.objects.filter(of_import=self.checked, action=StagedAddress.Action.CORRECTED)
        return found.count()

    @cached_property
    def moving(self) -> int:
        """People who get another home school; only an import for the whole district moves anybody."""
        if self.checked.school_id:
            return 0
        changed = self.checked.staged_people.filter(action=Action.CHANGED, old_school__isnull=False)
        return changed.exclude(school=F("old_school")).count()
