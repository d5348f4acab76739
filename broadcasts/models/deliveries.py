"""The ledger: one row per recipient with its result, written before the first email leaves."""

from datetime import datetime
from typing import Any, Self
from uuid import uuid4

from django.db import models
from django.db.models import Case, F, Q, When
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from broadcasts.models.addresses import EmailAddress
from broadcasts.models.broadcasts import Broadcast
from broadcasts.models.people import Person
from broadcasts.models.scopes import SchoolQuerySet
from broadcasts.results import Result


class DeliveryQuerySet(SchoolQuerySet["Delivery"]):
    def due(self, now: datetime) -> Self:
        """Whose next attempt has come; the first ones need no date, they go by the broadcast's `next_row`."""
        return self.filter(state=Delivery.State.IDLE, next_attempt_at__lte=now)


def _once_settled(name: str, field: "models.Field[Any, Any]") -> models.GeneratedField:
    """A copy that the database itself keeps equal, and that is empty as long as the row changes often.

    PostgreSQL updates a row in place while no value of an index changes: these may be in one, the originals not.
    """
    return models.GeneratedField(
        expression=Case(When(is_settled=True, then=F(name))), output_field=field, db_persist=True
    )


class Delivery(models.Model):
    class State(models.IntegerChoices):
        IDLE = 0, _("idle")
        WAITING = 1, _("waiting for its turn")  # not begun by the broadcast's `next_row`, or named in a lease
        IN_DOUBT = 2, _("in doubt")  # from just before its body is written until its reply is recorded
        UNCONFIRMED = 3, _("unconfirmed")  # in doubt, and its type says: do not send again

    class Note(models.TextChoices):
        """Why a row is what it is, where the label alone does not say."""

        NONE = "", ""
        NO_ADDRESS = "no_address", _("No email address on file")
        NOT_SELECTED = "not_selected", _("No address of this person receives this broadcast type")
        DO_NOT_CONTACT = "do_not_contact", _("Do not contact: marked so for the student (a court order, for example)")
        SHARED = "shared", _("Another person with this address gets this broadcast")
        BAD_ADDRESS = "bad_address", _("This is not a valid email address")
        BLOCKED = "blocked", _("The address is on the Blocked Email list")
        CANCELLED = "cancelled", _("The broadcast was cancelled before this email left")
        GAVE_UP = "gave_up", _("We tried for as long as we try")
        STOPPED = "stopped", _("Somebody stopped our trying again")

    class Removed(models.IntegerChoices):
        """What a rule of retention has taken out of the row; each takes what the one before does."""

        NOTHING = 0, ""
        WORDS = 1, _("what mail servers said")
        ADDRESSES = 2, _("name and address")

    school_path = "broadcast__school"

    broadcast = models.ForeignKey(
        Broadcast, models.PROTECT, related_name="deliveries", db_index=False, verbose_name=_("broadcast")
    )
    person = models.ForeignKey(
        Person, models.SET_NULL, null=True, db_index=False, related_name="deliveries", verbose_name=_("person")
    )
    address = models.ForeignKey(EmailAddress, models.SET_NULL, null=True, related_name="+", verbose_name=_("address"))
    # As they were when prepared: the log must not change when the directory does.
    name = models.CharField(_("name"), max_length=200)
    email = models.CharField(_("email"), max_length=320, blank=True)
    address_key = models.CharField(max_length=320, blank=True)
    language = models.CharField(_("language"), max_length=20, default="en")

    result = models.PositiveSmallIntegerField(
        _("Delivery Results"), choices=Result, default=Result.UNSENT, db_default=Result.UNSENT
    )
    note = models.CharField(_("note"), max_length=20, choices=Note, default="", db_default="", blank=True)
    is_sendable = models.BooleanField(help_text="It was Unsent when prepared: this row may carry the email.")
    duplicate_of = models.ForeignKey("self", models.SET_NULL, null=True, db_index=False, related_name="duplicates")
    sent_again_for = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        db_index=False,
        related_name="sent_again_as",
        help_text="The row of the address that was wrong: this one carries the missed email to the corrected one.",
    )
    attempts = models.PositiveSmallIntegerField(_("Attempts"), default=0, db_default=0)
    last_attempt_at = models.DateTimeField(_("Last Attempt"), null=True)
    # No empty text: a column that most rows do not have costs them nothing.
    provider_message_id = models.CharField(  # noqa: DJ001
        max_length=200, null=True, help_text="What the email provider calls this email, where one sent it."
    )
    late_bounce_at = models.DateTimeField(null=True, help_text="A failure reported after Delivered or Opened.")
    late_bounce_reason = models.CharField(max_length=500, blank=True, default="", db_default="")

    # In no index: what an email changes on its way is updated in place (decision 0026).
    state = models.PositiveSmallIntegerField(choices=State, default=State.IDLE, db_default=State.IDLE)
    next_attempt_at = models.DateTimeField(null=True, help_text="Another attempt. Empty: none is planned.")
    lease_token = models.UUIDField(null=True, help_text="Of the worker that marked it as in doubt.")

    removed = models.PositiveSmallIntegerField(choices=Removed, default=Removed.NOTHING, db_default=Removed.NOTHING)

    is_settled = models.BooleanField(
        default=False, db_default=False, help_text="Nothing is due and nothing has left for days: changes are rare."
    )
    settled_result = _once_settled("result", models.PositiveSmallIntegerField(null=True))
    settled_attempts = _once_settled("attempts", models.PositiveSmallIntegerField(null=True))
    settled_last_attempt_at = _once_settled("last_attempt_at", models.DateTimeField(null=True))

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = _("deliveries")
        constraints = [
            # Preparing twice adds nothing.
            models.UniqueConstraint(
                fields=["broadcast", "person", "address_key"], name="one_row_per_person_and_address"
            ),
            # Nobody gets a broadcast twice at one address, whatever the code above this line believes.
            models.UniqueConstraint(
                fields=["broadcast", "address_key"],
                condition=Q(is_sendable=True),
                name="one_sendable_row_per_address",
            ),
            # A missed email is sent again once; also the way from the wrong address to it. Few rows have it.
            models.UniqueConstraint(
                fields=["sent_again_for"], condition=Q(sent_again_for__isnull=False), name="sent_again_once"
            ),
            models.CheckConstraint(
                name="sendable_rows_have_an_address", condition=Q(is_sendable=False) | ~Q(address_key="")
            ),
            models.CheckConstraint(
                name="only_sendable_rows_fall_due",
                condition=Q(is_sendable=True) | Q(next_attempt_at__isnull=True, state=0),
            ),
        ]
        indexes = [
            # Claiming: the further attempts of one broadcast. Rows that are handed over at the first have none.
            models.Index(
                fields=["broadcast", "next_attempt_at", "id"],
                condition=Q(next_attempt_at__isnull=False),
                name="delivery_due",
            ),
            models.Index(fields=["broadcast", "id"], name="delivery_of_broadcast"),  # first attempts; the Email Log
            models.Index(fields=["person", "-id"], name="delivery_of_person"),  # the latest of everybody, for lists
            models.Index(
                fields=["duplicate_of"], condition=Q(duplicate_of__isnull=False), name="delivery_carries_for"
            ),
            # Webhooks of providers that do not give our own name for it back; rows sent by SMTP have none.
            models.Index(
                fields=["provider_message_id"],
                condition=Q(provider_message_id__isnull=False),
                name="delivery_of_provider",
            ),
            # The Email Log (`reports/email_log/`). Rows enter the others when they are settled: sending never
            # pays for them. Each serves one order, and has whatever else a filter asks for beside it: rows that
            # are not wanted are passed without being read.
            models.Index(fields=["broadcast", "id"], condition=Q(is_settled=False), name="delivery_unsettled"),
            models.Index(
                fields=["broadcast", "settled_result", "settled_last_attempt_at", "id"],
                include=["settled_attempts"],
                condition=Q(is_settled=True),
                name="delivery_by_result",
            ),
            models.Index(
                fields=["broadcast", "settled_attempts", "settled_result", "id"],
                include=["settled_last_attempt_at"],
                condition=Q(is_settled=True),
                name="delivery_by_attempts",
            ),
            models.Index(
                *(F("settled_result"), Lower("name"), F("id")),
                include=["name", "broadcast", "settled_attempts", "settled_last_attempt_at"],
                condition=Q(is_settled=True),
                name="delivery_by_name",
            ),
            models.Index(
                *(F("settled_result"), Lower("email"), F("id")),
                include=["email", "broadcast", "settled_attempts", "settled_last_attempt_at"],
                condition=Q(is_settled=True),
                name="delivery_by_email",
            ),
            models.Index(
                fields=["broadcast", "id"], condition=Q(late_bounce_at__isnull=False), name="delivery_came_back"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


class Lease(models.Model):
    """The rows that one worker holds. Every row that waits or is in doubt is named in one, or comes after `next_row`.

    So the rows themselves need no lease, and what a dead worker leaves behind is found without looking for it.
    """

    token = models.UUIDField(primary_key=True, default=uuid4)
    broadcast = models.ForeignKey(Broadcast, models.CASCADE, related_name="leases")
    until = models.DateTimeField()
    rows = models.JSONField(default=list, help_text="Their ids.")
    is_open = models.BooleanField(
        default=True, help_text="Its worker may let messages leave; whoever closes it has taken the rows that wait."
    )

    def __str__(self) -> str:
        return f"{self.broadcast}: {len(self.rows)} rows until {self.until}"


class Attempt(models.Model):
    """One try to hand an email over that got as far as naming the recipient, and what the server said."""

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", _("The mail server accepted the email")
        DEFERRED = "deferred", _("The mail server said: not now")
        REFUSED = "refused", _("The mail server refused the email")
        IN_DOUBT = "in_doubt", _("The mail server did not say whether it took the email")

    delivery = models.ForeignKey(Delivery, models.CASCADE, db_index=False, related_name="tries")
    number = models.PositiveSmallIntegerField(help_text="1 for the first.")
    at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome)
    result = models.PositiveSmallIntegerField(choices=Result, null=True, help_text="The result it argues for.")
    phase = models.CharField(max_length=20, blank=True, help_text="rcpt, data or body (RFC 5321 section 3.3).")
    code = models.PositiveSmallIntegerField(null=True, help_text="Reply code.")
    enhanced_code = models.CharField(max_length=12, blank=True, help_text="RFC 3463.")
    text = models.TextField(blank=True, help_text="The server's words.")
    rule = models.CharField(max_length=60, blank=True, help_text="Which line of the table of replies decided.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "number"], name="attempts_are_numbered")]
        # Operations: which emails nobody can vouch for. Few attempts, and none of them changes later.
        indexes = [models.Index(fields=["delivery"], condition=Q(outcome="in_doubt"), name="attempt_in_doubt")]

    def __str__(self) -> str:
        return f"{self.delivery}: {self.get_outcome_display()}"
