from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from broadcasts.models import Import, School, StagedAddress, StagedGuardian, StagedPerson
from broadcasts.people.importing import staging
from broadcasts.people.importing.loading import load_rows, next_keys
from broadcasts.people.importing.rows import GuardianRow, PersonRow
from broadcasts.people.importing.staging import stage_import, start_staging
from tests.broadcasts.people.importing.files import MemorySource, make_import, row, stage


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "CHUNK", 3)


class WatchedSource(MemorySource):
    """Calls back before each row."""

    def __init__(self, rows: list[Any], watch: Any) -> None:
        super().__init__(rows)
        self.watch = watch

    def rows(self) -> Iterator[PersonRow | GuardianRow]:
        for one in super().rows():
            self.watch()
            yield one


def people(school: School, count: int = 10) -> list[PersonRow]:
    return [row(school, str(number), f"Person {number}", [f"p{number}@home.example"]) for number in range(count)]


def test_progress_shows_while_the_file_is_read(lincoln: School) -> None:
    import_, seen = make_import(lincoln), []
    source = WatchedSource(
        people(lincoln), lambda: seen.append(Import.objects.values_list("status", "done_count", "total_count").get())
    )
    assert stage_import(import_.pk, source)
    assert seen[0] == ("staging", 0, 10)
    assert seen[-1] == ("staging", 9, 10)
    import_.refresh_from_db()
    assert (import_.status, import_.done_count) == ("checked", 10)


def test_progress_counts_rows_of_the_file_and_not_their_guardians(lincoln: School) -> None:
    links = [GuardianRow(str(student), str(guardian)) for student in (1, 2, 3) for guardian in (4, 5, 6, 7)]
    import_ = stage(lincoln, [*people(lincoln), *links])
    assert import_.done_count == len(people(lincoln))


def test_an_unreadable_file_is_refused_and_leaves_no_rows(lincoln: School) -> None:
    import_ = make_import(lincoln)
    assert stage_import(import_.pk, MemorySource(people(lincoln), breaks="users.csv, line 12: a quote is missing."))
    import_.refresh_from_db()
    assert (import_.status, import_.problem) == ("refused", "users.csv, line 12: a quote is missing.")
    assert not StagedPerson.objects.exists()
    assert not StagedAddress.objects.exists()


def test_an_empty_file_is_refused(lincoln: School) -> None:
    import_ = stage(lincoln, [])
    assert (import_.status, import_.problem) == ("refused", "There is nobody in the file.")


def test_what_a_killed_worker_left_is_replaced(lincoln: School) -> None:
    import_ = make_import(lincoln)

    def die() -> None:
        if StagedPerson.objects.count() == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stage_import(import_.pk, WatchedSource(people(lincoln), die))
    assert not stage_import(import_.pk, MemorySource(people(lincoln)))  # it may still be at it
    Import.objects.update(worked_on_at=timezone.now() - timedelta(minutes=2))
    assert stage_import(import_.pk, MemorySource(people(lincoln)))
    assert StagedPerson.objects.count() == 10
    assert StagedAddress.objects.count() == 10


def test_a_worker_that_was_taken_over_stops(lincoln: School) -> None:
    import_ = make_import(lincoln)

    def take_over() -> None:
        Import.objects.filter(done_count=6).update(worked_on_at=timezone.now() + timedelta(seconds=1))

    assert not stage_import(import_.pk, WatchedSource(people(lincoln), take_over))
    import_.refresh_from_db()
    assert (import_.status, StagedPerson.objects.count()) == ("staging", 6)


def test_a_worker_that_was_taken_over_at_the_end_checks_nothing(
    lincoln: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = make_import(lincoln)
    monkeypatch.setattr(
        staging, "settle_statistics", lambda *_models: Import.objects.update(worked_on_at=timezone.now())
    )
    assert not stage_import(import_.pk, MemorySource(people(lincoln)))
    import_.refresh_from_db()
    assert (import_.status, import_.summary) == ("staging", {})


def test_a_second_hint_does_nothing(lincoln: School) -> None:
    import_ = stage(lincoln, people(lincoln))
    assert not stage_import(import_.pk, MemorySource(people(lincoln)))


def test_columns_matched_anew_are_read_anew(lincoln: School) -> None:
    import_ = stage(lincoln, people(lincoln))
    assert start_staging(import_)
    assert not start_staging(import_)
    assert stage_import(import_.pk, MemorySource(people(lincoln, 4)))
    assert StagedPerson.objects.filter(of_import=import_).count() == 4


def test_an_error_of_our_own_refuses_the_file(lincoln: School) -> None:
    import_ = make_import(lincoln)

    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stage_import(import_.pk, WatchedSource(people(lincoln), fail))
    import_.refresh_from_db()
    assert import_.status == "refused"
    assert "an error of its own" in import_.problem


def test_a_readers_warnings_are_kept(lincoln: School) -> None:
    source = MemorySource(people(lincoln))
    source.warnings.add("dates are written as 1/05/2023", "users.csv, line 3")
    import_ = make_import(lincoln)
    assert stage_import(import_.pk, source)
    import_.refresh_from_db()
    assert import_.warnings == [
        {"kind": "dates are written as 1/05/2023", "count": 1, "examples": ["users.csv, line 3"]}
    ]


def test_rows_are_loaded_as_they_are(lincoln: School) -> None:
    import_ = make_import(lincoln)
    awkward = ["\\N", "a\tb", "line\nbreak", 'quo"te', "", "ü\u200d😀"]
    stage_row = row(lincoln, "1", "A\\N\tb", reasons=("Because.",), cells=tuple(awkward), grade="")
    assert stage_import(import_.pk, MemorySource([stage_row]))
    one = StagedPerson.objects.get()
    assert (one.name, one.cells, one.grade, one.types, one.other_schools) == ("A\\N\tb", awkward, "", None, None)


def test_keys_are_nobody_elses(lincoln: School) -> None:
    import_ = make_import(lincoln)
    fields = ("id", "of_import", "student_sis_id", "guardian_sis_id", "category", "number")
    for _ in range(2):
        keys = next_keys(StagedGuardian, 3)
        load_rows(StagedGuardian, fields, [(key, import_.pk, "1", "2", "", 1) for key in keys])
    assert StagedGuardian.objects.count() == 6


def test_no_nul_reaches_the_database(lincoln: School) -> None:
    import_ = stage(lincoln, [row(lincoln, "1", "A\0nn", reasons=("Because.",), cells=("A\0nn",)), *people(lincoln)])
    assert StagedPerson.objects.get(of_import=import_, action="rejected").cells == ["Ann"]
