"""Imports: the file, what it would do, and how to undo it.

The staged rows are all three of what the check page shows, what the merge reads, and what undo goes by.
"""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

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
    asked_at = models.DateTimeField(null=True, help_text="When the sweep last asked a worker.")
    has_guardians = models.BooleanField(
        default=False, help_text="It says who is whose guardian: those it no longer names are none."
    )
    uploaded_by = models.ForeignKey("User", models.SET_NULL, null=True, related_name="+")
    uploaded_at = models.DateTimeField(_("uploaded"), auto_now_add=True)
    confirmed_by = models.ForeignKey("User", models.SET_NULL, null=True, related_name="+")
    confirmed_at = models.DateTimeField(_("stored"), null=True)
    undone_by = models.ForeignKey("User", models.SET_NULL, null=True, related_name="+")
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
