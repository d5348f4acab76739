"""What reports keep for themselves: conveniences that can be made again."""

from django.db import models

from broadcasts.models import Broadcast


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
