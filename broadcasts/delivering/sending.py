"""Hand the rows of one broadcast over, many conversations at once, so that a kill leaves at most one in doubt each.

One commit serves many conversations: it writes what has been answered and marks the messages that are to leave next.
While it runs, answers pile up for the next one; a conversation that is kept waiting holds up nobody but itself.
"""

import logging
from collections import deque
from datetime import datetime

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.addresses import needs_smtputf8, recipient_address
from broadcasts.composing.compiling import CompiledBroadcast
from broadcasts.composing.headers import envelope_sender
from broadcasts.delivering.answers import accepted, broke_off, not_writable, not_written, refused
from broadcasts.delivering.backing_off import SLOW_DOMAINS, domain_of
from broadcasts.delivering.claiming import Job, put_off_claims
from broadcasts.delivering.conversing import Conversation, Event, Told
from broadcasts.delivering.holding import LONGEST_WAIT_SECONDS, MOST_WAITING_OUTCOMES, Holding
from broadcasts.delivering.ledger import Outcome
from broadcasts.delivering.limits import Limits
from broadcasts.delivering.lines import Lines
from broadcasts.delivering.outlasting import outlast
from broadcasts.delivering.smtp import Envelope
from broadcasts.delivering.trouble import MailServerTrouble
from broadcasts.models import Broadcast
from broadcasts.tokens import make_token

# So many rows in hand are worth another conversation.
ROWS_FOR_A_LINE = 5
GATHER_SECONDS = 0.003

Line = Conversation[Job]
log = logging.getLogger(__name__)


class Sending(Holding):
    """One worker's share of one broadcast, from claiming to outcomes."""

    def __init__(self, broadcast: Broadcast, compiled: CompiledBroadcast, lines: Lines[Job], limits: Limits) -> None:
        super().__init__(broadcast, compiled, limits)
        self.lines = lines
        self.named: dict[int, Line] = {}  # by row: the server awaits the message
        self.marked: set[int] = set()  # their messages left, or are about to; no answer is written yet
        self.international: deque[Job] = deque()  # for lines that take addresses in UTF-8; of most broadcasts none
        self.put_off: dict[datetime, list[int]] = {}  # rows of domains that want email more slowly
        self.silent_since = 0.0  # conversations opened before the last silence prove nothing new

    def _go_on(self) -> None:
        self._say_what_can_be_said()
        self._hear(LONGEST_WAIT_SECONDS)
        if 0 < len(self.named) < len(self.lines) // 2:
            self._hear(GATHER_SECONDS)  # a commit costs little more for many than for one
        self._record()

    def _hear(self, seconds: float) -> None:
        for line in self.lines.wait(seconds):
            self._listen(line)

    # --- rows in, messages out ----------------------------------------------------------------------------

    def _is_busy(self) -> bool:
        is_talking = any(line.job or line.on_wire for line in self.lines) or any(line.events for line in self.lines)
        return is_talking or bool(self.international)

    def _spoken_of(self) -> list[int]:
        named = (line.job.pk for line in self.lines if line.job)
        put_off = (pk for ids in self.put_off.values() for pk in ids)
        return [*named, *self.marked, *put_off, *(job.pk for job in self.international)]

    def _say_what_can_be_said(self) -> None:
        if not (self.rows or self.international):
            return
        wanted = len(self.rows) // ROWS_FOR_A_LINE if self.has_answered else 1
        try:
            self.lines.have(max(1, wanted))
        except MailServerTrouble as trouble:
            self._note_trouble(trouble)
            return
        for line in self.lines:
            self._name_next(line)
        if self.international:
            self._see_to_international()

    def _name_next(self, line: Line) -> None:
        if line.can_name and self.limits.may_use(line.relay) and (job := self._next_row(line)):
            self.limits.count(line.relay)
            token = make_token(job.pk, "bounce")
            sender = envelope_sender(self.broadcast, token)
            line.name(job, Envelope(sender, recipient_address(job.email), token))

    def _next_row(self, line: Line) -> Job | None:
        """The next one that this line can write to, and whose domain may be written to now."""
        if self.international and line.takes_utf8:
            return self.international.popleft()
        now = timezone.now()
        while self.rows:
            job = self.rows.popleft()
            until = SLOW_DOMAINS.until(domain_of(job.email), now, is_emergency=self.is_emergency)
            if until is not None:
                self.put_off.setdefault(until, []).append(job.pk)
            elif line.takes_utf8 or not needs_smtputf8(job.email):
                return job
            else:
                self.international.append(job)
        return None

    def _see_to_international(self) -> None:
        """The lines that are open now cannot take them: another mail server's may, or nobody can."""
        try:
            if self.lines.have_for_utf8():
                for line in self.lines:
                    self._name_next(line)
                return
            is_for_now = False
        except MailServerTrouble:
            is_for_now = True
        for job in self.international:
            job.attempts += 1
            self.counts["not writable"] += 1
            # Not among the refusals in a row: no server has refused anything.
            self.outcomes.append(not_writable(job, is_for_now=is_for_now, is_emergency=self.is_emergency))
        self.international.clear()

    def _record(self) -> None:
        """One commit: outcomes, and marks of what stands ready. Only then do these messages leave."""
        self._put_off_rows()
        is_late = self._is_late()
        if not (self.named or is_late or self.refusals.are_many or len(self.outcomes) >= MOST_WAITING_OUTCOMES):
            return
        named = dict(self.named)
        marked = self._write(list(named))
        self.named = {}
        for pk, line in named.items():
            self._let_leave(line, is_marked=pk in marked)
        if is_late:
            self._keep_up()

    def _let_leave(self, line: Line, *, is_marked: bool) -> None:
        job = line.job
        if job is None:  # the conversation ended meanwhile
            return
        if is_marked and line.is_open:
            job.attempts += 1
            self.marked.add(job.pk)
            if message := self._message_for(job):
                line.transfer(message)
                self._name_next(line)
                return
        line.withdraw()

    def _message_for(self, job: Job) -> bytes:
        """Empty: it could not be written."""
        try:
            return self.compiled.message_for(job.recipient)
        except Exception:
            log.exception("Broadcast %s: the email of row %s could not be written", self.broadcast.pk, job.pk)
            self.marked.discard(job.pk)
            self._note_outcome(not_written(job))
            return b""

    # --- answers ------------------------------------------------------------------------------------------

    def _listen(self, line: Line) -> None:
        events, line.events = line.events, []
        for event in events:
            if event.job is not None:
                self._take(line, event.job, event)
            elif not line.answers and not any(one.told is Told.DOUBTFUL for one in events):
                # After some answers many servers close a conversation: another one goes on.
                self._note_trouble(MailServerTrouble(event.reply.text), line)

    def _take(self, line: Line, job: Job, event: Event[Job]) -> None:
        if event.told is Told.NAMED:
            self.named[job.pk] = line
        elif event.told is Told.UNTOUCHED:
            self.named.pop(job.pk, None)
            self.limits.count(line.relay, -1)
            self.rows.appendleft(job)
        elif event.told is Told.DOUBTFUL:
            self.counts["doubtful"] += 1
            self._note_silence(line)
        else:
            self._note_answer(line, job, event)

    def _note_answer(self, line: Line, job: Job, event: Event[Job]) -> None:
        self.named.pop(job.pk, None)
        if job.pk not in self.marked:
            job.attempts += 1
        self.marked.discard(job.pk)
        self.counts[event.told.name.lower()] += 1
        outcome = self._outcome_of(job, event)
        self._note_outcome(outcome)
        SLOW_DOMAINS.note(domain_of(job.email), outcome)
        if event.told is Told.ACCEPTED:
            self._note_success()
        elif event.told is Told.REFUSED and outcome.result is None:
            self._note_trouble(MailServerTrouble(f"{event.reply.code} {event.reply.text}"), line)

    def _outcome_of(self, job: Job, event: Event[Job]) -> Outcome:
        if event.told is Told.ACCEPTED:
            return accepted(job, event.reply)
        answer = broke_off if event.told is Told.BROKEN else refused
        return answer(job, event.phase, event.reply, is_emergency=self.is_emergency)

    def _note_success(self) -> None:
        self.silent_since = 0.0
        super()._note_success()

    def _note_silence(self, line: Line) -> None:
        """A server that twice in a row takes an email without a word is in trouble."""
        if self.silent_since and not line.messages and line.opened_at > self.silent_since:
            self._note_trouble(MailServerTrouble(_("The mail server takes emails without saying so.")), line)
        self.silent_since = line.opened_at

    def _note_trouble(self, trouble: MailServerTrouble, line: Line | None = None) -> None:
        trouble.relay = line.relay if line else ""
        super()._note_trouble(trouble)

    # --- the end ------------------------------------------------------------------------------------------

    def _take_no_more(self) -> None:
        self.international.clear()
        super()._take_no_more()

    def _drop_rows(self) -> None:
        self.international.clear()
        for line in self.lines:
            if line.job is not None:
                self.named.pop(line.job.pk, None)
                line.withdraw()
        super()._drop_rows()

    def _put_off_rows(self) -> None:
        for until, ids in self.put_off.items():
            put_off_claims(self.token, ids, until)
        self.put_off = {}

    def _give_back(self) -> None:
        outlast(self._put_off_rows, settings.LEASE_SECONDS)
        super()._give_back()
