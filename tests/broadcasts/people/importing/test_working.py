from datetime import timedelta
from pathlib import Path

from django.core.files.base import ContentFile
from django.utils import timezone

from broadcasts import audit
from broadcasts.models import Import, Person, School, StagedAddress, StagedPerson, User
from broadcasts.people.importing.discarding import discard_import
from broadcasts.people.importing.merging import confirm_import
from broadcasts.people.importing.undoing import start_undo
from broadcasts.people.importing.working import imports_to_resume, work_on_import
from tests.broadcasts.people.importing.files import make_import, row, stage, store, undo


def test_a_worker_goes_on_by_the_status(lincoln: School) -> None:
    import_ = stage(lincoln, [row(lincoln, "1", "Ann")])
    assert confirm_import(import_, None, deactivate_missing=False)
    for _ in range(2):
        work_on_import(import_.pk)
        assert Person.objects.count() == 1
    assert start_undo(Import.objects.get(), None)
    for _ in range(2):
        work_on_import(import_.pk)
        assert not Person.objects.exists()
    work_on_import(import_.pk + 1)


def test_the_sweep_asks_for_what_was_left_and_not_twice(lincoln: School) -> None:
    now = timezone.now()
    left = make_import(lincoln, status="merging", worked_on_at=now - timedelta(minutes=2))
    never = make_import(lincoln, status="staging")
    make_import(lincoln, status="staging", worked_on_at=now)
    make_import(lincoln, status="checked")
    assert imports_to_resume(now) == [left.pk, never.pk]
    assert imports_to_resume(now) == []
    assert imports_to_resume(now + timedelta(seconds=59)) == []
    assert left.pk in imports_to_resume(now + timedelta(seconds=61))


def test_the_file_and_its_rows_go_when_undo_has_passed(lincoln: School, tmp_path: Path) -> None:
    import_ = store(lincoln, [row(lincoln, "1", "Ann", ["ann@home.example"])])
    undone = store(lincoln, [row(lincoln, "2", "Ben")])
    undo(undone)
    now = timezone.now()
    assert imports_to_resume(now + timedelta(hours=23)) == []
    Import.objects.update(confirmed_at=now - timedelta(hours=25), undone_at=now - timedelta(hours=25))
    assert imports_to_resume(now) == [import_.pk, undone.pk]
    for pk in (import_.pk, undone.pk):
        work_on_import(pk)
    assert not StagedPerson.objects.exists()
    assert not StagedAddress.objects.exists()
    import_.refresh_from_db()
    assert (import_.status, import_.summary["new"], import_.file.name) == ("done", 1, "")
    assert Person.objects.count() == 1


def test_discarding_takes_file_and_rows(
    lincoln: School, alice: User, tmp_path: Path, django_capture_on_commit_callbacks: object
) -> None:
    import_ = stage(lincoln, [row(lincoln, "1", "Ann", ["ann@home.example"])])
    path = Path(import_.file.path)
    assert path.exists()
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        assert discard_import(import_, alice)
    assert not discard_import(import_, alice)
    assert not path.exists()
    assert not StagedPerson.objects.exists()
    assert [(entry.action, entry.actor) for entry in audit.history(import_)] == [("import.discarded", alice)]


def test_what_is_stored_is_not_discarded(lincoln: School, alice: User) -> None:
    import_ = store(lincoln, [row(lincoln, "1", "Ann")])
    assert not discard_import(import_, alice)
    assert StagedPerson.objects.exists()


def test_forgotten_imports_are_discarded_after_a_week(lincoln: School, jefferson: School) -> None:
    forgotten, district, theirs, fresh = (
        make_import(school, file=ContentFile(b"", "people.csv")) for school in (lincoln, None, jefferson, lincoln)
    )
    now = timezone.now()
    Import.objects.exclude(pk=fresh.pk).update(uploaded_at=now - timedelta(days=8))
    assert imports_to_resume(now) == [forgotten.pk, district.pk, theirs.pk]
    for each in (forgotten, district, theirs):
        work_on_import(each.pk)
    assert set(Import.objects.filter(status="discarded")) == {forgotten, district, theirs}
