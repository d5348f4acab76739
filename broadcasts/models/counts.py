"""How many deliveries of a broadcast have which result, so that no page has to count them."""

from django.db import models
from django.db.models import Q

from broadcasts.models.broadcasts import Broadcast
from broadcasts.results import Result


class ResultCount(models.Model):
    """One part of a count: those of a broadcast and a result are added up. Written by triggers alone.

    PostgreSQL adds a row of what changed for each statement, so that workers never wait for one another's row; the
    sweep folds these into one. SQLite, which has one writer at a time, keeps the one row itself.
    """

    # No constraint in the database: it would look at the broadcast with every statement that changes a result.
    broadcast = models.ForeignKey(Broadcast, models.CASCADE, related_name="result_counts", db_constraint=False)
    result = models.PositiveSmallIntegerField(choices=Result)
    count = models.IntegerField(help_text="Below zero where more rows left this result than came to it.")
    is_folded = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["broadcast", "result"], condition=Q(is_folded=True), name="one_folded_count"
            ),
        ]
        indexes = [
            models.Index(fields=["broadcast"], condition=Q(is_folded=False), name="count_to_fold"),
        ]

    def __str__(self) -> str:
        return f"{self.broadcast}: {self.get_result_display()} {self.count:+}"
