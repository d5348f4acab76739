"""`manage.py send_broadcast`: the main job from the shell, for scripts."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from broadcasts.models import Broadcast, List, Person
from broadcasts.results import LABELS
from tests import factory

pytestmark = pytest.mark.django_db

CSV = """name,email,types
Anna,anna@x.example,General
Ben,anna@x.example,General
Cleo,,General
Dan,dan@x.example,Emergency
Eve,e..ve@x.example,General
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    factory.make_school()
    factory.make_type("General")
    factory.make_type("Emergency")
    factory.make_sender()
    (tmp_path / "families.csv").write_text(CSV)
    (tmp_path / "message.html").write_text("<p>Dear {{ first_name }}, school is closed.</p>")
    return tmp_path


def send(folder: Path, **changes: object) -> str:
    options: dict[str, object] = {
        "type": "General",
        "list": folder / "families.csv",
        "sender": "Office@lincoln.example",
        "subject": "Snow day",
        "html": folder / "message.html",
        **changes,
    }
    out = StringIO()
    call_command("send_broadcast", stdout=out, **options)
    return out.getvalue()


def exit_status(folder: Path, **changes: object) -> tuple[int, str]:
    with pytest.raises(CommandError) as caught:
        send(folder, **changes)
    return caught.value.returncode, str(caught.value)


def test_it_prepares_every_row_and_says_so(folder: Path) -> None:
    printed = send(folder, json=True)
    broadcast = Broadcast.objects.get()
    answer = json.loads(printed.splitlines()[-1])
    assert answer["broadcast"] == broadcast.pk
    assert answer["rows"] == broadcast.deliveries.count() == 5
    assert list(answer["results"]) == list(LABELS)
    counts = {label: count for label, count in answer["results"].items() if count}
    assert counts == {"Unsent": 1, "Failed": 1, "Duplicate": 1, "No Email Selected": 2}
    assert broadcast.status == Broadcast.Status.SENDING


def test_the_table_is_in_the_designs_order(folder: Path) -> None:
    lines = send(folder).splitlines()
    assert [line[:20].strip() for line in lines[1:]] == [*LABELS, "Total"]


def test_a_dry_run_shows_the_reach_and_stores_nothing(folder: Path) -> None:
    answer = json.loads(send(folder, dry_run=True, json=True).splitlines()[-1])
    assert answer["broadcast"] is None
    assert answer["rows"] == 5
    assert answer["results"]["Unsent"] == 1
    assert [model.objects.count() for model in (Broadcast, Person, List)] == [0, 0, 0]


def test_sending_to_the_same_file_twice_keeps_one_directory(folder: Path) -> None:
    send(folder)
    send(folder)
    assert Person.objects.count() == 5
    assert [broadcast.deliveries.count() for broadcast in Broadcast.objects.all()] == [5, 5]


def test_the_list_is_exactly_the_files_people(folder: Path) -> None:
    send(folder)
    (folder / "families.csv").write_text("name,email\nFinn,finn@x.example\n")
    send(folder)
    newest = Broadcast.objects.order_by("-pk")[0]
    assert [row.name for row in newest.deliveries.all()] == ["Finn"]


def test_not_finished_in_time_has_a_status_of_its_own(folder: Path) -> None:
    status, words = exit_status(folder, wait=0)
    assert status == 3
    assert "sending goes on" in words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"type": "Weather"}, "no broadcast type"),
        ({"sender": "stranger@x.example"}, "no sender"),
        ({"school": "nowhere"}, "no such school"),
        ({"list": Path("missing.csv")}, "missing.csv"),
        ({"html": Path("missing.html")}, "missing.html"),
        ({"subject": ""}, "subject"),
        ({"subject": "two\nlines"}, "subject"),
        ({"subject": "Dear {{ nickname }}"}, "nickname"),
        ({"subject": "x" * 256}, "longer than 255"),
        ({"subject": "snow \udcff day"}, "invisible"),
    ],
)
def test_bad_input_is_refused_with_the_reason_and_nothing_is_stored(
    folder: Path, changes: dict[str, object], words: str
) -> None:
    status, said = exit_status(folder, **changes)
    assert status == 2
    assert words in said
    assert not Broadcast.objects.exists()
    assert not Person.objects.exists()


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("", "empty"),
        ("name,phone\nAnna,123\n", "email"),
        ("name,email,types\nAnna,anna@x.example,Wether\n", "row 2"),
        ("name,email\nCleo,\n", "Nobody"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(folder: Path, file: str, words: str) -> None:
    (folder / "families.csv").write_text(file)
    status, said = exit_status(folder)
    assert status == 2
    assert words in said
    assert not Person.objects.exists()


def test_an_empty_message_is_refused(folder: Path) -> None:
    (folder / "message.html").write_text("<p> </p>")
    assert exit_status(folder)[0] == 2


def test_with_several_schools_one_must_be_named(folder: Path) -> None:
    factory.make_school("Jefferson")
    status, said = exit_status(folder)
    assert status == 2
    assert "jefferson" in said
    send(folder, school="lincoln")
    assert Broadcast.objects.get().school.slug == "lincoln"


def test_what_is_taken_out_of_the_message_is_said(folder: Path) -> None:
    (folder / "message.html").write_text("<p>Hello</p><script>alert(1)</script>")
    err = StringIO()
    send(folder, stderr=err)
    assert "taken out" in err.getvalue()


@pytest.mark.parametrize("domain", ["xn--bcher-kva.example", "BÜCHER.example", "bücher.example"])
def test_one_mailbox_under_two_spellings_of_its_domain_gets_one_email(folder: Path, domain: str) -> None:
    (folder / "families.csv").write_text(f"name,email\nAnna,anna@bücher.example\nBen,anna@{domain}\n")
    answer = json.loads(send(folder, json=True).splitlines()[-1])
    assert {label: count for label, count in answer["results"].items() if count} == {"Unsent": 1, "Duplicate": 1}


def test_an_address_that_the_file_replaces_in_the_directory_is_named(folder: Path) -> None:
    send(folder)
    (folder / "families.csv").write_text("name,email,types\nDan,dan@new.example,Emergency;General\n")
    err = StringIO()
    send(folder, stderr=err)
    assert "Dan: dan@x.example → dan@new.example" in err.getvalue()


def test_files_are_attached(folder: Path) -> None:
    (folder / "menu.pdf").write_bytes(factory.PDF)
    (folder / "dates.csv").write_text("day,what\n")
    send(folder, attach=[folder / "menu.pdf", folder / "dates.csv"])
    assert [file.filename for file in Broadcast.objects.get().attachments.all()] == ["menu.pdf", "dates.csv"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.pdf", None, "missing.pdf"),
        ("menu.pdf", b"MZ", "it is no PDF"),
        ("menu.pdf", b"", "is empty"),
        ("menu.pdf", bytes(11 * 1024 * 1024), "too large"),
    ],
)
def test_a_file_that_cannot_be_attached_stops_everything(
    folder: Path, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (folder / name).write_bytes(content)
    status, said = exit_status(folder, attach=[folder / name])
    assert status == 2
    assert words in said
    assert not Broadcast.objects.exists()


def test_the_same_file_named_twice_stops_everything(folder: Path) -> None:
    (folder / "menu.pdf").write_bytes(factory.PDF)
    status, said = exit_status(folder, attach=[folder / "menu.pdf"] * 2)
    assert status == 2
    assert "there already" in said
    assert not Broadcast.objects.exists()
