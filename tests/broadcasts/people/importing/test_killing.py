"""A worker that is killed in the middle of a merge stores nothing, and the next one does it all."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from broadcasts.models import ContactType, EmailAddress, Import, Person, School, StagedPerson
from broadcasts.people.importing.merging import confirm_import
from broadcasts.people.importing.undoing import start_undo
from broadcasts.people.importing.working import work_on_import
from tests.broadcasts.people.importing.files import row, stage, store
from tests.waiting import wait_for

# Works on an import until a statement that begins so has run, says so, and waits to be killed.
CHILD = """
import sys
import django
from django.conf import settings
django.setup()
settings.DATABASES["default"]["NAME"] = sys.argv[1]
from django.db import connection
from broadcasts.people.importing.working import work_on_import
connection.settings_dict["NAME"] = sys.argv[1]

def pause(execute, sql, params, many, context):
    done = execute(sql, params, many, context)
    if sql.strip().startswith(sys.argv[3]):
        print("half-way", flush=True)
        sys.stdin.read()
    return done

with connection.execute_wrapper(pause):
    work_on_import(int(sys.argv[2]))
"""


def kill_half_way(import_: Import, statement: str) -> None:
    database = str(connection.settings_dict["NAME"])
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, database, str(import_.pk), statement],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[4],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"half-way\n"
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    assert child.returncode == -signal.SIGKILL


def resumed(import_: Import) -> str:
    """PostgreSQL may need a moment to notice that the other worker is gone; until then its row is locked."""
    work_on_import(import_.pk)
    import_.refresh_from_db()
    return import_.status


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statement", ["INSERT INTO broadcasts_person", "INSERT INTO broadcasts_contacttype"])
def test_a_killed_merge_stores_nothing_and_is_done_again(lincoln: School, statement: str) -> None:
    rows = [row(lincoln, str(number), f"Person {number}", [f"p{number}@home.example"]) for number in range(50)]
    import_ = stage(lincoln, rows)
    assert confirm_import(import_, None, deactivate_missing=False)
    kill_half_way(import_, statement)
    import_.refresh_from_db()
    assert import_.status == "merging"
    assert not Person.objects.exists()
    assert StagedPerson.objects.filter(person=None).count() == 50
    wait_for(lambda: resumed(import_) == "done", "the merge")
    assert (Person.objects.count(), EmailAddress.objects.count(), ContactType.objects.count()) == (50, 50, 100)


@pytest.mark.django_db(transaction=True)
def test_a_killed_undo_takes_nothing_back_and_is_done_again(lincoln: School) -> None:
    import_ = store(lincoln, [row(lincoln, "1", "Ann", ["ann@home.example"])])
    assert start_undo(import_, None)
    kill_half_way(import_, 'DELETE FROM "broadcasts_contacttype"')
    assert ContactType.objects.count() == 2
    wait_for(lambda: resumed(import_) == "undone", "the undo")
    assert not Person.objects.exists()
