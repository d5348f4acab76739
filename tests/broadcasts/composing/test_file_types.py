"""What may go out with a broadcast, by name and by what is really in it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcasts.composing.attaching import LONGEST_NAME, clean_name, make_file, make_picture
from broadcasts.composing.file_types import ALLOWED, NotAllowed
from broadcasts.composing.pictures import width_of
from tests import factory
from tests.broadcasts.composing.office_files import BAD, GIF, GOOD, JPEG, WEBP


@pytest.mark.parametrize("name", GOOD)
def test_files_of_these_kinds_are_taken(name: str) -> None:
    content, kind = GOOD[name]
    file = make_file(name, content)
    assert (file.filename, file.content_type, file.size) == (name, kind, len(content))


@pytest.mark.parametrize("name", BAD)
def test_other_files_are_refused_with_what_to_do(name: str) -> None:
    content, words = BAD[name]
    with pytest.raises(NotAllowed) as refused:
        make_file(name, content)
    assert words in str(refused.value)
    assert f"“{name}”" in str(refused.value)


@given(st.sampled_from(sorted(ALLOWED)), st.binary(max_size=300))
def test_any_bytes_are_taken_or_refused_in_words(extension: str, content: bytes) -> None:
    for start in (b"", b"PK\x03\x04", b"\xff\xd8\xff", b"RIFF"):
        with suppress(NotAllowed):
            assert make_file(f"a.{extension}", start + content).content_type
        width_of(start + content)


@pytest.mark.parametrize("damage", range(0, 300, 7))
def test_a_damaged_package_is_taken_or_refused_but_breaks_nothing(damage: int) -> None:
    content = bytearray(GOOD["a.odt"][0])
    content[damage % len(content)] ^= 0xFF
    with suppress(NotAllowed):
        assert make_file("a.odt", bytes(content)).content_type.endswith(".text")


def test_an_empty_file_is_named() -> None:
    with pytest.raises(NotAllowed, match="is empty"):
        make_file("menu.pdf", b"")


@pytest.mark.parametrize("content", [factory.PDF, WEBP])
def test_only_pictures_that_mail_programs_show_stand_in_the_message(content: bytes) -> None:
    name = "a.pdf" if content == factory.PDF else "a.webp"
    with pytest.raises(NotAllowed, match="JPEG, PNG or GIF"):
        make_picture(name, content, "A gym")


def test_a_picture_needs_words() -> None:
    with pytest.raises(NotAllowed, match="in a few words"):
        make_picture("gym.png", factory.PNG, " \t ")


@pytest.mark.parametrize(("content", "width"), [(factory.PNG, 1), (GIF, 1), (JPEG, 800), (JPEG[:12], None)])
def test_the_width_is_read_from_the_picture(content: bytes, width: int | None) -> None:
    assert width_of(content) == width


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("menu.pdf", "menu.pdf"),
        ("C:\\Users\\alice\\menu.pdf", "menu.pdf"),
        ("../../etc/menu.pdf", "menu.pdf"),
        ("me\r\nnu\0.pdf", "menu.pdf"),
        ("menu\u202efdp.pdf", "menufdp.pdf"),  # would be read from right to left
        ("zero\u200bwidth.pdf", "zerowidth.pdf"),
        ('say "hi" <now>.pdf', "say hi now.pdf"),
        ("Cafe\u0301 menü.pdf", "Café menü.pdf"),
        ("給食.pdf", "給食.pdf"),
        ("..pdf", "pdf"),
        ("  many   blanks .pdf", "many blanks.pdf"),
    ],
)
def test_names_are_cleaned(given_name: str, kept: str) -> None:
    assert clean_name(given_name) == kept


def test_a_long_name_keeps_its_extension() -> None:
    name = clean_name("給" * 300 + ".pdf")
    assert name.endswith("給.pdf")
    assert len(name.encode()) <= LONGEST_NAME


@given(st.text(max_size=400))
def test_any_name_becomes_one_that_a_header_can_carry(name: str) -> None:
    cleaned = clean_name(name)
    assert cleaned.isprintable()
    assert not set('\\/:*?"<>|') & set(cleaned)
    assert 0 < len(cleaned.encode()) <= LONGEST_NAME + 80
