"""The rows of imports, staged: what the check page shows, what the merge reads, and what undo goes by."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from broadcasts.models.imports import Import
from broadcasts.models.people import Guardianship, Person
from broadcasts.models.schools import School

# The rows that are staged come by the hundred thousand and go again: the database checks none of their keys.


class Undone(models.TextChoices):
    """What undo did about a staged row."""

    NOT_YET = "", _("not undone")
    PUT_BACK = "put_back", _("put back")
    REMOVED = "removed", _("removed again")
    INACTIVE = "inactive", _("made inactive, because something points to it")
    KEPT = "kept", _("stays, because somebody changed it since")


class StagedPerson(models.Model):
    """One person of the file, what it would do to the directory, and what was there before."""

    class Action(models.TextChoices):
        PENDING = "", _("not compared yet")
        NEW = "new", _("new")
        CHANGED = "changed", _("changed")
        UNCHANGED = "unchanged", _("unchanged")
        MISSING = "missing", _("missing from the file")
        REJECTED = "rejected", _("rejected")

    of_import = models.ForeignKey(
        Import, models.CASCADE, related_name="staged_people", db_index=False, db_constraint=False
    )
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
    school = models.ForeignKey(School, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    other_schools = models.TextField(  # noqa: DJ001
        null=True, help_text="Keys of schools like '3,7'; None: the file does not say."
    )
    is_active = models.BooleanField(default=True)
    types = models.CharField(  # noqa: DJ001
        max_length=200, null=True, help_text="Keys of broadcast types like '1,3'; None: the file does not say."
    )
    says_addresses = models.BooleanField(default=True, help_text="Otherwise those of the directory stay.")
    name_key = models.CharField(max_length=32, blank=True, help_text="Digest of school and casefolded name.")
    match_key = models.CharField(max_length=32, blank=True, help_text="The same, with the addresses.")
    content_key = models.CharField(max_length=32, blank=True, help_text="Digest of the row: which repeat another.")

    person = models.ForeignKey(
        Person, models.SET_NULL, null=True, related_name="+", db_index=False, db_constraint=False
    )
    old_name = models.CharField(max_length=200, blank=True, db_default="")
    old_kind = models.CharField(max_length=10, blank=True, db_default="")
    old_language = models.CharField(max_length=20, blank=True, db_default="")
    old_grade = models.CharField(max_length=20, blank=True, db_default="")
    old_sis_id = models.CharField(max_length=100, blank=True, db_default="")
    old_school = models.ForeignKey(
        School, models.SET_NULL, null=True, related_name="+", db_index=False, db_constraint=False
    )
    old_other_schools = models.TextField(blank=True, db_default="")
    old_is_active = models.BooleanField(null=True)
    old_is_imported = models.BooleanField(null=True)
    undone = models.CharField(max_length=10, choices=Undone, default="", db_default="", blank=True)

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

    of_import = models.ForeignKey(Import, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    staged = models.ForeignKey(StagedPerson, models.CASCADE, related_name="addresses", db_constraint=False)
    action = models.CharField(max_length=10, choices=Action, default="", db_default="")
    address = models.CharField(max_length=320)
    key = models.CharField(max_length=320)
    is_valid = models.BooleanField()
    position = models.PositiveSmallIntegerField(default=0)
    email = models.ForeignKey(
        "EmailAddress",
        models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
        help_text="The address of the directory.",
    )
    undone = models.CharField(max_length=10, choices=Undone, default="", db_default="", blank=True)

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
        UNKNOWN = "unknown", _("names somebody who is neither in the file nor in the directory")

    of_import = models.ForeignKey(Import, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    action = models.CharField(max_length=10, choices=Action, default="", db_default="")
    student_sis_id = models.CharField(max_length=100)
    guardian_sis_id = models.CharField(max_length=100)
    category = models.CharField(
        max_length=10, choices=Guardianship.Category, blank=True, help_text="Empty: not said."
    )
    priority = models.PositiveSmallIntegerField(null=True)
    do_not_contact = models.BooleanField(null=True)
    number = models.PositiveIntegerField(default=0)
    student = models.ForeignKey(
        Person, models.SET_NULL, null=True, related_name="+", db_index=False, db_constraint=False
    )
    guardian = models.ForeignKey(
        Person, models.SET_NULL, null=True, related_name="+", db_index=False, db_constraint=False
    )
    guardianship = models.ForeignKey(Guardianship, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    old_category = models.CharField(max_length=10, blank=True, db_default="")
    old_priority = models.PositiveSmallIntegerField(null=True)
    old_do_not_contact = models.BooleanField(null=True)

    class Meta:
        indexes = [models.Index(fields=["of_import", "student_sis_id", "guardian_sis_id"], name="staged_guardian")]

    def __str__(self) -> str:
        return f"{self.guardian_sis_id}: {self.student_sis_id}"


class MatchCandidate(models.Model):
    """Somebody of the directory whom a row may mean without saying the id. Only there while people are matched."""

    of_import = models.ForeignKey(Import, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    person = models.ForeignKey(Person, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    name_key = models.CharField(max_length=32)
    match_key = models.CharField(max_length=32)
    has_id = models.BooleanField()
    is_active = models.BooleanField()

    class Meta:
        indexes = [models.Index(fields=["of_import", "name_key"], name="candidate_by_name")]

    def __str__(self) -> str:
        return f"{self.of_import}: {self.person_id}"


class ImportedTypes(models.Model):
    """A contact type as it is before an import switches it: what the merge goes by, and what undo puts back.

    `was` None: there was none.
    """

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
