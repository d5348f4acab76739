"""What the pages of this room remember, because finding it out again is dear."""

from django.db import models

from broadcasts.models import Broadcast, BroadcastType, School, Sender
from broadcasts.models.scopes import SchoolQuerySet


class BroadcastFigures(models.Model):
    """How one broadcast was read, as counted from its rows at `counted_at`.

    With what it is grouped by, so that years of them are added up from this one narrow table.
    """

    broadcast = models.OneToOneField(Broadcast, models.CASCADE, primary_key=True, related_name="figures")
    school = models.ForeignKey(School, models.CASCADE, db_index=False, related_name="+")
    kind = models.ForeignKey(BroadcastType, models.CASCADE, db_index=False, related_name="+")
    sender = models.ForeignKey(Sender, models.CASCADE, db_index=False, related_name="+")
    zone = models.CharField(max_length=64, help_text="Of the school: what the day and the hour are told by.")
    day = models.DateField(help_text="When it was prepared.")
    hour = models.PositiveSmallIntegerField()

    emails = models.PositiveIntegerField(help_text="That left and did not come back: Sent, Delivered and Opened.")
    opened = models.PositiveIntegerField(help_text="Opened, of them.")
    automatic = models.PositiveIntegerField(help_text="Not Opened, but their mailboxes loaded the pictures.")
    counted_at = models.DateTimeField()
    is_changed = models.BooleanField(default=False, help_text="Something was heard of its emails since then.")

    objects = SchoolQuerySet.as_manager()

    class Meta:
        # The round looks for these; all others are settled.
        indexes = [
            models.Index(fields=["broadcast"], condition=models.Q(is_changed=True), name="figures_changed"),
        ]

    def __str__(self) -> str:
        return f"{self.broadcast}: {self.opened} of {self.emails}"


class CountingRound(models.Model):
    """The one row that says how far counting has come, and who is at it."""

    last_event = models.BigIntegerField(default=0, help_text="All that was heard up to it has been looked at.")
    until = models.DateTimeField(null=True, help_text="Somebody is counting; then they have died.")
    ended_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"up to event {self.last_event}"


class StoredFigures(models.Model):
    """A part of a broadcast's report that takes long to count, as it was counted last."""

    broadcast = models.ForeignKey(Broadcast, models.CASCADE, related_name="+", db_index=False)
    part = models.CharField(max_length=20)
    digest = models.CharField(
        max_length=16, help_text="Of the counts of results then: others, and it is out of date."
    )
    figures = models.JSONField()
    counted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["broadcast", "part"], name="a_part_once_per_broadcast")]

    def __str__(self) -> str:
        return f"{self.broadcast}: {self.part}"
