"""What all workers must know of mail servers together: how much of a limit is used up, and which are in trouble."""

from django.db import models


class Allowance(models.Model):
    """One limit of so many a minute, as a clock: every email moves `next_at` on by its share of the minute."""

    key = models.CharField(max_length=200, unique=True, help_text="sender:ID or relay:HOST:PORT")
    next_at = models.DateTimeField(help_text="When the next email would leave if all left evenly.")

    def __str__(self) -> str:
        return self.key


class RelayTrouble(models.Model):
    """One of several mail servers is left out for a while; the row goes when it takes an email again."""

    relay = models.CharField(max_length=200, unique=True)
    words = models.CharField(max_length=500)
    since = models.DateTimeField()
    until = models.DateTimeField(help_text="Then it is tried again.")

    def __str__(self) -> str:
        return f"{self.relay}: {self.words}"
