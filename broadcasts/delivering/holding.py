"""A worker's rows of one broadcast, however their emails leave: taken, kept, written down, given back."""

import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from broadcasts.blocking_failures import block_repeated_failures
from broadcasts.composing.compiling import CompiledBroadcast
from broadcasts.delivering.claiming import Job, claim_batch
from broadcasts.delivering.leasing import LeaseLost, is_ours, release_lease, renew_lease
from broadcasts.delivering.ledger import Outcome, record, take_back_marks
from broadcasts.delivering.limits import Limits
from broadcasts.delivering.outlasting import AWAY, outlast
from broadcasts.delivering.stopping import Refusals
from broadcasts.delivering.trouble import MailServerTrouble, clear_trouble
from broadcasts.models import Broadcast
from broadcasts.results import Result

BATCH = 400
# Neighbours lie on the same page of the database, and a page has room for a few changes at a time: take turns.
ROWS_OF_A_PAGE = 32
MOST_WAITING_OUTCOMES = 200
# What is known is written at the latest after this time, and the lease renewed.
WRITE_EVERY = timedelta(seconds=3)
LONGEST_WAIT_SECONDS = 1.0
HEAR_SECONDS = 10


class Holding:
    """What a worker holds of one broadcast, and what it has heard about it."""

    batch = BATCH

    def __init__(self, broadcast: Broadcast, compiled: CompiledBroadcast, limits: Limits) -> None:
        self.broadcast, self.compiled, self.limits = broadcast, compiled, limits
        self.is_emergency = broadcast.is_emergency
        self.token: UUID = uuid4()
        self.rows: deque[Job] = deque()  # ours, not spoken of yet
        self.outcomes: list[Outcome] = []
        self.unanswered: list[int] = []  # to be marked, and the database has not said whether they are
        self.counts: Counter[str] = Counter()  # for the log
        self.refusals = Refusals(broadcast)
        self.is_stopped = False
        self.kept_up_at = timezone.now()
        self.trouble: MailServerTrouble | None = None
        self.has_lost_lease = False
        self.has_answered = False

    def run(self, is_over: Callable[[], bool]) -> None:
        """Until nothing is due, or the shift is over, or the other side is in trouble; the rest is given back.

        Raises MailServerTrouble when what was being said has been answered.
        """
        try:
            while self._take_rows(is_over) or self._is_busy():
                self._go_on()
        except AWAY:
            self._hear_to_the_end()
            raise
        finally:
            self._give_back()
        if self.trouble:
            raise self.trouble

    def _go_on(self) -> None:
        """Say what can be said, hear what has been answered, write it down."""
        raise NotImplementedError

    def _hear(self, seconds: float) -> None:
        """What has been answered, or is within this time. Nothing is written down."""
        raise NotImplementedError

    def _is_busy(self) -> bool:
        """Answers are to come that somebody should hear."""
        raise NotImplementedError

    def _spoken_of(self) -> Collection[int]:
        """The rows in hand beside `rows`: named, asked for, on the wire, or in doubt."""
        raise NotImplementedError

    def _drop_rows(self) -> None:
        """No more is said: the rows that are not spoken of yet are somebody else's."""
        self.rows.clear()

    def _take_rows(self, is_over: Callable[[], bool]) -> bool:
        # Where there is a limit, nothing is claimed before it may leave.
        few = 1 if self.limits.there_are else self.batch // 4
        if self.trouble or self.has_lost_lease or self.is_stopped:
            self._drop_rows()
        elif is_over():
            self._take_no_more()
        elif len(self.rows) < few and (size := self.limits.grant(self.batch)):
            self._claim(size)
        return bool(self.rows)

    def _take_no_more(self) -> None:
        """Who was named is heard to the end: a shift is shorter than a server may stay silent (30 s)."""
        self.rows.clear()

    def _claim(self, size: int) -> None:
        # Whatever is not written down yet is still ours: the lease names these rows and no others from now on.
        heard = (outcome.delivery_id for outcome in self.outcomes)
        held = {*(job.pk for job in self.rows), *self._spoken_of(), *heard}
        try:
            jobs = claim_batch(self.broadcast.pk, size, timezone.now(), self.token, held).jobs
        except LeaseLost:
            self._lose_lease()
        else:
            for start in range(ROWS_OF_A_PAGE):
                self.rows += jobs[start::ROWS_OF_A_PAGE]

    def _note_outcome(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.refusals.note(outcome)

    def _write(self, to_mark: Sequence[int]) -> set[int]:
        """One commit: outcomes, and marks. Who Failed once too often is blocked by it too."""
        self.unanswered = list(to_mark)
        failed = [outcome.delivery_id for outcome in self.outcomes if outcome.result is Result.FAILED]
        with transaction.atomic() if failed else nullcontext():
            marked = record(self.token, self.outcomes, to_mark, timezone.now())
            if failed:
                block_repeated_failures(failed)
        self.outcomes, self.unanswered = [], []  # only now: a database error leaves them to the end
        self.is_stopped = self.refusals.tell(timezone.now()) or self.is_stopped
        if len(marked) < len(to_mark) and not is_ours(self.token, timezone.now()):
            outlast(lambda: take_back_marks(self.token, marked), settings.LEASE_SECONDS)  # they will not leave
            self._lose_lease()
            return set()
        return marked

    def _is_late(self) -> bool:
        return timezone.now() - self.kept_up_at >= WRITE_EVERY

    def _keep_up(self) -> None:
        """A slow server must not make a live worker lose its rows."""
        now = timezone.now()
        self.kept_up_at = now
        Broadcast.objects.filter(pk=self.broadcast.pk).update(worked_on_at=now)
        if not renew_lease(self.token, now):
            self._lose_lease()

    def _lose_lease(self) -> None:
        """Somebody paused or cancelled, or we were away for too long. What is on its way is heard to its end."""
        self.has_lost_lease = True
        self._drop_rows()

    def _note_success(self) -> None:
        if not self.has_answered:
            self.has_answered = True
            clear_trouble(self.broadcast.pk)

    def _note_trouble(self, trouble: MailServerTrouble) -> None:
        """No more is said; what is being said is heard to its end."""
        self.trouble = self.trouble or trouble

    # --- the end ------------------------------------------------------------------------------------------

    def _hear_to_the_end(self) -> None:
        """The database is away, the other side is not: what it answers now would else be in doubt."""
        self._drop_rows()
        end = time.monotonic() + HEAR_SECONDS
        while self._is_busy() and time.monotonic() < end:
            self._hear(LONGEST_WAIT_SECONDS)

    def _give_back(self) -> None:
        """A row in doubt keeps its mark: only its own outcome, a report or the sweep ends the doubt.

        Whoever has the lease after us refuses what we write, so it may wait for a database that is away.
        """
        never_left = self.unanswered
        if self.outcomes:
            outlast(lambda: self._write([]), settings.LEASE_SECONDS)
        if never_left:
            outlast(lambda: take_back_marks(self.token, never_left), settings.LEASE_SECONDS)
        outlast(lambda: release_lease(self.token, timezone.now()), settings.LEASE_SECONDS)
        outlast(self.limits.give_back, settings.LEASE_SECONDS)
