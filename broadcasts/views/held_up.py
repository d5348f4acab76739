"""Why a broadcast does not go on by itself, waits, or goes on slowly: what its page says about it."""

import math
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.conf import settings

from broadcasts.delivering.naming_relays import read_relays
from broadcasts.delivering.quiet_hours import waits_until
from broadcasts.models import Broadcast, RelayTrouble

Status = Broadcast.Status
GOES_ON = (Status.SCHEDULED, Status.PREPARING, Status.SENDING)


@dataclass(frozen=True)
class HeldUp:
    """`unsent`: how many are still to leave."""

    broadcast: Broadcast
    unsent: int
    now: datetime

    @property
    def goes_on(self) -> bool:
        return self.broadcast.status in GOES_ON

    @property
    def is_on_hold(self) -> bool:
        return self.broadcast.status == Status.PAUSED and bool(self.broadcast.held_for)

    @property
    def has_begun(self) -> bool:
        return self.broadcast.prepared_at is not None

    @cached_property
    def quiet_end(self) -> datetime | None:
        """Of the quiet hours in which it waits, or will."""
        start = max(self.now, self.broadcast.send_at or self.now)
        is_waiting = self.goes_on and bool(self.unsent or not self.has_begun)
        return waits_until(self.broadcast, start) if is_waiting else None

    @property
    def limit(self) -> int | None:
        """Emails a minute; None: this sender has no limit, or what is left is not worth a word."""
        sender = self.broadcast.sender
        limit = sender.max_per_minute if sender and self.broadcast.status == Status.SENDING else None
        return limit if limit and self.unsent > limit else None

    @property
    def minutes_left(self) -> int:
        return math.ceil(self.unsent / self.limit) if self.limit else 0

    @property
    def refused_in_row(self) -> int:
        """Enough to warn of; only an emergency gets so far without being stopped."""
        refused = self.broadcast.refused_in_row
        return refused if settings.STOP_AFTER_FAILURES and refused >= settings.STOP_AFTER_FAILURES else 0

    @cached_property
    def relays_out(self) -> list[RelayTrouble]:
        """Of several mail servers, those that are left out for a while."""
        relays = read_relays(settings.MAIL_URL) if self.goes_on else []
        if len(relays) < 2:
            return []
        return list(RelayTrouble.objects.filter(relay__in=[relay.name for relay in relays]).order_by("relay"))

    @property
    def shown(self) -> tuple[object, ...]:
        """Changes when anything that the page says of it does."""
        relays = [(relay.relay, relay.words) for relay in self.relays_out]
        return (self.broadcast.held_for, self.quiet_end, self.minutes_left, self.refused_in_row, relays)
