"""Hand the rows of one broadcast over, many conversations at once, so that a kill leaves at most one in doubt each.

One commit serves many conversations: it writes what has been answered and marks the messages that are to leave next.
While it runs, answers pile up for the next one; a conversation that is kept waiting holds up nobody but itself.
"""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.addresses import wire_address
from broadcasts.composing.compiling import CompiledBroadcast, Recipient
from broadcasts.composing.headers import envelope_sender
from broadcasts.delivering.answers import accepted, broke_off, refused
from broadcasts.delivering.backing_off import SLOW_DOMAINS, domain_of
from broadcasts.delivering.claiming import claim_batch, put_off_claims, release_claims, renew_lease
from broadcasts.delivering.conversing import Conversation, Event, Told
from broadcasts.delivering.ledger import Outcome, record
from broadcasts.delivering.limits import Limits
from broadcasts.delivering.lines import Lines
from broadcasts.delivering.smtp import Envelope
from broadcasts.delivering.stopping import Refusals
from broadcasts.delivering.trouble import MailServerTrouble, clear_trouble
from broadcasts.models import Broadcast, Delivery
from broadcasts.tokens import make_token

BATCH = 200
# So many rows in hand are worth another conversation.
ROWS_FOR_A_LINE = 5
MOST_WAITING_OUTCOMES = 200
# What is known is written at the latest after this time, and the lease renewed.
WRITE_EVERY = timedelta(seconds=3)
LONGEST_WAIT_SECONDS = 1.0

Line = Conversation[Delivery]


class LeaseLost(Exception):
    """Others have our rows by now."""


class Sending:
    """One worker's share of one broadcast, from claiming to outcomes."""

    def __init__(
        self, broadcast: Broadcast, compiled: CompiledBroadcast, lines: Lines[Delivery], limits: Limits
    ) -> None:
        self.broadcast, self.compiled, self.lines, self.limits = broadcast, compiled, lines, limits
        kind = broadcast.broadcast_type
        self.is_emergency = kind is not None and kind.is_emergency
        self.token: UUID = uuid4()
        self.rows: deque[Delivery] = deque()  # ours, not spoken of yet
        self.named: dict[int, Line] = {}  # by row: the server awaits the message
        self.marked: set[int] = set()  # their attempt is counted already
        self.put_off: dict[datetime, list[int]] = {}  # rows of domains that want email more slowly
        self.outcomes: list[Outcome] = []
        self.refusals = Refusals(broadcast)
        self.is_stopped = False
        self.kept_up_at = timezone.now()
        self.trouble: MailServerTrouble | None = None
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
        except LeaseLost:
            return
        finally:
            self._give_back()
        if self.trouble:
            raise self.trouble

    # --- rows in, messages out ----------------------------------------------------------------------------

    def _take_rows(self, is_over: Callable[[], bool]) -> bool:
        if self.trouble or self.is_stopped or is_over():
            self._drop_rows()
        # Where there is a limit, nothing is claimed before it may leave.
        elif len(self.rows) < (1 if self.limits.there_are else BATCH // 2) and (size := self.limits.grant(BATCH)):
            self.rows += claim_batch(self.broadcast.pk, size, timezone.now(), self.token).deliveries
        return bool(self.rows)

    def _is_busy(self) -> bool:
        return any(line.job or line.on_wire for line in self.lines) or any(line.events for line in self.lines)

    def _say_what_can_be_said(self) -> None:
        if not self.rows:
            return
        wanted = len(self.rows) // ROWS_FOR_A_LINE if self.has_answered else 1
        used_up = sum(not self.limits.may_use(line.relay) for line in self.lines)
        try:
            self.lines.have(max(1, wanted) + used_up)
        except MailServerTrouble as trouble:
            self._note_trouble(trouble)
            return
        for line in self.lines:
            self._name_next(line)

    def _name_next(self, line: Line) -> None:
        if line.can_name and self.limits.may_use(line.relay) and (delivery := self._next_row()):
            self.limits.count(line.relay)
            sender = envelope_sender(self.broadcast, delivery.pk)
            line.name(delivery, Envelope(sender, wire_address(delivery.email), make_token(delivery.pk, "bounce")))

    def _next_row(self) -> Delivery | None:
        """The next one whose domain may be written to now."""
        now = timezone.now()
        while self.rows:
            delivery = self.rows.popleft()
            until = SLOW_DOMAINS.until(domain_of(delivery.email), now, is_emergency=self.is_emergency)
            if until is None:
                return delivery
            self.put_off.setdefault(until, []).append(delivery.pk)
        return None

    def _record(self) -> None:
        """One commit: outcomes, and marks of what stands ready. Only then do these messages leave."""
        now = timezone.now()
        self._put_off_rows()
        is_late = now - self.kept_up_at >= WRITE_EVERY
        if not (self.named or is_late or self.refusals.are_many or len(self.outcomes) >= MOST_WAITING_OUTCOMES):
            return
        named = self.named
        marked = record(self.token, self.outcomes, list(named), now)
        self.outcomes, self.named = [], {}  # only now: a database error leaves them to the end
        for pk, line in named.items():
            self._let_leave(line, is_marked=pk in marked)
        self.is_stopped = self.refusals.tell(now) or self.is_stopped
        if is_late:
            self._keep_up()

    def _let_leave(self, line: Line, *, is_marked: bool) -> None:
        delivery = line.job
        if delivery is None:  # the conversation ended meanwhile
            return
        if is_marked and line.is_open:
            delivery.attempts += 1
            self.marked.add(delivery.pk)
            line.transfer(self._message(delivery))
            self._name_next(line)
        else:
            line.withdraw()

    def _message(self, delivery: Delivery) -> bytes:
        return self.compiled.message_for(Recipient(delivery.pk, delivery.name, delivery.email, delivery.language))

    def _keep_up(self) -> None:
        """A slow server must not make a live worker lose its rows."""
        now = timezone.now()
        self.kept_up_at = now
        holds_rows = bool(self.rows) or self._is_busy()
        if not renew_lease(self.token, self.broadcast.pk, now) and holds_rows:
            raise LeaseLost

    # --- answers ------------------------------------------------------------------------------------------

    def _listen(self, line: Line) -> None:
        events, line.events = line.events, []
        for event in events:
            if event.job is not None:
                self._take(line, event.job, event)
            elif not line.answers and not any(one.told is Told.DOUBTFUL for one in events):
                # After some answers many servers close a conversation: another one goes on.
                self._note_trouble(MailServerTrouble(event.reply.text), line)

    def _take(self, line: Line, delivery: Delivery, event: "Event[Delivery]") -> None:
        if event.told is Told.NAMED:
            self.named[delivery.pk] = line
        elif event.told is Told.UNTOUCHED:
            self.named.pop(delivery.pk, None)
            self.limits.count(line.relay, -1)
            self.rows.appendleft(delivery)
        elif event.told is Told.DOUBTFUL:
            self._note_silence(line)
        else:
            self._note_answer(line, delivery, event)

    def _note_answer(self, line: Line, delivery: Delivery, event: "Event[Delivery]") -> None:
        self.named.pop(delivery.pk, None)
        if delivery.pk not in self.marked:
            delivery.attempts += 1
        self.marked.discard(delivery.pk)
        if event.told is Told.ACCEPTED:
            self.outcomes.append(accepted(delivery, event.reply))
            self._note_success()
        elif event.told is Told.BROKEN:
            self.outcomes.append(broke_off(delivery, event.phase, event.reply, is_emergency=self.is_emergency))
        else:
            outcome = refused(delivery, event.phase, event.reply, is_emergency=self.is_emergency)
            self.outcomes.append(outcome)
            if outcome.result is None:
                self._note_trouble(MailServerTrouble(f"{event.reply.code} {event.reply.text}"), line)
        self.refusals.note(self.outcomes[-1])
        SLOW_DOMAINS.note(domain_of(delivery.email), self.outcomes[-1])

    def _note_success(self) -> None:
        self.silent_since = 0.0
        if not self.has_answered:
            self.has_answered = True
            clear_trouble(self.broadcast.pk)

    def _note_silence(self, line: Line) -> None:
        """A server that twice in a row takes an email without a word is in trouble."""
        if self.silent_since and not line.messages and line.opened_at > self.silent_since:
            self._note_trouble(MailServerTrouble(_("The mail server takes emails without saying so.")), line)
        self.silent_since = line.opened_at

    def _note_trouble(self, trouble: MailServerTrouble, line: Line | None = None) -> None:
        """No more is said; what is being said is heard to its end."""
        trouble.relay = line.relay if line else ""
        self.trouble = self.trouble or trouble

    # --- the end ------------------------------------------------------------------------------------------

    def _drop_rows(self) -> None:
        for line in self.lines:
            if line.job is not None:
                self.named.pop(line.job.pk, None)
                line.withdraw()
        self.rows.clear()

    def _put_off_rows(self) -> None:
        for until, ids in self.put_off.items():
            put_off_claims(self.token, ids, until)
        self.put_off = {}

    def _give_back(self) -> None:
        """A row in doubt keeps its mark: only its own outcome, a report or the sweep ends the doubt."""
        if self.outcomes:
            record(self.token, self.outcomes, [], timezone.now())
            self.outcomes = []
            self.refusals.tell(timezone.now())
        self._put_off_rows()
        release_claims(self.token)
        self.limits.give_back()
