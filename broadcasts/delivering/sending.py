"""Hand one batch over, message by message, so that a kill at any point leaves at most one of them in doubt."""

from datetime import timedelta

from django.utils import timezone

from broadcasts.addresses import wire_address
from broadcasts.composing.compiling import CompiledBroadcast, Recipient
from broadcasts.composing.headers import envelope_sender
from broadcasts.delivering.claiming import Batch, release_claims, renew_lease
from broadcasts.delivering.ledger import Outcome, mark_in_doubt, write_outcomes
from broadcasts.delivering.replies import Reply, classify
from broadcasts.delivering.retrying import next_attempt
from broadcasts.delivering.smtp import ConversationBroken, MailServerTrouble, RecipientRefused, SmtpConnection
from broadcasts.delivering.trouble import clear_trouble
from broadcasts.models import Attempt, Broadcast, Delivery
from broadcasts.results import Result
from broadcasts.tokens import make_token

# A server that breaks off over the same recipient this often says something about the recipient.
MOST_BREAKS = 3
AFTER_A_BREAK = timedelta(seconds=15)
AFTER_OUR_FAULT = timedelta(hours=1)
# What is known is written at the latest after this time, also while a server takes long to refuse.
WRITE_EVERY = timedelta(seconds=3)


class OurFault(MailServerTrouble):
    """The server refuses us, whoever the recipient is: somebody must look after it."""


class LeaseLost(Exception):
    """Others have our rows by now."""


class BatchSender:
    """One batch over one connection. An outcome is written together with the next message's mark."""

    def __init__(self, broadcast: Broadcast, compiled: CompiledBroadcast, connection: SmtpConnection) -> None:
        self.broadcast, self.compiled, self.connection = broadcast, compiled, connection
        self.outcomes: list[Outcome] = []

    def send(self, batch: Batch) -> None:
        """Every row, or until the server is in trouble; then the rest is given back.

        Raises MailServerTrouble, or InDoubt when the connection died after a message was written.
        """
        self.batch = batch
        self.kept_up_at = timezone.now()
        try:
            for delivery in batch.deliveries:
                self._keep_up()
                self._hand_over(delivery)
        except LeaseLost:
            return
        finally:
            # A row in doubt keeps its mark: only its own outcome, a report or the sweep ends the doubt.
            self._flush()
            release_claims(batch.token)

    def _keep_up(self) -> None:
        """A slow server must not make a live worker lose its rows, nor what it has learnt of them."""
        now = timezone.now()
        if now - self.kept_up_at < WRITE_EVERY:
            return
        self.kept_up_at = now
        self._flush()
        if not renew_lease(self.batch.token, self.broadcast.pk, now):
            raise LeaseLost

    def _hand_over(self, delivery: Delivery) -> None:
        message = self.compiled.message_for(Recipient(delivery.pk, delivery.name, delivery.email, delivery.language))
        try:
            self._name_recipient(delivery)
            if not self._mark(delivery):
                self.connection.forget_recipient()
                return
            self.connection.announce_message()
            reply = self.connection.write_message(message)
        except RecipientRefused as refusal:
            delivery.attempts += refusal.phase == "rcpt"
            self._note_refusal(delivery, refusal)
        except ConversationBroken as broken:
            delivery.attempts += broken.phase == "rcpt"
            self._note_break(delivery, broken)
            raise
        else:
            self._note_accepted(delivery, reply)

    def _name_recipient(self, delivery: Delivery) -> None:
        self.connection.name_recipient(
            envelope_sender(self.broadcast, delivery.pk),
            wire_address(delivery.email),
            make_token(delivery.pk, "bounce"),
        )

    def _mark(self, delivery: Delivery) -> bool:
        marked = mark_in_doubt(self.batch.token, delivery, timezone.now(), self.outcomes)
        self.outcomes = []  # only now: a database error leaves them to the flush
        return marked

    def _flush(self) -> None:
        if self.outcomes:
            write_outcomes(self.batch.token, self.outcomes)
            self.outcomes = []

    def _note_refusal(self, delivery: Delivery, refusal: RecipientRefused) -> None:
        reply = refusal.reply
        meaning = classify(reply.code, reply.enhanced, reply.text, refusal.phase)
        attempt = self._attempt(delivery, Attempt.Outcome.REFUSED, refusal.phase, reply)
        attempt.result, attempt.rule = meaning.result, meaning.rule
        if meaning.result is None:
            self.outcomes.append(Outcome(attempt, timezone.now() + AFTER_OUR_FAULT))
            raise OurFault(f"{reply.code} {reply.text}")
        self.outcomes.append(
            self._try_again(delivery, attempt) if meaning.result == Result.SOFT_BOUNCED else Outcome(attempt)
        )

    def _note_break(self, delivery: Delivery, broken: ConversationBroken) -> None:
        """Nobody's fault at first, and others go first; repeated, a temporary failure of this recipient."""
        attempt = self._attempt(delivery, Attempt.Outcome.DEFERRED, broken.phase, broken.reply)
        if delivery.attempts >= MOST_BREAKS:
            attempt.result = Result.SOFT_BOUNCED
            self.outcomes.append(self._try_again(delivery, attempt))
        else:
            self.outcomes.append(Outcome(attempt, timezone.now() + AFTER_A_BREAK * delivery.attempts))

    def _note_accepted(self, delivery: Delivery, reply: Reply) -> None:
        attempt = self._attempt(delivery, Attempt.Outcome.ACCEPTED, "body", reply)
        attempt.result = Result.SENT
        self.outcomes.append(Outcome(attempt))
        if self.connection.messages == 1:
            clear_trouble(self.broadcast.pk)

    def _try_again(self, delivery: Delivery, attempt: Attempt) -> Outcome:
        broadcast_type = self.broadcast.broadcast_type
        is_emergency = broadcast_type is not None and broadcast_type.is_emergency
        again = next_attempt(delivery.attempts, is_emergency=is_emergency, now=timezone.now())
        attempt.outcome = Attempt.Outcome.DEFERRED
        if again is None:
            attempt.result = Result.BOUNCED
            return Outcome(attempt, note=Delivery.Note.GAVE_UP)
        return Outcome(attempt, again)

    def _attempt(self, delivery: Delivery, outcome: Attempt.Outcome, phase: str, reply: Reply) -> Attempt:
        return Attempt(
            delivery=delivery,
            number=delivery.attempts,
            at=timezone.now(),
            outcome=outcome,
            phase=phase,
            code=reply.code or None,
            enhanced_code=reply.enhanced,
            text=reply.text,
        )
