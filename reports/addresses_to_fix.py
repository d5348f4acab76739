"""Which people's addresses do not work: not at the last broadcast, or not at several in a row."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Q, QuerySet, Window
from django.db.models.functions import RowNumber

from broadcasts.addresses import explain_invalid
from broadcasts.models import Delivery, EmailAddress, Person, User
from broadcasts.people.directory import in_chunks
from broadcasts.results import Result
from reports.failing_addresses import STOPPED_BY_US, along_indexes, failing_addresses
from reports.reasons import MISTYPED, Fault, Reason, explain_failures

# What says something about an address. Unsent and Soft Bounced may still become anything.
VERDICTS = (Result.SENT, Result.BOUNCED, Result.FAILED, Result.DELIVERED, Result.OPENED)
# One Bounced may have passed by the next time.
BOUNCES_IN_A_ROW = 2


def _says_something(row: str = "") -> Q:
    return Q(**{f"{row}result__in": VERDICTS}) & ~Q(**{f"{row}note__in": STOPPED_BY_US})


@dataclass(frozen=True)
class Trial:
    """How one broadcast fared at an address: by the row that carried the email, for a Duplicate too."""

    address: int
    broadcast: int
    carrier: int
    result: int
    at: datetime | None
    is_late: bool

    @property
    def has_failed(self) -> bool:
        return self.is_late or self.result in (Result.FAILED, Result.BOUNCED)


@dataclass(frozen=True)
class Suspect:
    """An address that may not work."""

    pk: int
    address: str
    person: str
    is_valid: bool
    confirmed_at: datetime | None


@dataclass(frozen=True)
class ToFix:
    address: Suspect
    reason: Reason
    at: datetime | None  # when it failed last; None: nothing was ever sent to it
    is_late: bool  # it counted as arrived first


class AddressesToFix:
    """All of them that this user may see."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.deliveries = Delivery.objects.visible_to(user)

    @cached_property
    def found(self) -> list[ToFix]:
        """Newest first; what nobody ever wrote to comes last."""
        failed = self._failed
        carriers = {trial.carrier for trial in failed.values() if trial}
        reasons = explain_failures(_read(carriers))
        found = [
            ToFix(
                suspect,
                _reason(suspect, trial, reasons),
                at=trial.at if trial else None,
                is_late=trial is not None and trial.is_late,
            )
            for suspect in self._suspects
            if suspect.pk in failed
            for trial in [failed[suspect.pk]]
        ]
        return sorted(found, key=lambda one: (one.at is not None, one.at, one.address.pk), reverse=True)

    def matching(self, text: str) -> list[ToFix]:
        """Those whose name or address contains each of these words."""
        words = text.casefold().split()
        return [
            one
            for one in self.found
            if all(word in f"{one.address.person} {one.address.address}".casefold() for word in words)
        ]

    def count(self) -> int:
        return len(self._failed)

    @cached_property
    def _failed(self) -> Mapping[int, Trial | None]:
        """Address → the last trial, of those that do not work; None where the directory alone says so."""
        with along_indexes():
            trials = self._last_trials([suspect.pk for suspect in self._suspects])
        failed: dict[int, Trial | None] = {}
        for suspect in self._suspects:
            last = trials.get(suspect.pk, [])
            if _is_failing(suspect, last):
                failed[suspect.pk] = last[0]
            elif not suspect.is_valid:
                failed[suspect.pk] = None
        return failed

    @cached_property
    def _suspects(self) -> Sequence[Suspect]:
        """In use, and an email came back from them and none arrived since; or nobody can write to them at all."""
        in_use = EmailAddress.objects.filter(is_active=True, replaced_by=None, person__is_active=True)
        mine = in_use.filter(person__in=Person.objects.visible_to(self.user).order_by().values("pk"))
        suspected = mine.filter(Q(is_valid=False) | Q(pk__in=failing_addresses(self.deliveries)))
        fields = ("pk", "address", "person__name", "is_valid", "confirmed_at")
        return [Suspect(*row) for row in suspected.order_by("pk").values_list(*fields)]

    def _last_trials(self, addresses: Iterable[int]) -> Mapping[int, list[Trial]]:
        """The last ones of each address, newest first."""
        trials: dict[int, list[Trial]] = defaultdict(list)
        for chunk in in_chunks(addresses):
            nth = Window(RowNumber(), partition_by=["address"], order_by="-pk")
            rows = trials_of(self.deliveries.filter(address__in=chunk)).annotate(nth=nth)
            for trial in read_trials(rows.filter(nth__lte=BOUNCES_IN_A_ROW)):
                trials[trial.address].append(trial)
        return trials


def trials_of(rows: "QuerySet[Delivery]") -> "QuerySet[Delivery]":
    carried = Q(result=Result.DUPLICATE) & _says_something("duplicate_of__")
    return rows.filter(_says_something() | carried).order_by("-pk")


def read_trials(rows: "QuerySet[Delivery]") -> Iterator[Trial]:
    own = ("pk", "result", "last_attempt_at", "late_bounce_at")
    fields = [*own, *(f"duplicate_of__{name}" for name in own)]
    for address, broadcast, prepared_at, *facts in rows.values_list(
        "address", "broadcast", "broadcast__prepared_at", *fields
    ):
        carrier, result, tried_at, late_at = facts[4:] if facts[4] else facts[:4]
        yield Trial(address, broadcast, carrier, result, late_at or tried_at or prepared_at, late_at is not None)


def _is_failing(suspect: Suspect, trials: Sequence[Trial]) -> bool:
    """Whether it works is settled by its last trial, or by somebody who said so since."""
    since = suspect.confirmed_at
    trials = [trial for trial in trials if not (since and trial.at and since > trial.at)]
    if not trials or not trials[0].has_failed:
        return False
    if trials[0].result == Result.BOUNCED:
        return len(trials) == BOUNCES_IN_A_ROW and all(trial.has_failed for trial in trials)
    return True


def _reason(suspect: Suspect, trial: Trial | None, reasons: Mapping[int, Reason]) -> Reason:
    if trial and suspect.is_valid:
        return reasons[trial.carrier]
    return Reason(Fault.ADDRESS, explain_invalid(suspect.address) or MISTYPED.words)


def _read(carriers: Iterable[int]) -> list[Delivery]:
    fields = Delivery.objects.only("result", "note", "late_bounce_reason")
    return [row for chunk in in_chunks(carriers) for row in fields.filter(pk__in=chunk)]


@dataclass(frozen=True)
class Run:
    """The broadcasts in a row that did not reach an address, up to the last one."""

    missed: int
    since: datetime | None
    last: int  # the broadcast


def runs_of(deliveries: "QuerySet[Delivery]", addresses: Mapping[int, datetime | None]) -> Mapping[int, Run]:
    """`addresses`: each with the moment when somebody confirmed it, before which nothing counts."""
    runs: dict[int, list[Trial]] = {pk: [] for pk in addresses}
    over = set()
    for trial in read_trials(trials_of(deliveries.filter(address__in=addresses))):
        confirmed_at = addresses[trial.address]
        if not trial.has_failed or (confirmed_at and trial.at and confirmed_at > trial.at):
            over.add(trial.address)
        elif trial.address not in over:
            runs[trial.address].append(trial)
    return {
        pk: Run(len({trial.broadcast for trial in run}), run[-1].at, run[0].broadcast)
        for pk, run in runs.items()
        if run
    }
