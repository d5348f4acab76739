"""Hand one batch over, message by message, so that a kill at any point leaves at most one of them in doubt."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from broadcasts.addresses import wire_address
from broadcasts.composing.compiling import CompiledBroadcast, Recipient
from broadcasts.composing.headers import envelope_sender
from broadcasts.delivering.claiming import Batch, release_claims, renew_lease
from broadcasts.delivering.ledger import Outcome, mark_in_doubt, write_outcomes
from broadcasts.delivering.replies import Reply, classify
from broadcasts.delivering.retrying import next_attempt
from broadcasts.delivering.smtp import MailServerTrouble, RecipientRefused, SmtpConnection
from broadcasts.models import Attempt, Broadcast, Delivery
from broadcasts.results import Result
from broadcasts.tokens import make_token


class BatchSender:
    """One batch over one connection. An outcome is written together with the next message's mark."""

    def __init__(self, broadcast: Broadcast, compiled: CompiledBroadcast, connection: SmtpConnection) -> None:
        self.broadcast, self.compiled, self.connection = broadcast, compiled, connection
        self.outcomes: list[Outcome] = []

    def send(self, batch: Batch) -> None:
        """Every row, or until the server is in trouble; then the rest is given back.

        Raises MailServerTrouble, or InDoubt when the connection died after a message was written.
        """
        self.renew_at = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS / 2)
        self.batch = batch
        try:
            for delivery in batch.deliveries:
                self._hand_over(delivery)
        finally:
            # A row in doubt keeps its mark: only its own outcome, a report or the sweep ends the doubt.
            self._flush()
            release_claims(batch.token)

    def _hand_over(self, delivery: Delivery) -> None:
        message = self.compiled.message_for(Recipient(delivery.pk, delivery.name, delivery.email, delivery.language))
        try:
            self.connection.name_recipient(
                envelope_sender(self.broadcast, delivery.pk),
                wire_address(delivery.email),
                make_token(delivery.pk, "bounce"),
            )
        except RecipientRefused as refusal:
            delivery.attempts += 1
            self._note_refusal(delivery, refusal)
            return
        if not self._mark(delivery):
            self.connection.forget_recipient()
            return
        try:
            self.connection.announce_message()
            reply = self.connection.write_message(message)
        except RecipientRefused as refusal:
            self._note_refusal(delivery, refusal)
        except MailServerTrouble as trouble:
            self._note_trouble(delivery, str(trouble))
            raise
        else:
            self._note_accepted(delivery, reply)

    def _mark(self, delivery: Delivery) -> bool:
        now = timezone.now()
        if now >= self.renew_at:
            renew_lease(self.batch.token, now)
            self.renew_at = now + timedelta(seconds=settings.LEASE_SECONDS / 2)
        outcomes, self.outcomes = self.outcomes, []
        return mark_in_doubt(self.batch.token, delivery, now, outcomes)

    def _flush(self) -> None:
        outcomes, self.outcomes = self.outcomes, []
        write_outcomes(self.batch.token, outcomes)

    def _note_refusal(self, delivery: Delivery, refusal: RecipientRefused) -> None:
        reply = refusal.reply
        meaning = classify(reply.code, reply.enhanced, reply.text)
        attempt = self._attempt(delivery, Attempt.Outcome.REFUSED, refusal.phase, reply)
        attempt.result, attempt.rule = meaning.result, meaning.rule
        if meaning.result in (None, Result.SOFT_BOUNCED):
            self.outcomes.append(self._try_again(delivery, attempt))
        else:
            self.outcomes.append(Outcome(attempt))
        if meaning.result is None:
            raise MailServerTrouble(f"{reply.code} {reply.text}")

    def _try_again(self, delivery: Delivery, attempt: Attempt) -> Outcome:
        broadcast_type = self.broadcast.broadcast_type
        is_emergency = broadcast_type is not None and broadcast_type.is_emergency
        again = next_attempt(delivery.attempts, is_emergency=is_emergency, now=timezone.now())
        attempt.outcome = Attempt.Outcome.DEFERRED
        if again is None:
            attempt.result = Result.BOUNCED
            return Outcome(attempt, note=Delivery.Note.GAVE_UP)
        return Outcome(attempt, again)

    def _note_trouble(self, delivery: Delivery, words: str) -> None:
        """The connection broke before the server could have taken the message: nobody's fault, due again."""
        attempt = self._attempt(delivery, Attempt.Outcome.DEFERRED, "data", Reply(0, "", words))
        self.outcomes.append(Outcome(attempt, timezone.now()))

    def _note_accepted(self, delivery: Delivery, reply: Reply) -> None:
        attempt = self._attempt(delivery, Attempt.Outcome.ACCEPTED, "body", reply)
        attempt.result = Result.SENT
        self.outcomes.append(Outcome(attempt))

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
