"""Which processes run, wherever they run: each says so every few seconds."""

from django.db import models
from django.db.models import Q


class Heartbeat(models.Model):
    """A group of worker threads, or a sweep. Nobody's work depends on it: it is there to be looked at."""

    SWEEP = "sweep"

    name = models.CharField(max_length=200, unique=True, help_text="machine:process:group")
    serves = models.CharField(
        max_length=200, blank=True, help_text="Names of queues, or sweep, divided by blanks. Empty: it is stopping."
    )
    works_on = models.CharField(max_length=200, blank=True, help_text="Like “broadcast 12, import 3”.")
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def of(queue: str) -> Q:
        """Those who serve this queue (or the sweep)."""
        return Q(serves__regex=rf"(^| ){queue}( |$)")
