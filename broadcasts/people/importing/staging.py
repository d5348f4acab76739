"""Reading an import's file into the staging tables, a few thousand rows at a time, then comparing it."""

from datetime import datetime, timedelta

from django.db import OperationalError, transaction
from django.db.models import Model, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.models import (
    EmailAddress,
    Import,
    ImportedTypes,
    MatchCandidate,
    Person,
    StagedAddress,
    StagedGuardian,
    StagedPerson,
)
from broadcasts.people.columns import UnreadableFile
from broadcasts.people.importing.comparing import compare
from broadcasts.people.importing.comparing_guardians import unite_repetitions
from broadcasts.people.importing.loading import load_rows, next_keys, settle_statistics
from broadcasts.people.importing.rejecting import reject_contradictions
from broadcasts.people.importing.row_values import (
    ADDRESS_FIELDS,
    GUARDIAN_FIELDS,
    PERSON_FIELDS,
    address_values,
    guardian_values,
    person_values,
)
from broadcasts.people.importing.rows import GuardianRow, PersonRow, Source
from broadcasts.people.importing.summarising import find_warnings, summarise

CHUNK = 4_000
# A worker that gave a sign of life this recently is still at it.
PATIENCE = timedelta(minutes=1)
STAGED: tuple[type[Model], ...] = (StagedPerson, StagedAddress, StagedGuardian, ImportedTypes, MatchCandidate)
Status = Import.Status


class _TakenOver(Exception):
    """Another worker has this import now, or somebody discarded it."""


def start_staging(import_: Import) -> bool:
    """The columns are matched, or matched anew: a worker is to read the file. Enqueue `stage` on commit.

    False: it is not at that point (any more).
    """
    ready = (Status.UPLOADED, Status.CHECKED, Status.REFUSED)
    found = Import.objects.filter(pk=import_.pk, status__in=ready)
    return found.update(status=Status.STAGING, worked_on_at=None, asked_at=None, done_count=0, problem="") == 1


def stage_import(import_id: int, source: Source) -> bool:
    """From uploaded or staging to checked, or to refused with the problem. Safe to repeat after a kill.

    False: it is not to be read, or another worker is reading it.
    """
    mark = timezone.now()
    if not _claim(import_id, source, mark):
        return False
    import_ = Import.objects.get(pk=import_id)
    delete_staged(import_id)
    try:
        stager = _Stager(import_, mark)
        stager.read(source)
        _check(import_, source, stager.mark)
    except UnreadableFile as error:
        delete_staged(import_id)
        refuse_import(import_id, str(error))
    except _TakenOver:
        return False
    except OperationalError:
        raise  # the database went away or is busy: the sweep asks again
    except Exception:
        refuse_import(import_id, _("Messenger met an error of its own with this file; its log says more."))
        raise
    return True


def refuse_import(import_id: int, problem: str) -> None:
    """The whole file is of no use; the problem says why to whoever uploaded it."""
    Import.objects.filter(pk=import_id, status__in=(Status.UPLOADED, Status.STAGING)).update(
        status=Status.REFUSED, problem=problem, worked_on_at=timezone.now()
    )


def delete_staged(import_id: int) -> None:
    """What an import has in the staging tables, that is personal data."""
    for model in STAGED:
        rows = model._default_manager.filter(of_import=import_id)  # noqa: SLF001
        rows._raw_delete(rows.db)  # noqa: SLF001


def is_idle(now: datetime) -> Q:
    return Q(worked_on_at=None) | Q(worked_on_at__lt=now - PATIENCE)


def _claim(import_id: int, source: Source, now: datetime) -> bool:
    ready = Import.objects.filter(Q(is_idle(now), status=Status.STAGING) | Q(status=Status.UPLOADED), pk=import_id)
    return bool(
        ready.update(
            status=Status.STAGING,
            worked_on_at=now,
            done_count=0,
            total_count=source.total,
            has_guardians=source.has_guardians,
            problem="",
            summary={},
            warnings=[],
        )
    )


class _Stager:
    """A chunk in hand. Each is stored together with the sign of life that says how far we are."""

    def __init__(self, import_: Import, mark: datetime) -> None:
        self.import_, self.mark, self.done = import_, mark, 0
        self.people: list[PersonRow] = []
        self.guardians: list[GuardianRow] = []

    def read(self, source: Source) -> None:
        for row in source.rows():
            if isinstance(row, PersonRow):
                self.people.append(row)
            else:
                self.guardians.append(row)
            if len(self.people) + len(self.guardians) >= CHUNK:
                self._store()
        self._store()

    @transaction.atomic
    def _store(self) -> None:
        self._show_progress()
        keys = next_keys(StagedPerson, len(self.people))
        people = [person_values(self.import_, key, row) for key, row in zip(keys, self.people, strict=True)]
        load_rows(StagedPerson, PERSON_FIELDS, people)
        addresses = (
            values
            for key, row in zip(keys, self.people, strict=True)
            for values in address_values(self.import_, key, row)
        )
        load_rows(StagedAddress, ADDRESS_FIELDS, addresses)
        load_rows(StagedGuardian, GUARDIAN_FIELDS, (guardian_values(self.import_, row) for row in self.guardians))
        self.people.clear()
        self.guardians.clear()

    def _show_progress(self) -> None:
        self.done += len(self.people)  # what a row says of guardians is no row of its own
        now = timezone.now()
        ours = Import.objects.filter(pk=self.import_.pk, status=Status.STAGING, worked_on_at=self.mark)
        if not ours.update(worked_on_at=now, done_count=self.done):
            raise _TakenOver
        self.mark = now


def _check(import_: Import, source: Source, mark: datetime) -> None:
    settle_statistics(StagedPerson, StagedAddress, StagedGuardian, Person, EmailAddress)
    with transaction.atomic():
        # Held until the end: however long it takes, no other worker takes the rows away meanwhile.
        if not Import.objects.select_for_update().filter(pk=import_.pk, status=Status.STAGING, worked_on_at=mark):
            raise _TakenOver
        repeated = reject_contradictions(import_)
        unite_repetitions(import_)
        compare(import_)
        summary = summarise(import_)
        problem = "" if any(summary[action] for action in ("new", "changed", "unchanged")) else _nobody(summary)
        Import.objects.filter(pk=import_.pk).update(
            status=Status.REFUSED if problem else Status.CHECKED,
            problem=problem,
            summary=summary,
            warnings=source.warnings.as_json() + find_warnings(import_, summary, repeated),
            worked_on_at=timezone.now(),
        )


def _nobody(summary: dict[str, int]) -> str:
    if summary["rejected"]:
        return _(
            "No row of the file can be used. The rows and the reasons are below; correct the file and upload it."
        )
    return _("There is nobody in the file.")
