"""Who gets a broadcast: static lists, lists by rules, lists of lists."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from broadcasts.models.people import Person
from broadcasts.models.schools import School
from broadcasts.models.scopes import SchoolQuerySet

if TYPE_CHECKING:
    from broadcasts.models.schools import User


class ListQuerySet(SchoolQuerySet["List"]):
    def usable_by(self, school: School) -> Self:
        """What a broadcast of this school may be sent to: its own lists, and those that others published."""
        return self.filter(Q(school=school) | Q(is_published=True))

    def readable_by(self, user: "User") -> Self:
        """Also what other schools published: it may be looked at and sent to, and changed by its own school only."""
        return self.filter(Q(school__in=user.schools) | Q(is_published=True))

    def with_sizes(self) -> Self:
        """For `sizes.size_of`: the active members, and whether the list is more than its members."""
        members = ListMember.objects.order_by().filter(list=OuterRef("pk"), person__is_active=True).values("list")
        return self.annotate(
            active_members=Coalesce(Subquery(members.annotate(n=Count("pk")).values("n")), Value(0)),
            has_parts=Exists(ListPart.objects.filter(list=OuterRef("pk"))),
        )


class List(models.Model):
    """Chosen people, named or found by rules when a broadcast is prepared, and who of them is written to."""

    class Target(models.TextChoices):
        CONTACTS = "contacts", _("The contacts themselves")
        GUARDIANS = "guardians", _("Their guardians")
        BOTH = "both", _("Both, the contacts and their guardians")

    school = models.ForeignKey(School, models.PROTECT, related_name="lists", verbose_name=_("school"))
    name = models.CharField(_("name"), max_length=200)
    is_by_rules = models.BooleanField(
        _("by rules"), default=False, db_default=False, help_text="Its contacts are whoever fits the rules today."
    )
    target = models.CharField(
        _("target"), max_length=10, choices=Target, default=Target.CONTACTS, db_default=Target.CONTACTS
    )
    guardian_categories = models.JSONField(
        _("guardian categories"), default=list, blank=True, help_text="Of Guardianship.Category; empty: all."
    )
    is_published = models.BooleanField(
        _("published"),
        default=False,
        db_default=False,
        help_text=_("Staff of other schools may send to this list too. They see who is on it."),
    )
    created_by = models.ForeignKey("User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    people = models.ManyToManyField(Person, through="ListMember", related_name="lists", verbose_name=_("people"))
    parts: "models.ManyToManyField[List, models.Model]" = models.ManyToManyField(
        "self", through="ListPart", symmetrical=False, related_name="part_of"
    )

    objects = ListQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["school", "name"], name="list_names_differ_in_a_school")]

    def __str__(self) -> str:
        return self.name


class ListMember(models.Model):
    list = models.ForeignKey(List, models.CASCADE, related_name="members", db_index=False)
    person = models.ForeignKey(Person, models.CASCADE, related_name="memberships")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["list", "person"], name="a_person_once_per_list")]

    def __str__(self) -> str:
        return f"{self.list}: {self.person}"


class ListRule(models.Model):
    """One condition on a contact. All rules of a list must hold; one of a rule's values is enough."""

    class Field(models.TextChoices):
        SCHOOL = "school", _("School")
        GRADE = "grade", _("Grade")
        KIND = "kind", _("Kind")
        LANGUAGE = "language", _("Language")
        ADDRESS = "address", _("Email address")
        GUARDIAN = "guardian", _("Has a guardian of category")
        LAST_RESULT = "last_result", _("Last result of their address")

    of_list = models.ForeignKey(List, models.CASCADE, related_name="rules")
    field = models.CharField(_("field"), max_length=20, choices=Field)
    is_not = models.BooleanField(_("is not"), default=False)
    values = models.JSONField(_("values"), default=list, help_text="Strings, like ['5', '6'] for grades.")

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.of_list}: {self.get_field_display()}"


class ListPart(models.Model):
    """Another list whose recipients belong to this list, or do not."""

    list = models.ForeignKey(List, models.CASCADE, related_name="list_parts", db_index=False)
    part = models.ForeignKey(List, models.CASCADE, related_name="+")
    is_excluded = models.BooleanField(_("excluded"), default=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["list", "part"], name="a_list_once_in_a_list"),
            models.CheckConstraint(name="no_list_in_itself", condition=~Q(list=models.F("part"))),
        ]

    def __str__(self) -> str:
        return f"{self.list}: {self.part}"
