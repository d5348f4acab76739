"""Schools and the people who work in the portal."""

from functools import cached_property
from zoneinfo import available_timezones

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(
            _("“%(name)s” is not a time zone. Use a name like America/Chicago."), params={"name": name}
        )


class School(models.Model):
    name = models.CharField(_("name"), max_length=200, unique=True)
    slug = models.SlugField(_("short name"), unique=True, help_text=_("Used in addresses and commands."))
    sis_id = models.CharField(
        _("SIS id"),
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text=_("What the student information system calls this school. A district's import finds it by that."),
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        default="UTC",
        validators=[validate_time_zone],
        help_text=_("All times of this school's pages are shown in it, for example America/Chicago."),
    )
    language = models.CharField(_("language"), max_length=20, default="en")
    quiet_from = models.TimeField(
        _("quiet hours from"),
        null=True,
        blank=True,
        help_text=_(
            "On the school's clock, for example 21:00. From then on no email leaves but emergencies; what is sent "
            "waits until the quiet hours end. Empty: there are none."
        ),
    )
    quiet_until = models.TimeField(
        _("quiet hours until"),
        null=True,
        blank=True,
        help_text=_("For example 07:00. Earlier than the beginning: on the next day."),
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["sis_id"], condition=~Q(sis_id=""), name="a_sis_id_once_among_schools"),
            models.CheckConstraint(
                name="quiet_hours_have_a_beginning_and_an_end",
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | (Q(quiet_from__isnull=False, quiet_until__isnull=False) & ~Q(quiet_from=F("quiet_until"))),
                violation_error_message=_(
                    "Quiet hours need a beginning and an end that differ. Leave both empty for none."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """Someone who signs in. What they may see follows from their memberships alone."""

    @cached_property
    def is_administrator(self) -> bool:
        return self.is_active and (
            self.is_superuser or self.memberships.filter(role=Membership.Role.ADMINISTRATOR).exists()
        )

    @property
    def schools(self) -> models.QuerySet[School]:
        """The schools whose people and broadcasts this user may see."""
        if self.is_administrator:
            return School.objects.all()
        return School.objects.filter(memberships__user=self).distinct()

    @cached_property
    def home_school(self) -> School | None:
        """The school made first: its clock shows what belongs to no school."""
        return self.schools.order_by("pk").first()

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.get_username()


class Membership(models.Model):
    class Role(models.TextChoices):
        OFFICE = "office", _("Office staff")
        ADMINISTRATOR = "administrator", _("Administrator")

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships", verbose_name=_("user"))
    role = models.CharField(_("role"), max_length=20, choices=Role, default=Role.OFFICE)
    school = models.ForeignKey(
        School,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="memberships",
        verbose_name=_("school"),
        help_text=_("Office staff see this school only. Administrators see every school: leave it empty."),
    )

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        constraints = [
            models.CheckConstraint(
                name="office_staff_have_a_school_and_administrators_all",
                condition=Q(role="office", school__isnull=False) | Q(role="administrator", school__isnull=True),
                violation_error_message=_(
                    "Office staff need a school; administrators see every school, so leave it empty."
                ),
            ),
            models.UniqueConstraint(fields=["user", "school"], name="one_role_per_user_and_school"),
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(role="administrator"),
                name="administrator_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.school or self.get_role_display()}"
