"""How long names, addresses and words are kept, and what has been removed since."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from broadcasts.models.broadcasts import Broadcast
from broadcasts.models.schools import School

# Retries end after two days, and a missed email is sent again for 30: nothing that goes on is ever touched.
FEWEST_DAYS, MOST_DAYS = 30, 30_000


class RetentionRule(models.Model):
    """Of one school, or of all that have none of their own. Without a rule everything is kept for ever."""

    class Kind(models.TextChoices):
        ADDRESSES = "addresses", _("Names and addresses in the Email Log")
        WORDS = "words", _("What mail servers said, and where emails were opened")
        UNUSED = "unused", _("Reports and events that could not be used")

    kind = models.CharField(_("what"), max_length=10, choices=Kind)
    school = models.ForeignKey(
        School,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("school"),
        help_text=_("“All schools”: every one that has no rule of its own."),
    )
    days = models.PositiveSmallIntegerField(
        _("days"),
        null=True,
        blank=True,
        validators=[MinValueValidator(FEWEST_DAYS), MaxValueValidator(MOST_DAYS)],
        help_text=_(
            "At least 30, counted from the end of the broadcast, or from when the report or event came. Empty: for "
            "ever, whatever the rule for all schools says."
        ),
    )
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("retention rule")
        ordering = ["kind", "school__name"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "school"],
                name="one_retention_rule_per_school",
                violation_error_message=_("This school has a rule for that already: change that one."),
            ),
            models.UniqueConstraint(
                fields=["kind"],
                condition=Q(school__isnull=True),
                name="one_retention_rule_for_all_schools",
                violation_error_message=_("There is a rule for that and all schools already: change that one."),
            ),
            models.CheckConstraint(
                name="retention_has_a_minimum",
                condition=Q(days__isnull=True) | Q(days__gte=FEWEST_DAYS),
                violation_error_message=_("Keep it for at least 30 days."),
            ),
            models.CheckConstraint(
                name="what_is_unused_has_no_school",
                condition=~Q(kind="unused") | Q(school__isnull=True),
                violation_error_message=_("Nobody knows whose these are: leave the school empty."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.school or _('all schools')}"


class Removal(models.Model):
    """What one rule has removed from the rows of one broadcast: how far it has come, and for ever what it was."""

    broadcast = models.ForeignKey(
        Broadcast, models.CASCADE, related_name="removals", db_index=False, verbose_name=_("broadcast")
    )
    kind = models.CharField(_("what"), max_length=10, choices=RetentionRule.Kind)
    days = models.PositiveSmallIntegerField(_("days"), help_text="As the rule said when it began.")
    last_row = models.BigIntegerField(default=0, help_text="Up to this delivery it is done.")
    rows = models.PositiveIntegerField(_("rows"), default=0)
    groups = models.JSONField(default=dict, help_text="Counts by what only the people knew, from before it began.")
    begun_at = models.DateTimeField(_("begun"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("removal")
        ordering = ["-begun_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["broadcast", "kind"], name="a_removal_once_per_broadcast")]

    def __str__(self) -> str:
        return f"{self.broadcast}: {self.get_kind_display()}"


class RetentionRound(models.Model):
    """The one row that says when the rules were last followed, and by when somebody was asked to."""

    begun_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"begun {self.begun_at}"
