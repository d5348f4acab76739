"""Broadcasts, what they say, and who they come from."""

import uuid
from typing import TYPE_CHECKING

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from broadcasts.models.schools import School
from broadcasts.models.scopes import SchoolQuerySet

if TYPE_CHECKING:
    from django.db.models import Model

    from broadcasts.models.lists import List


class BroadcastType(models.Model):
    name = models.CharField(_("name"), max_length=100, unique=True)
    slug = models.SlugField(_("short name"), unique=True)
    is_emergency = models.BooleanField(
        _("emergency"),
        default=False,
        help_text=_("Goes out at once and first, is retried sooner, and cannot be unsubscribed with one click."),
    )
    is_required = models.BooleanField(
        _("required"),
        default=False,
        db_default=False,
        help_text=_("Families cannot switch it off for their addresses; staff can."),
    )
    is_default = models.BooleanField(
        _("for new addresses"),
        default=True,
        db_default=True,
        help_text=_("An address that is new in the directory receives it, unless the file says otherwise."),
    )
    is_active = models.BooleanField(
        _("in use"), default=True, help_text=_("A type that is not in use cannot be chosen for new broadcasts.")
    )
    repeat_when_in_doubt = models.BooleanField(
        _("send again when in doubt"),
        default=True,
        help_text=_(
            "When the mail server never said whether it took an email: send it once more (somebody may get it "
            "twice), or leave it (somebody may not get it)."
        ),
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        ordering = ["position", "name"]
        verbose_name = _("broadcast type")

    def __str__(self) -> str:
        return self.name

    @property
    def is_families_choice(self) -> bool:
        """Whether a family may switch it off for an address."""
        return not (self.is_emergency or self.is_required)


class Sender(models.Model):
    """A From name and address that an administrator set up; staff choose one, they cannot type one."""

    school = models.ForeignKey(
        School,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="senders",
        verbose_name=_("school"),
        help_text=_("Empty: every school may use it."),
    )
    name = models.CharField(_("From name"), max_length=100)
    address = models.EmailField(_("From address"))
    reply_to = models.EmailField(_("Reply-To address"), blank=True)
    is_active = models.BooleanField(_("in use"), default=True)
    max_per_minute = models.PositiveIntegerField(
        _("most emails a minute"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Of all broadcasts from this sender together. Empty: as fast as the mail server takes them."),
    )

    class Meta:
        ordering = ["name", "address"]
        constraints = [
            models.UniqueConstraint(fields=["school", "name", "address"], name="sender_once_per_school"),
            models.UniqueConstraint(
                fields=["name", "address"], condition=Q(school__isnull=True), name="sender_once_for_all_schools"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>"


class Broadcast(models.Model):
    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SCHEDULED = "scheduled", _("Scheduled")
        PREPARING = "preparing", _("Preparing")
        SENDING = "sending", _("Sending")
        PAUSED = "paused", _("Paused")
        SENT = "sent", _("Sent")
        CANCELLED = "cancelled", _("Cancelled")

    class Hold(models.TextChoices):
        """Why nobody but Messenger paused it."""

        NONE = "", ""
        LATE = "late", _("It was not sent when it was to be sent")
        ABANDONED = "abandoned", _("Nobody went on sending it")
        IN_TROUBLE = "trouble", _("The mail server was in trouble for too long")
        REFUSED = "refused", _("The mail server refused one email after the other")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)  # in every Message-ID
    school = models.ForeignKey(School, models.PROTECT, related_name="broadcasts", verbose_name=_("school"))
    name = models.CharField(
        _("broadcast"),
        max_length=255,
        blank=True,
        help_text="The default content's subject, kept here because every list and log shows it.",
    )
    broadcast_type = models.ForeignKey(
        BroadcastType, models.PROTECT, null=True, related_name="broadcasts", verbose_name=_("type")
    )
    sender = models.ForeignKey(Sender, models.PROTECT, null=True, related_name="broadcasts", verbose_name=_("sender"))
    lists: "models.ManyToManyField[List, Model]" = models.ManyToManyField(
        "List", related_name="broadcasts", blank=True, verbose_name=_("lists")
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    version = models.PositiveIntegerField(default=1, help_text="Grows with every save of the draft.")
    created_by = models.ForeignKey("User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    updated_by = models.ForeignKey("User", models.SET_NULL, null=True, related_name="+")
    updated_at = models.DateTimeField(_("changed"), auto_now=True)
    sent_by = models.ForeignKey("User", models.SET_NULL, null=True, related_name="+")
    send_at = models.DateTimeField(_("starts"), null=True, help_text="Preparing begins then; until then, undo.")
    prepared_at = models.DateTimeField(_("prepared"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    # Our own side's trouble (the mail server is down, refuses our password ...): never a recipient's fault.
    trouble = models.TextField(blank=True)
    trouble_since = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(null=True, help_text="When to try the mail server again after trouble.")
    worked_on_at = models.DateTimeField(null=True, help_text="When a worker last took up rows, or was asked to.")
    # A cursor instead of a date in each row: a first attempt then changes no index.
    next_row = models.BigIntegerField(
        null=True, help_text="First attempts go on from this delivery; empty: all begun."
    )
    tended_at = models.DateTimeField(
        null=True, help_text="When a worker or a person last saw to its sending; being asked is not seeing to it."
    )
    retries_stopped_at = models.DateTimeField(
        null=True, help_text="When somebody stopped the further attempts of a broadcast that counts as sent."
    )
    retries_stopped_to = models.BigIntegerField(
        null=True, help_text="The last delivery that there was then; one that is added later is tried as any other."
    )
    held_for = models.CharField(max_length=10, choices=Hold, default="", db_default="", blank=True)
    held_at = models.DateTimeField(null=True)
    refused_in_row = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Emails refused one after the other, of all workers: about."
    )
    last_refusal = models.CharField(
        max_length=500, default="", db_default="", blank=True, help_text="The server's last words."
    )

    objects = SchoolQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="what_is_sent_has_type_and_sender",
                condition=Q(status="draft") | Q(broadcast_type__isnull=False, sender__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(_("(no subject yet)"))

    @property
    def is_editable(self) -> bool:
        return self.status == self.Status.DRAFT

    @property
    def is_emergency(self) -> bool:
        """A draft without a type is none."""
        return self.broadcast_type is not None and self.broadcast_type.is_emergency

    @property
    def is_under_way(self) -> bool:
        return self.status in UNDER_WAY


UNDER_WAY = (
    Broadcast.Status.SCHEDULED,
    Broadcast.Status.PREPARING,
    Broadcast.Status.SENDING,
    Broadcast.Status.PAUSED,
)


class Content(models.Model):
    """What a broadcast says in one language. The one in the school's language is the default."""

    broadcast = models.ForeignKey(Broadcast, models.CASCADE, related_name="contents", db_index=False)
    language = models.CharField(_("language"), max_length=20, default="en")
    is_default = models.BooleanField(default=True)
    subject = models.CharField(_("subject"), max_length=255, blank=True)
    body_html = models.TextField(_("message"), blank=True)
    body_text = models.TextField(
        _("plain text"), blank=True, help_text=_("Empty: written from the message by itself.")
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["broadcast", "language"], name="a_language_once_per_broadcast"),
            models.UniqueConstraint(fields=["broadcast"], condition=Q(is_default=True), name="one_default_content"),
        ]

    def __str__(self) -> str:
        return f"{self.broadcast} ({self.language})"
