"""A worker's rows of one broadcast, however their emails leave: taken, kept, written down, given back."""

from collections import deque
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

from django.utils import timezone

from broadcasts.composing.compiling import CompiledBroadcast
from broadcasts.delivering.claiming import claim_batch, release_claims, renew_lease
from broadcasts.delivering.ledger import Outcome, record
from broadcasts.delivering.trouble import MailServerTrouble, clear_trouble
from broadcasts.models import Broadcast, Delivery

BATCH = 200
MOST_WAITING_OUTCOMES = 200
# What is known is written at the latest after this time, and the lease renewed.
WRITE_EVERY = timedelta(seconds=3)
LONGEST_WAIT_SECONDS = 1.0


class LeaseLost(Exception):
    """Others have our rows by now."""


class Holding:
    """What a worker holds of one broadcast, and what it has heard about it."""

    batch = BATCH

    def __init__(self, broadcast: Broadcast, compiled: CompiledBroadcast) -> None:
        self.broadcast, self.compiled = broadcast, compiled
        kind = broadcast.broadcast_type
        self.is_emergency = kind is not None and kind.is_emergency
        self.token: UUID = uuid4()
        self.rows: deque[Delivery] = deque()  # ours, not spoken of yet
        self.outcomes: list[Outcome] = []
        self.kept_up_at = timezone.now()
        self.trouble: MailServerTrouble | None = None
        self.has_answered = False

    def run(self, is_over: Callable[[], bool]) -> None:
        """Until nothing is due, or the shift is over, or the other side is in trouble; the rest is given back.

        Raises MailServerTrouble when what was being said has been answered.
        """
        try:
            while self._take_rows(is_over) or self._is_busy():
                self._go_on()
        except LeaseLost:
            return
        finally:
            self._give_back()
        if self.trouble:
            raise self.trouble

    def _go_on(self) -> None:
        """Say what can be said, hear what has been answered, write it down."""
        raise NotImplementedError

    def _is_busy(self) -> bool:
        """Answers are to come that somebody should hear."""
        raise NotImplementedError

    def _drop_rows(self) -> None:
        """No more is said: the rows that are not spoken of yet are somebody else's."""
        self.rows.clear()

    def _take_rows(self, is_over: Callable[[], bool]) -> bool:
        if self.trouble or is_over():
            self._drop_rows()
        elif len(self.rows) < self.batch // 2:
            self.rows += claim_batch(self.broadcast.pk, self.batch, timezone.now(), self.token).deliveries
        return bool(self.rows)

    def _is_late(self) -> bool:
        return timezone.now() - self.kept_up_at >= WRITE_EVERY

    def _keep_up(self) -> None:
        """A slow server must not make a live worker lose its rows."""
        now = timezone.now()
        self.kept_up_at = now
        holds_rows = bool(self.rows) or self._is_busy()
        if not renew_lease(self.token, self.broadcast.pk, now) and holds_rows:
            raise LeaseLost

    def _note_success(self) -> None:
        if not self.has_answered:
            self.has_answered = True
            clear_trouble(self.broadcast.pk)

    def _note_trouble(self, trouble: MailServerTrouble) -> None:
        """No more is said; what is being said is heard to its end."""
        self.trouble = self.trouble or trouble

    def _give_back(self) -> None:
        """A row in doubt keeps its mark: only its own outcome, a report or the sweep ends the doubt."""
        if self.outcomes:
            record(self.token, self.outcomes, [], timezone.now())
            self.outcomes = []
        release_claims(self.token)
