import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from broadcasts.models import AuditEntry, BlockedEmail

pytestmark = pytest.mark.django_db


def run(*words: str) -> list[str]:
    out = StringIO()
    call_command("block_email", *words, stdout=out)
    return out.getvalue().splitlines()


def test_it_says_what_became_of_each_address() -> None:
    run("ann@school.example", "--reason", "Asked us to stop")
    assert run("Ann@School.example", "bo@school.example", "bo@school.example", "--reason", "Left") == [
        "Ann@School.example: was blocked already",
        "bo@school.example: blocked",
    ]
    blocked = BlockedEmail.objects.get(key="bo@school.example")
    assert (blocked.reason, blocked.source, blocked.added_by) == ("Left", "shell", None)
    assert BlockedEmail.objects.get(key="ann@school.example").reason == "Asked us to stop"


def test_removing_says_so_and_is_on_record() -> None:
    run("ann@school.example", "--reason", "Asked us to stop")
    assert run("ANN@school.example", "bo@school.example", "--remove", "--reason", "Asked again") == [
        "ANN@school.example: no longer blocked",
        "bo@school.example: was not blocked",
    ]
    assert not BlockedEmail.objects.exists()
    assert AuditEntry.objects.get(action="blocked_email.removed").details["reason"] == "Asked again"


def test_one_bad_address_stops_all() -> None:
    with pytest.raises(CommandError) as stopped:
        run("ann@school.example", "ann..lee@school.example", "--reason", "Left")
    assert stopped.value.returncode == 2
    assert "ann..lee@school.example" in str(stopped.value)
    assert not BlockedEmail.objects.exists()


def test_adding_needs_a_reason() -> None:
    with pytest.raises(CommandError) as stopped:
        run("ann@school.example", "--reason", "  ")
    assert stopped.value.returncode == 2
    assert not BlockedEmail.objects.exists()


def test_the_shell_sees_exit_status_2() -> None:
    command = [sys.executable, "manage.py", "block_email", "not-an-address", "--reason", "Left"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "not-an-address" in done.stderr
    assert "Traceback" not in done.stderr
