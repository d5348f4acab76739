from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class BlockLevel(models.TextChoices):
    """What a block keeps back."""

    EVERYTHING = "all", _("everything")
    EXCEPT_EMERGENCY = "except_emergency", _("everything except Emergency")


class BlockedEmail(models.Model):
    """An address nobody may write to, system-wide."""

    class Source(models.TextChoices):
        STAFF = "staff", _("entered by hand")
        SHELL = "shell", _("entered from the shell")
        FILE = "file", _("imported from a file")
        COMPLAINT = "complaint", _("reported our email as spam")
        FAILURES = "failures", _("Failed again and again")

    address = models.CharField(_("address"), max_length=320)
    key = models.CharField(max_length=320, unique=True, editable=False)
    level = models.CharField(
        _("blocks"),
        max_length=20,
        choices=BlockLevel,
        default=BlockLevel.EVERYTHING,
        db_default=BlockLevel.EVERYTHING,
        help_text=_("“Everything except Emergency” still lets broadcasts of an emergency type through."),
    )
    reason = models.CharField(_("reason"), max_length=500)
    source = models.CharField(_("source"), max_length=10, choices=Source, default=Source.STAFF)
    added_by = models.ForeignKey(
        "User", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("added by")
    )
    added_at = models.DateTimeField(_("added"), auto_now_add=True)

    class Meta:
        ordering = ["-added_at", "-pk"]
        verbose_name = _("Blocked Email")
        verbose_name_plural = _("Blocked Emails")

    def __str__(self) -> str:
        return self.address


class BlockingPolicy(models.Model):
    """What puts addresses on the Blocked Email list by itself. One row; while there is none, the defaults hold."""

    blocks_failures = models.BooleanField(
        _("block addresses that Fail again and again"),
        default=True,
        help_text=_("Only what says that there is no such address counts; a refusal that is our side's fault never."),
    )
    failures = models.PositiveSmallIntegerField(
        _("after so many broadcasts that Failed"),
        default=5,
        validators=[MinValueValidator(2), MaxValueValidator(100)],
        help_text=_("With none Delivered or Opened among them. Each broadcast counts once."),
    )
    within_days = models.PositiveSmallIntegerField(
        _("within so many days"), default=90, validators=[MinValueValidator(1), MaxValueValidator(3650)]
    )
    failures_level = models.CharField(
        _("then block"), max_length=20, choices=BlockLevel, default=BlockLevel.EXCEPT_EMERGENCY
    )
    complaint_level = models.CharField(
        _("who reports us as spam: block"),
        max_length=20,
        choices=BlockLevel,
        default=BlockLevel.EVERYTHING,
        help_text=_("Every complaint blocks: email providers turn away senders who go on."),
    )

    class Meta:
        verbose_name = _("blocking policy")
        verbose_name_plural = _("blocking policy")

    def __str__(self) -> str:
        return str(_("What blocks by itself"))

    @classmethod
    def in_force(cls) -> "BlockingPolicy":
        return cls.objects.filter(pk=1).first() or cls(pk=1)
