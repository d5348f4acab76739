"""What is said about an address that mail cannot be addressed to."""

import pytest
from pytest_django import Settings

from broadcasts.addresses import address_key, explain_invalid


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


def test_letters_before_the_at_sign_are_taken_where_the_setting_says_so(settings: Settings) -> None:
    settings.ALLOW_INTERNATIONAL_ADDRESSES = True
    assert not explain_invalid("björn@bücher.example")
    assert not explain_invalid("李@x.example")
    assert "“ö” before the @" in explain_invalid("björn@x.example", of_sender=True)
    assert "two dots" in explain_invalid("bjö..rn@x.example")
    assert "invalid characters" in explain_invalid("bjö(rn@x.example")
    assert "line break" in explain_invalid("bjö\nrn@x.example")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Björn@Bücher.example", "björn@xn--bcher-kva.example"),
        ("bjo\u0308rn@x.example", "bj\u00f6rn@x.example"),  # composed and not
        ("Ann@BÜCHER.example", "ann@xn--bcher-kva.example"),
    ],
)
def test_one_mailbox_has_one_key_however_it_is_spelt(one: str, other: str) -> None:
    assert address_key(one) == address_key(other) == address_key(address_key(one))


def test_letters_that_fold_alike_may_be_two_people() -> None:
    assert address_key("weiß@x.example") != address_key("weiss@x.example")
