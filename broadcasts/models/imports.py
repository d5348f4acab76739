"""Imports: the file, what it would do, and how to undo it.

The staged rows are all three of what the check page shows, what the merge reads, and what undo goes by.
"""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from broadcasts.models.people import Guardianship, Person
from broadcasts.models.schools import School
from broadcasts.models.scopes import SchoolQuerySet

if TYPE_CHECKING:
    from broadcasts.models.schools import User


class ImportQuerySet(SchoolQuerySet["Import"]):
    def visible_to(self, user: "User") -> Self:
        """One for the whole district has no school: it is the administrators'."""
        return self.all() if user.is_administrator else super().visible_to(user)


class Import(models.Model):
    """One file of the student information system on its way into the directory."""

    class Format(models.TextChoices):
        CSV = "csv", _("CSV")
        XLSX = "xlsx", _("Excel workbook")
        ONEROSTER = "oneroster", _("OneRoster zip")

    class Status(models.TextChoices):
        UPLOADED = "uploaded", _("columns to be matched")
        STAGING = "staging", _("being read")
        CHECKED = "checked", _("to be confirmed")
        MERGING = "merging", _("being stored")
        DONE = "done", _("done")
        UNDOING = "undoing", _("being undone")
        UNDONE = "undone", _("undone")
        DISCARDED = "discarded", _("discarded")
        REFUSED = "refused", _("cannot be used")

    school = models.ForeignKey(
        School,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="imports",
        verbose_name=_("school"),
        help_text="Empty: the whole district; the file says which school everybody belongs to.",
    )
    format = models.CharField(_("format"), max_length=10, choices=Format)
    is_complete = models.BooleanField(
        _("complete"), default=True, help_text="Whom it does not name has left. Otherwise it holds changes only."
    )
    file = models.FileField(upload_to="imports/%Y/%m/")
    file_name = models.CharField(max_length=255, help_text="The name it had on the user's machine.")
    status = models.CharField(max_length=10, choices=Status, default=Status.UPLOADED)
    columns = models.JSONField(default=dict, help_text="Heading → meaning, as matched by the user.")
    summary = models.JSONField(default=dict, help_text="Counts of the check, then of what was done.")
    warnings = models.JSONField(default=list, help_text="[{kind, count, examples}]: tolerated, and said.")
    problem = models.TextField(blank=True, help_text="Why the file cannot be used, for the person who uploaded it.")
    deactivates = models.BooleanField(default=False, help_text="Confirmed with the tick: who is missing has left.")
    done_count = models.PositiveIntegerField(default=0, help_text="Progress of the present step.")
    total_count = models.PositiveIntegerField(default=0)
    worked_on_at = models.DateTimeField(null=True, help_text="A worker's last sign of life; the sweep looks at it.")
    uploaded_by = models.ForeignKey("User", models.SET_NULL, null=True, related_name="+")
    uploaded_at = models.DateTimeField(_("uploaded"), auto_now_add=True)
    confirmed_by = models.ForeignKey("User", models.SET_NULL, null=True, related_name="+")
    confirmed_at = models.DateTimeField(_("stored"), null=True)
    undone_at = models.DateTimeField(_("undone"), null=True)

    objects = ImportQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            # Two imports at once: the second waits at the door.
            models.UniqueConstraint(
                models.Value(1),
                condition=Q(status__in=["merging", "undoing"]),
                name="one_import_merges_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name


class RememberedColumn(models.Model):
    """How a school matched a heading last time."""

    school = models.ForeignKey(School, models.CASCADE, related_name="+", db_index=False)
    heading = models.CharField(max_length=200, help_text="Casefolded, blanks collapsed.")
    meaning = models.CharField(max_length=20, help_text="Empty: leave it out.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["school", "heading"], name="a_heading_once_per_school")]

    def __str__(self) -> str:
        return self.heading


class StagedPerson(models.Model):
    """One person of the file, what it would do to the directory, and what was there before."""

    class Action(models.TextChoices):
        PENDING = "", _("not compared yet")
        NEW = "new", _("new")
        CHANGED = "changed", _("changed")
        UNCHANGED = "unchanged", _("unchanged")
        MISSING = "missing", _("missing from the file")
        REJECTED = "rejected", _("rejected")

    of_import = models.ForeignKey(Import, models.CASCADE, related_name="staged_people", db_index=False)
    file = models.CharField(max_length=100, blank=True, help_text="Inside a zip.")
    number = models.PositiveIntegerField(help_text="As a spreadsheet shows it; the headings are row 1. 0: missing.")
    action = models.CharField(max_length=10, choices=Action, default="", db_default="")
    reason = models.TextField(blank=True, help_text="Why it is rejected, in plain words.")
    cells = models.JSONField(default=list, help_text="A rejected row as it was, to be downloaded and corrected.")

    sis_id = models.CharField(max_length=100, blank=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Person.Kind, blank=True, help_text="Empty: the file does not say.")
    language = models.CharField(max_length=20, blank=True)
    grade = models.CharField(max_length=20, null=True, help_text="None: the file has no such column.")  # noqa: DJ001
    school = models.ForeignKey(School, models.CASCADE, related_name="+", db_index=False)
    other_schools = models.CharField(  # noqa: DJ001
        max_length=400, null=True, help_text="Keys of schools like '3,7'; None: the file does not say."
    )
    is_active = models.BooleanField(default=True)
    types = models.CharField(  # noqa: DJ001
        max_length=200, null=True, help_text="Keys of broadcast types like '1,3'; None: the file does not say."
    )
    match_key = models.CharField(
        max_length=300, blank=True, help_text="Without an id: name and addresses, casefolded."
    )

    person = models.ForeignKey(Person, models.CASCADE, null=True, related_name="+", db_index=False)
    old_name = models.CharField(max_length=200, blank=True)
    old_kind = models.CharField(max_length=10, blank=True)
    old_language = models.CharField(max_length=20, blank=True)
    old_grade = models.CharField(max_length=20, blank=True)
    old_sis_id = models.CharField(max_length=100, blank=True)
    old_school = models.ForeignKey(School, models.CASCADE, null=True, related_name="+", db_index=False)
    old_other_schools = models.CharField(max_length=400, blank=True)
    old_is_active = models.BooleanField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["of_import", "action", "number"], name="staged_by_action"),  # the check page
            models.Index(fields=["of_import", "sis_id"], name="staged_by_sis_id"),  # guardians find their people
            models.Index(fields=["person"], name="staged_of_person"),
        ]

    def __str__(self) -> str:
        return self.name


class StagedAddress(models.Model):
    """An address of a staged person, or one that goes because the file no longer has it."""

    class Action(models.TextChoices):
        PENDING = "", _("not compared yet")
        NEW = "new", _("new")
        BACK = "back", _("in use again")
        GONE = "gone", _("no longer in the file")
        KEPT = "kept", _("unchanged")
        CORRECTED = "corrected", _("corrected here, wrong in the file")

    of_import = models.ForeignKey(Import, models.CASCADE, related_name="+", db_index=False)
    staged = models.ForeignKey(StagedPerson, models.CASCADE, related_name="addresses")
    action = models.CharField(max_length=10, choices=Action, default="", db_default="")
    address = models.CharField(max_length=320)
    key = models.CharField(max_length=320)
    is_valid = models.BooleanField()
    position = models.PositiveSmallIntegerField(default=0)
    email = models.ForeignKey(
        "EmailAddress", models.CASCADE, null=True, related_name="+", help_text="The address of the directory."
    )

    class Meta:
        indexes = [models.Index(fields=["of_import", "action"], name="staged_address_by_action")]

    def __str__(self) -> str:
        return self.address


class StagedGuardian(models.Model):
    """A student's guardian according to the file, by the ids of the student information system."""

    class Action(models.TextChoices):
        PENDING = "", _("not compared yet")
        NEW = "new", _("new")
        CHANGED = "changed", _("changed")
        GONE = "gone", _("no longer in the file")
        KEPT = "kept", _("unchanged")

    of_import = models.ForeignKey(Import, models.CASCADE, related_name="+", db_index=False)
    action = models.CharField(max_length=10, choices=Action, default="", db_default="")
    student_sis_id = models.CharField(max_length=100)
    guardian_sis_id = models.CharField(max_length=100)
    category = models.CharField(
        max_length=10, choices=Guardianship.Category, blank=True, help_text="Empty: not said."
    )
    priority = models.PositiveSmallIntegerField(null=True)
    do_not_contact = models.BooleanField(null=True)
    number = models.PositiveIntegerField(default=0)
    guardianship = models.ForeignKey(Guardianship, models.CASCADE, null=True, related_name="+")
    old_category = models.CharField(max_length=10, blank=True)
    old_priority = models.PositiveSmallIntegerField(null=True)
    old_do_not_contact = models.BooleanField(null=True)

    class Meta:
        indexes = [models.Index(fields=["of_import", "student_sis_id", "guardian_sis_id"], name="staged_guardian")]

    def __str__(self) -> str:
        return f"{self.guardian_sis_id}: {self.student_sis_id}"


class ImportedTypes(models.Model):
    """A contact type as it was before an import switched it: what undo puts back. `was` None: there was none."""

    of_import = models.ForeignKey(Import, models.CASCADE, related_name="+")
    address = models.ForeignKey("EmailAddress", models.CASCADE, related_name="+")
    broadcast_type = models.ForeignKey("BroadcastType", models.CASCADE, related_name="+")
    was = models.BooleanField(null=True)
    was_chosen_by = models.CharField(max_length=10, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["of_import", "address", "broadcast_type"], name="a_type_once_per_import")
        ]

    def __str__(self) -> str:
        return f"{self.of_import}: {self.address}"
