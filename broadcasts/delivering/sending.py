"""Hand the rows of one broadcast over, many conversations at once, so that a kill leaves at most one in doubt each.

One commit serves many conversations: it writes what has been answered and marks the messages that are to leave next.
While it runs, answers pile up for the next one; a conversation that is kept waiting holds up nobody but itself.
"""

from collections import Counter, deque
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.addresses import wire_address
from broadcasts.blocking_failures import block_repeated_failures
from broadcasts.composing.compiling import CompiledBroadcast
from broadcasts.composing.headers import envelope_sender
from broadcasts.delivering.answers import accepted, broke_off, refused
from broadcasts.delivering.claiming import Job, claim_batch
from broadcasts.delivering.conversing import Conversation, Event, Told
from broadcasts.delivering.leasing import LeaseLost, is_ours, release_lease, renew_lease
from broadcasts.delivering.ledger import Outcome, record
from broadcasts.delivering.lines import Lines
from broadcasts.delivering.smtp import Envelope
from broadcasts.delivering.trouble import MailServerTrouble, clear_trouble
from broadcasts.models import Broadcast
from broadcasts.results import Result
from broadcasts.tokens import make_token

BATCH = 400
# Neighbours lie on the same page of the database, and a page has room for a few changes at a time: take turns.
ROWS_OF_A_PAGE = 32
# So many rows in hand are worth another conversation.
ROWS_FOR_A_LINE = 5
MOST_WAITING_OUTCOMES = 200
# What is known is written at the latest after this time, and the lease renewed.
WRITE_EVERY = timedelta(seconds=3)
LONGEST_WAIT_SECONDS = 1.0

Line = Conversation[Job]


class Sending:
    """One worker's share of one broadcast, from claiming to outcomes."""

    def __init__(self, broadcast: Broadcast, compiled: CompiledBroadcast, lines: Lines[Job]) -> None:
        self.broadcast, self.compiled, self.lines = broadcast, compiled, lines
        kind = broadcast.broadcast_type
        self.is_emergency = kind is not None and kind.is_emergency
        self.token: UUID = uuid4()
        self.rows: deque[Job] = deque()  # ours, not spoken of yet
        self.named: dict[int, Line] = {}  # by row: the server awaits the message
        self.marked: set[int] = set()  # their messages left, or are about to; no answer is written yet
        self.outcomes: list[Outcome] = []
        self.counts: Counter[str] = Counter()  # for the log
        self.kept_up_at = timezone.now()
        self.trouble: MailServerTrouble | None = None
        self.has_lost_lease = False
        self.has_answered = False
        self.silent_since = 0.0  # conversations opened before the last silence prove nothing new

    def run(self, is_over: Callable[[], bool]) -> None:
        """Until nothing is due, or the shift is over, or the server is in trouble; the rest is given back.

        Raises MailServerTrouble when what was being said has been answered.
        """
        try:
            while self._take_rows(is_over) or self._is_busy():
                self._say_what_can_be_said()
                for line in self.lines.wait(LONGEST_WAIT_SECONDS):
                    self._listen(line)
                self._record()
        finally:
            self._give_back()
        if self.trouble:
            raise self.trouble

    # --- rows in, messages out ----------------------------------------------------------------------------

    def _take_rows(self, is_over: Callable[[], bool]) -> bool:
        if self.trouble or self.has_lost_lease or is_over():
            self._drop_rows()
        elif len(self.rows) < BATCH // 2:
            self._claim()
        return bool(self.rows)

    def _claim(self) -> None:
        held = [job.pk for job in self.rows]
        held += [line.job.pk for line in self.lines if line.job]
        held += self.marked
        try:
            jobs = claim_batch(self.broadcast.pk, BATCH, timezone.now(), self.token, held).jobs
        except LeaseLost:
            self._lose_lease()
        else:
            for start in range(ROWS_OF_A_PAGE):
                self.rows += jobs[start::ROWS_OF_A_PAGE]

    def _is_busy(self) -> bool:
        return any(line.job or line.on_wire for line in self.lines) or any(line.events for line in self.lines)

    def _say_what_can_be_said(self) -> None:
        if not self.rows:
            return
        wanted = len(self.rows) // ROWS_FOR_A_LINE if self.has_answered else 1
        try:
            self.lines.have(max(1, wanted))
        except MailServerTrouble as trouble:
            self._note_trouble(trouble)
            return
        for line in self.lines:
            self._name_next(line)

    def _name_next(self, line: Line) -> None:
        if self.rows and line.can_name:
            job = self.rows.popleft()
            sender = envelope_sender(self.broadcast, job.pk)
            line.name(job, Envelope(sender, wire_address(job.email), make_token(job.pk, "bounce")))

    def _record(self) -> None:
        """One commit: outcomes, and marks of what stands ready. Only then do these messages leave."""
        now = timezone.now()
        is_late = now - self.kept_up_at >= WRITE_EVERY
        if not (self.named or is_late or len(self.outcomes) >= MOST_WAITING_OUTCOMES):
            return
        named = self.named
        marked = self._write(list(named))
        self.outcomes, self.named = [], {}  # only now: a database error leaves them to the end
        if len(marked) < len(named) and not is_ours(self.token):
            self._lose_lease()
        for pk, line in named.items():
            self._let_leave(line, is_marked=pk in marked)
        if is_late:
            self._keep_up()

    def _write(self, to_mark: list[int]) -> set[int]:
        """Who Failed once too often is blocked by the same commit."""
        failed = [outcome.delivery_id for outcome in self.outcomes if outcome.result is Result.FAILED]
        if not failed:
            return record(self.token, self.outcomes, to_mark, timezone.now())
        with transaction.atomic():
            marked = record(self.token, self.outcomes, to_mark, timezone.now())
            block_repeated_failures(failed)
        return marked

    def _let_leave(self, line: Line, *, is_marked: bool) -> None:
        job = line.job
        if job is None:  # the conversation ended meanwhile
            return
        if is_marked and line.is_open:
            job.attempts += 1
            self.marked.add(job.pk)
            line.transfer(self.compiled.message_for(job.recipient))
            self._name_next(line)
        else:
            line.withdraw()

    def _keep_up(self) -> None:
        """A slow server must not make a live worker lose its rows."""
        now = timezone.now()
        self.kept_up_at = now
        Broadcast.objects.filter(pk=self.broadcast.pk).update(worked_on_at=now)
        if not renew_lease(self.token, now):
            self._lose_lease()

    def _lose_lease(self) -> None:
        """Somebody paused or cancelled, or we were away for too long. What is on the wire is heard to its end."""
        self.has_lost_lease = True
        self._drop_rows()

    # --- answers ------------------------------------------------------------------------------------------

    def _listen(self, line: Line) -> None:
        events, line.events = line.events, []
        for event in events:
            if event.job is not None:
                self._take(line, event.job, event)
            elif not line.answers and not any(one.told is Told.DOUBTFUL for one in events):
                # After some answers many servers close a conversation: another one goes on.
                self._note_trouble(MailServerTrouble(event.reply.text))

    def _take(self, line: Line, job: Job, event: Event[Job]) -> None:
        if event.told is Told.NAMED:
            self.named[job.pk] = line
        elif event.told is Told.UNTOUCHED:
            self.named.pop(job.pk, None)
            self.rows.appendleft(job)
        elif event.told is Told.DOUBTFUL:
            self.counts["doubtful"] += 1
            self._note_silence(line)
        else:
            self._note_answer(job, event)

    def _note_answer(self, job: Job, event: Event[Job]) -> None:
        self.named.pop(job.pk, None)
        if job.pk not in self.marked:
            job.attempts += 1
        self.marked.discard(job.pk)
        self.counts[event.told.name.lower()] += 1
        if event.told is Told.ACCEPTED:
            self.outcomes.append(accepted(job, event.reply))
            self._note_success()
        elif event.told is Told.BROKEN:
            self.outcomes.append(broke_off(job, event.phase, event.reply, is_emergency=self.is_emergency))
        else:
            outcome = refused(job, event.phase, event.reply, is_emergency=self.is_emergency)
            self.outcomes.append(outcome)
            if outcome.result is None:
                self._note_trouble(MailServerTrouble(f"{event.reply.code} {event.reply.text}"))

    def _note_success(self) -> None:
        self.silent_since = 0.0
        if not self.has_answered:
            self.has_answered = True
            clear_trouble(self.broadcast.pk)

    def _note_silence(self, line: Line) -> None:
        """A server that twice in a row takes an email without a word is in trouble."""
        if self.silent_since and not line.messages and line.opened_at > self.silent_since:
            self._note_trouble(MailServerTrouble(_("The mail server takes emails without saying so.")))
        self.silent_since = line.opened_at

    def _note_trouble(self, trouble: MailServerTrouble) -> None:
        """No more is said; what is being said is heard to its end."""
        self.trouble = self.trouble or trouble

    # --- the end ------------------------------------------------------------------------------------------

    def _drop_rows(self) -> None:
        for line in self.lines:
            if line.job is not None:
                self.named.pop(line.job.pk, None)
                line.withdraw()
        self.rows.clear()

    def _give_back(self) -> None:
        """A row in doubt keeps its mark: only its own outcome, a report or the sweep ends the doubt."""
        if self.outcomes:
            self._write([])
            self.outcomes = []
        release_lease(self.token, timezone.now())
