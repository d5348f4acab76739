"""Two imports, or two workers on one: one acts."""

import threading

import pytest
from django.db import connection

from broadcasts.models import Import, Person, School
from broadcasts.people.importing.merging import CannotImport, confirm_import, merge_import
from tests.broadcasts.people.importing.files import row, stage


def test_a_second_import_is_refused_while_one_is_stored(lincoln: School, jefferson: School) -> None:
    first = stage(lincoln, [row(lincoln, "1", "Ann Lee")])
    second = stage(jefferson, [row(jefferson, "1", "Ben Lee")])
    assert confirm_import(first, None, deactivate_missing=False)
    with pytest.raises(CannotImport, match="Another import"):
        confirm_import(second, None, deactivate_missing=False)
    second.refresh_from_db()
    assert second.status == "checked"
    assert merge_import(first.pk)
    assert confirm_import(second, None, deactivate_missing=False)


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_one_merges(lincoln: School) -> None:
    import_ = stage(lincoln, [row(lincoln, str(number), f"Person {number}") for number in range(1, 200)])
    assert confirm_import(import_, None, deactivate_missing=False)
    together, outcomes = threading.Barrier(2), []

    def work() -> None:
        together.wait(30)
        outcomes.append(merge_import(import_.pk))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == [False, True]
    assert Person.objects.count() == 199


@pytest.mark.django_db(transaction=True)
def test_of_two_imports_confirmed_at_once_one_is_refused(lincoln: School, jefferson: School) -> None:
    imports = [stage(school, [row(school, "1", "Ann Lee")]) for school in (lincoln, jefferson)]
    together, outcomes = threading.Barrier(2), []

    def confirm(import_: Import) -> None:
        together.wait(30)
        try:
            outcomes.append(str(confirm_import(import_, None, deactivate_missing=False)))
        except CannotImport as refused:
            outcomes.append(str(refused))
        connection.close()

    threads = [threading.Thread(target=confirm, args=[import_]) for import_ in imports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcome[:14] for outcome in outcomes) == ["Another import", "True"]
    assert Import.objects.filter(status="merging").count() == 1
