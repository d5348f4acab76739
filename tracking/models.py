"""What the outside world told us about deliveries."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from broadcasts.models import Delivery
from broadcasts.results import Result


class Event(models.Model):
    """One piece of evidence about a delivery. Repetitions have the same key and are stored once."""

    class Kind(models.TextChoices):
        ACCEPTED = "accepted", _("The email provider took the email")
        DELIVERED = "delivered", _("The recipient's server confirmed the email")
        DEFERRED = "deferred", _("The recipient's server keeps the sender waiting")
        BOUNCED = "bounced", _("The recipient's server returned the email")
        REFUSED = "refused", _("The email provider refused to send the email")
        FAILED = "failed", _("The email provider could not send the email")
        OPENED = "opened", _("The email was opened")
        CLICKED = "clicked", _("A link in the email was followed")
        COMPLAINED = "complained", _("The recipient reported the email as spam")
        UNSUBSCRIBED = "unsubscribed", _("The recipient unsubscribed")
        AUTO_REPLIED = "auto_replied", _("The recipient's mailbox answered by itself")
        NOTED = "noted", _("The email provider noted something")

    class Source(models.TextChoices):
        REPORT = "report", _("a report by email")
        PIXEL = "pixel", _("the picture in the email")
        PAGE = "page", _("the unsubscribe page")
        WEBHOOK = "webhook", _("the email provider")

    class Label(models.TextChoices):
        """Who fetched the picture or followed the link (`tracking.opens`)."""

        NONE = "", ""
        PERSON = "person", _("a person")
        UNSURE = "unsure", _("a person, probably")
        AUTOMATIC = "automatic", _("the mailbox by itself")
        SCANNER = "scanner", _("a security program")

    class Effect(models.TextChoices):
        """Whether what usually follows from a complaint or an unsubscription did follow."""

        USUAL = "", ""
        REQUIRED = "required", _("nothing: the type is not one that families choose")
        OLDER = "older", _("nothing: a newer decision stands")

    # `event_timeline` begins with it.
    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="events", db_index=False)
    kind = models.CharField(max_length=15, choices=Kind)
    at = models.DateTimeField(help_text="When it happened, as far as the source says; else when we heard of it.")
    recorded_at = models.DateTimeField(auto_now_add=True)
    source = models.CharField(max_length=10, choices=Source)
    key = models.CharField(max_length=64, help_text="Hash of what makes two reports the same one.")
    result = models.PositiveSmallIntegerField(choices=Result, null=True, help_text="The result it argues for.")
    code = models.CharField(max_length=12, blank=True, help_text="Enhanced status code (RFC 3463).")
    text = models.TextField(blank=True, help_text="The source's words, cut to 2,000 characters.")
    rule = models.CharField(max_length=60, blank=True, help_text="Which line of the table of meanings decided.")

    label = models.CharField(max_length=10, choices=Label, blank=True, default="", db_default="")
    agent = models.CharField(max_length=40, blank=True, default="", db_default="", help_text="Family of the program.")
    network = models.CharField(
        max_length=45, blank=True, default="", db_default="", help_text="Where from: a network, never an address."
    )
    effect = models.CharField(
        max_length=10,
        choices=Effect,
        blank=True,
        default="",
        db_default="",
        help_text="Why nothing followed from it.",
    )
    # Of the picture only: it is fetched again and again, and each day and label has one event.
    last_at = models.DateTimeField(null=True, help_text="When it happened last, if it may happen several times.")
    times = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        ordering = ["at", "pk"]
        indexes = [
            models.Index(fields=["delivery", "at"], name="event_timeline"),
            # Looking for late bounces: few events are returns, and most deliveries have none.
            models.Index(
                fields=["delivery"],
                condition=models.Q(result__in=[Result.BOUNCED, Result.FAILED]),
                name="event_returned",
            ),
            # How many emails were opened by machines alone, of a whole broadcast: others have no row here.
            models.Index(
                fields=["delivery"],
                condition=models.Q(kind__in=["opened", "clicked"], label__in=["automatic", "scanner"]),
                name="event_opened_by_machine",
            ),
        ]
        # A constraint, not `unique=True`: that would bring PostgreSQL a second index for LIKE, which nobody asks.
        constraints = [models.UniqueConstraint(fields=["key"], name="an_event_once")]

    def __str__(self) -> str:
        return f"{self.delivery}: {self.get_kind_display()}"


class UnusedReport(models.Model):
    """A message that came back and that we could not use: kept for a person to look at."""

    received_at = models.DateTimeField(_("received"), auto_now_add=True)
    envelope_recipient = models.CharField(_("addressed to"), max_length=320, blank=True)
    reason = models.CharField(_("why it was not used"), max_length=200)
    raw = models.TextField(_("the message"), help_text="Cut to 64,000 characters.")

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("unused report")

    def __str__(self) -> str:
        return self.reason


class UnusedEvent(models.Model):
    """What an email provider told us and we could not use: kept for a person to look at, and to try again."""

    received_at = models.DateTimeField(_("received"), auto_now_add=True)
    provider = models.CharField(_("email provider"), max_length=20)
    reason = models.CharField(_("why it was not used"), max_length=200)
    raw = models.TextField(_("what it said"), help_text="JSON, cut to 64,000 characters.")
    is_whole = models.BooleanField(_("can be tried again"), help_text="One event, not cut.")
    # Whose email it is about, for the moment when we know that ourselves (`tracking.webhooks.trying_again`).
    message_id = models.CharField(max_length=200, blank=True, default="", db_default="")
    address_key = models.CharField(max_length=320, blank=True, default="", db_default="")

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("unused event")

    def __str__(self) -> str:
        return f"{self.provider}: {self.reason}"


class RefusedPost(models.Model):
    """POSTs to the webhooks that were not taken: a row for each provider, reason and day, however many come."""

    class Reason(models.TextChoices):
        NOT_SET_UP = "not_set_up", _("this provider is not set up")
        PASSWORD = "password", _("no password, or a wrong one")
        SIGNATURE = "signature", _("no signature, or a wrong one")
        TOPIC = "topic", _("a topic of Amazon SNS that is not ours")
        MALFORMED = "malformed", _("it could not be read")
        TOO_LONG = "too_long", _("it is too long")
        TOO_SLOW = "too_slow", _("it came too slowly")

    provider = models.CharField(_("email provider"), max_length=20)
    reason = models.CharField(_("why it was refused"), max_length=12, choices=Reason)
    day = models.DateField(_("day"))
    first_at = models.DateTimeField(_("first"))
    last_at = models.DateTimeField(_("last"))
    times = models.PositiveIntegerField(
        _("times, at least"),
        default=1,
        help_text=_("While many come, each process counts for some seconds before it writes."),
    )

    class Meta:
        ordering = ["-last_at", "-pk"]
        verbose_name = _("refused webhook")
        constraints = [models.UniqueConstraint(fields=["provider", "reason", "day"], name="a_refusal_once_a_day")]

    def __str__(self) -> str:
        return f"{self.provider}: {self.get_reason_display()}"
