"""Hand the rows of one broadcast over to a provider's API, several requests at once.

The rhythm is that of SMTP: one commit writes what has been answered and marks exactly the emails of the requests that
leave next. Only then do these leave. A kill leaves in doubt what stands in the open requests, and nothing else.
"""

from collections import deque
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

from django.conf import settings
from django.utils.translation import gettext as _

from broadcasts.addresses import needs_smtputf8
from broadcasts.composing.compiling import CompiledBroadcast
from broadcasts.delivering.answers import not_writable
from broadcasts.delivering.claiming import Job
from broadcasts.delivering.holding import BATCH, LONGEST_WAIT_SECONDS, Holding
from broadcasts.delivering.ledger import take_back_marks
from broadcasts.delivering.limits import Limits
from broadcasts.delivering.outlasting import outlast
from broadcasts.delivering.providers.asking import Answer, ask
from broadcasts.delivering.providers.messages import Messages
from broadcasts.delivering.providers.outcomes import outcome_of
from broadcasts.delivering.providers.said import Said
from broadcasts.delivering.providers.table import Provider
from broadcasts.delivering.trouble import MailServerTrouble
from broadcasts.models import Broadcast

Share = list[Job]  # the emails of one request


class ProviderSending(Holding):
    """One worker's share of one broadcast, from claiming to outcomes."""

    def __init__(self, broadcast: Broadcast, compiled: CompiledBroadcast, provider: Provider, limits: Limits) -> None:
        super().__init__(broadcast, compiled, limits)
        self.provider = provider
        self.messages = Messages(compiled, provider)
        self.size = self.messages.per_request
        self.batch = max(BATCH, 2 * self.size)
        self.most = max(1, settings.DELIVERING_CONNECTIONS)
        self.pool = ThreadPoolExecutor(self.most, "asking")
        self.shares: deque[Share] = deque()  # of a request that was refused for one of its emails
        self.asked: dict[Future[Answer], Share] = {}
        self.doubtful: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pool.shutdown(wait=True, cancel_futures=True)

    def _is_busy(self) -> bool:
        return bool(self.asked or self.shares)

    def _spoken_of(self) -> list[int]:
        shares = [*self.shares, *self.asked.values()]
        return [*(row.pk for share in shares for row in share), *self.doubtful]

    def _drop_rows(self) -> None:
        self._take_no_more()

    def _take_no_more(self) -> None:
        self.shares.clear()
        super()._take_no_more()

    def _go_on(self) -> None:
        self._ask()
        self._hear(LONGEST_WAIT_SECONDS)
        if self._is_late():
            self._write([])
            self._keep_up()

    def _hear(self, seconds: float) -> None:
        done, _waiting = wait(self.asked, seconds, FIRST_COMPLETED)
        for future in done:
            self._take(self.asked.pop(future), future.result())

    # --- rows in, requests out ----------------------------------------------------------------------------

    def _ask(self) -> None:
        """The first request shows whether the provider does its work; then others go beside it."""
        room = self.most - len(self.asked) if self.has_answered else 1 - len(self.asked)
        shares = [share for _ in range(room) if (share := self._next_share())]
        if not shares:
            return
        marked = self._write([row.pk for share in shares for row in share])
        for share in shares:
            ours = [row for row in share if row.pk in marked]
            for row in ours:
                row.attempts += 1
            if ours:
                self.limits.count("", len(ours))
                self.asked[self.pool.submit(ask, self.messages, ours)] = ours

    def _next_share(self) -> Share:
        if self.shares:
            return self.shares.popleft()
        if not self.rows:
            return []
        is_probing = self.broadcast.trouble_since is not None and not self.has_answered
        size, texts = 1 if is_probing else self.size, self.messages.texts_of(self.rows[0])
        share: Share = []
        others: Share = []
        while self.rows and len(share) < size:
            row = self.rows.popleft()
            if needs_smtputf8(row.email):
                self._note_not_writable(row)
                continue
            (share if self.messages.texts_of(row) is texts else others).append(row)
        self.rows.extendleft(reversed(others))
        return share

    def _note_not_writable(self, row: Job) -> None:
        """Few of them take such an address, and one that does not may refuse a whole request for it."""
        row.attempts += 1
        self.counts["not writable"] += 1
        self.outcomes.append(not_writable(row, is_for_now=False, is_emergency=self.is_emergency))

    # --- answers ------------------------------------------------------------------------------------------

    def _take(self, share: Share, answer: Answer) -> None:
        if answer.trouble:
            self._take_back(share)
            self._note_trouble(answer.trouble)
        elif answer.doubt:
            # The next one would be in doubt as well, with all its emails.
            self.doubtful += [row.pk for row in share]
            self.counts["doubtful"] += len(share)
            self._note_trouble(MailServerTrouble(answer.doubt))
        elif answer.refusal and len(share) > 1:
            self._take_back(share)
            half = len(share) // 2
            self.shares.extendleft([share[half:], share[:half]])
        else:
            said = {share[0].pk: answer.refusal} if answer.refusal else answer.said
            self._note_answers(share, said)

    def _note_answers(self, share: Share, said: Mapping[int, Said]) -> None:
        for row in share:
            outcome = outcome_of(row, said[row.pk], is_emergency=self.is_emergency) if row.pk in said else None
            if outcome is None:
                self.doubtful.append(row.pk)
                self._note_trouble(
                    MailServerTrouble(_("The email provider does not say whether it took some emails."))
                )
                continue
            self._note_outcome(outcome)
            self.counts[outcome.outcome.value] += 1
            if outcome.result is None:
                words = _("The email provider refuses an email: %(code)s %(text)s")
                about = {"code": outcome.code or "", "text": outcome.text[:200]}
                self._note_trouble(MailServerTrouble(words % about))
            else:
                self._note_success()

    def _take_back(self, share: Share) -> None:
        """Nothing of it left, and that is certain."""
        outlast(lambda: take_back_marks(self.token, [row.pk for row in share]), settings.LEASE_SECONDS)
        self.limits.count("", -len(share))
        for row in share:
            row.attempts -= 1
