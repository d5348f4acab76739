"""Students, guardians and staff, the schools they belong to, and who is whose guardian."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from broadcasts.models.schools import School
from broadcasts.models.scopes import SchoolQuerySet

if TYPE_CHECKING:
    from django.db.models import Model

    from broadcasts.models.schools import User


class PersonQuerySet(SchoolQuerySet["Person"]):
    def of_schools(self, schools: "models.QuerySet[School] | Collection[School]") -> Self:
        """Those who belong to one of these schools, at home there or besides."""
        besides = PersonSchool.objects.filter(school__in=schools)
        return self.filter(Q(school__in=schools) | Q(pk__in=besides.values("person")))

    def visible_to(self, user: "User") -> Self:
        return self.of_schools(user.schools)


class Person(models.Model):
    class Kind(models.TextChoices):
        STUDENT = "student", _("Student")
        GUARDIAN = "guardian", _("Guardian")
        STAFF = "staff", _("Staff")

    school = models.ForeignKey(
        School,
        models.PROTECT,
        related_name="people",
        verbose_name=_("school"),
        help_text="The home school. Others that this person belongs to are in `other_schools`.",
    )
    other_schools: "models.ManyToManyField[School, Model]" = models.ManyToManyField(
        School, through="PersonSchool", related_name="+", verbose_name=_("other schools")
    )
    sis_id = models.CharField(
        _("SIS id"),
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text=_("What the student information system calls this person. Imports match by it."),
    )
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.GUARDIAN)
    language = models.CharField(_("language"), max_length=20, default="en")
    grade = models.CharField(_("grade"), max_length=20, blank=True, default="", db_default="")
    is_active = models.BooleanField(_("active"), default=True)
    is_imported = models.BooleanField(
        default=False, db_default=False, help_text="An import brought or knows them: a complete file may miss them."
    )
    created_at = models.DateTimeField(_("added"), auto_now_add=True)

    objects = PersonQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        verbose_name_plural = _("people")
        constraints = [
            models.UniqueConstraint(
                fields=["school", "sis_id"], condition=~Q(sis_id=""), name="a_sis_id_once_per_school"
            ),
        ]
        indexes = [
            models.Index(fields=["school", "name"], name="person_by_name")  # an upload finds the school's people
        ]

    def __str__(self) -> str:
        return self.name


class PersonSchool(models.Model):
    """A school that a person belongs to besides the home school: two children at two schools, a shared teacher."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="person_schools", db_index=False)
    school = models.ForeignKey(School, models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "school"], name="another_school_once_per_person")]

    def __str__(self) -> str:
        return f"{self.person}: {self.school}"


class Guardianship(models.Model):
    """Who is to be told about a student, in which order, and who must not be (a court order)."""

    class Category(models.TextChoices):
        MOTHER = "mother", _("Mother")
        FATHER = "father", _("Father")
        GUARDIAN = "guardian", _("Guardian")
        EMERGENCY = "emergency", _("Emergency contact")
        OTHER = "other", _("Other")

    student = models.ForeignKey(Person, models.CASCADE, related_name="guardianships", db_index=False)
    guardian = models.ForeignKey(Person, models.CASCADE, related_name="wards")
    category = models.CharField(_("category"), max_length=10, choices=Category, default=Category.GUARDIAN)
    priority = models.PositiveSmallIntegerField(_("priority"), default=1, help_text=_("1 is called first."))
    do_not_contact = models.BooleanField(
        _("do not contact"),
        default=False,
        help_text=_("A court order, for example. Whatever the list and the broadcast type, no email goes out."),
    )
    by_hand = models.BooleanField(default=False, help_text="Made or changed here: no import takes it away.")

    class Meta:
        ordering = ["student_id", "priority", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["student", "guardian"], name="a_guardian_once_per_student"),
            models.CheckConstraint(name="nobody_is_their_own_guardian", condition=~Q(student=models.F("guardian"))),
        ]

    def __str__(self) -> str:
        return f"{self.guardian}: {self.get_category_display()} of {self.student}"
