"""What one worker may send now: as its sender's limit allows, and over each mail server as that one's does."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from broadcasts.delivering.naming_relays import Relay
from broadcasts.delivering.pacing import free_at, give_back, take
from broadcasts.models import Broadcast


class Limits:
    """Emails are taken in chunks before rows are claimed for them; what did not leave is given back."""

    def __init__(self, broadcast: Broadcast, relays: Sequence[Relay]) -> None:
        sender = broadcast.sender
        self.is_emergency = broadcast.is_emergency
        self.sender, self.sender_limit = f"sender:{broadcast.sender_id}", sender.max_per_minute if sender else None
        self.relays = {relay.name: relay for relay in relays if relay.per_minute}
        self.has_free_relay = not relays or len(self.relays) < len(relays)  # none: a provider's API
        self.sender_left = 0
        self.left: dict[str, int] = {}  # relay → emails that may still leave over it
        self.ran_dry_at: datetime | None = None

    @property
    def there_are(self) -> bool:
        return bool(self.sender_limit or self.relays)

    def grant(self, wanted: int) -> int:
        """For how many rows there is room now. 0: for none until `free_at`; do not ask again before."""
        if not self.there_are or self.ran_dry_at:
            return 0 if self.ran_dry_at else wanted
        now = timezone.now()
        self.give_back()
        room = self._take(self.sender, self.sender_limit, wanted, now) if self.sender_limit else wanted
        self.sender_left = room
        for relay in self.relays.values() if room else ():
            self.left[relay.name] = self._take(relay.allowance, relay.per_minute or 1, room, now)
        if not self.has_free_relay:
            room = min(room, sum(self.left.values()))
        if not room:
            self.ran_dry_at = now
        return room

    def _take(self, key: str, per_minute: int, wanted: int, now: datetime) -> int:
        return take(key, per_minute, wanted, now, is_emergency=self.is_emergency)

    def may_use(self, relay: str) -> bool:
        return relay not in self.relays or self.left.get(relay, 0) > 0

    def count(self, relay: str, emails: int = 1) -> None:
        """These leave over it; negative: they did not after all."""
        self.sender_left -= emails
        if relay in self.left:
            self.left[relay] -= emails

    def give_back(self) -> None:
        if self.sender_limit:
            give_back(self.sender, self.sender_limit, self.sender_left)
        for name, count in self.left.items():
            give_back(self.relays[name].allowance, self.relays[name].per_minute or 1, count)
        self.sender_left, self.left = 0, {}

    def free_at(self, now: datetime) -> datetime:
        """When it is worth coming again."""
        moments = [free_at(self.sender, self.sender_limit, now)] if self.sender_limit else []
        over_relays = [free_at(relay.allowance, relay.per_minute or 1, now) for relay in self.relays.values()]
        if over_relays and not self.has_free_relay:
            moments.append(min(over_relays))
        return max(moments, default=now)
