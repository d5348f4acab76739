"""A floor under what the reading of real bounces is worth. `make bench` prints the figures."""

import json

import pytest
from django.core.management import call_command

from tests.tracking.bounces import corpus

pytestmark = pytest.mark.skipif(
    not corpus.IS_THERE, reason=f"The real bounces are not beside the project ({corpus.FOLDER})."
)


@pytest.fixture(scope="module")
def cases() -> list[corpus.Case]:
    return list(corpus.cases())


def test_failed_or_not_is_told_apart(cases: list[corpus.Case]) -> None:
    found = corpus.score(cases)
    assert found.precision >= 0.95, found.precision
    assert found.recall >= 0.95, found.recall


@pytest.mark.parametrize("half", [0, 1])
def test_neither_half_is_much_worse(cases: list[corpus.Case], half: int) -> None:
    found = corpus.score([case for case in cases if case.half == half])
    assert found.precision >= 0.92, found.precision
    assert found.recall >= 0.92, found.recall


def test_nearly_all_are_recognised(cases: list[corpus.Case]) -> None:
    strangers = [case.name for case in cases if case.report.kind == "unrecognised"]
    assert len(strangers) <= 3, strangers


@pytest.mark.parametrize(
    ("reason", "labels"),
    [
        ("feedback", {"Delivered", "none"}),
        ("vacation", {"Delivered"}),
        ("delivered", {"Delivered", "none"}),
        ("mailboxfull", {"Bounced", "Failed"}),
        ("expired", {"Bounced", "Soft Bounced"}),
        ("authfailure", {"Bounced"}),
        ("blocked", {"Bounced"}),
    ],
)
def test_the_other_reasons_get_their_labels(cases: list[corpus.Case], reason: str, labels: set[str]) -> None:
    table = corpus.score(cases).table
    assert {label for (cause, label), count in table.items() if cause == reason} <= labels


def test_the_command_prints_a_line_for_each(capsys: pytest.CaptureFixture[str], cases: list[corpus.Case]) -> None:
    some = cases[:20]
    call_command("ingest_bounce", "--explain", *(str(corpus.FOLDER / "mail" / case.name) for case in some))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["kind"] for line in lines] == [case.report.kind for case in some]
