"""What is said about an address that mail cannot be addressed to."""

import pytest

from broadcasts.addresses import explain_invalid


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ann@@x.example", "more than one @"),
        ("ann.x.example", "no @"),
        ("@x.example", "nothing before the @"),
        ("ann@", "nothing after the @"),
        ("ann@school", "no dot after the @"),
        ("a..nn@x.example", "two dots in a row"),
        ("ann@x..example", "two dots in a row"),
        (".ann@x.example", "right before the @"),
        ("ann.@x.example", "right before the @"),
        ("ann@.x.example", "right after the @"),
        ("ann@x.example.", "right after the @"),
        ("a nn@x.example", "space inside"),
        ("ann@x .example", "space inside"),
        ("a\xa0nn@x.example", "space inside"),
        ("ann@x.example\nBcc: b@x.example", "line break"),
        ("a\u200bnn@x.example", "invisible"),
        ("björn@x.example", "“ö” before the @"),
    ],
)
def test_usual_faults_are_said_in_plain_words(address: str, words: str) -> None:
    said = explain_invalid(address)
    assert words in said
    assert "email address" not in said  # as the library begins


def test_a_rare_fault_is_said_in_the_words_of_the_library() -> None:
    assert "invalid characters" in explain_invalid("a(nn@x.example")


@pytest.mark.parametrize("address", [" ann@x.example\n", "o'neil+a@bücher.example", "ann@school.local"])
def test_of_a_valid_address_nothing_is_said(address: str) -> None:
    assert not explain_invalid(address)
