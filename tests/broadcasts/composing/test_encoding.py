import binascii
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcasts.composing.encoding import Base64, QuotedPrintable, encode_body
from broadcasts.composing.merge_fields import Segments, as_is, in_html, in_url

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=120)
VALUE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=90)
SLOT = st.tuples(st.sampled_from(["name", "email"]), st.sampled_from([as_is, in_html, in_url]))


@st.composite
def bodies(draw: st.DrawFn) -> Segments:
    slots = draw(st.lists(SLOT, max_size=6))
    return Segments(tuple(draw(TEXT) for _ in range(len(slots) + 1)), tuple(slots))


def decode(encoding: str, encoded: bytes) -> str:
    data = (
        binascii.a2b_base64(encoded) if encoding == "base64" else quopri.decodestring(encoded.replace(b"\r\n", b"\n"))
    )
    return data.decode().replace("\r\n", "\n")


@given(bodies(), VALUE, VALUE)
def test_any_body_with_any_values_reads_back_as_it_was_written(body: Segments, name: str, email: str) -> None:
    values = {"name": name, "email": email}
    last = body.literals[-1]
    written = body.fill(values).removesuffix(last) + last.rstrip("\n") + "\n"
    for kind in (QuotedPrintable, Base64):
        literals = [literal.replace("\n", "\r\n").encode() for literal in body.literals]
        literals[-1] = literals[-1].rstrip(b"\r\n") + b"\r\n"
        encoded = b"".join(kind(literals, body.slots).pieces(values))
        assert decode(kind.encoding, encoded) == written
        assert encoded.endswith(b"\r\n")


@given(bodies(), VALUE)
def test_lines_are_short_and_of_seven_bits(body: Segments, value: str) -> None:
    encoded = b"".join(encode_body(body).pieces({"name": value, "email": value}))
    assert encoded.isascii()
    assert max(map(len, encoded.split(b"\r\n"))) <= 76


@pytest.mark.parametrize(("text", "encoding"), [("Snow day\n", "quoted-printable"), ("雪の日です。\n", "base64")])
def test_what_is_mostly_ascii_stays_readable(text: str, encoding: str) -> None:
    assert encode_body(Segments((text,), ())).encoding == encoding


def test_a_field_costs_once_however_often_it_stands() -> None:
    calls = []

    def count(value: str) -> str:
        calls.append(value)
        return value

    body = encode_body(Segments(("Dear ", " and again ", "\n"), (("name", count), ("name", count))))
    assert b"".join(body.pieces({"name": "Ann"})) == b"Dear=20=\r\nAnn=\r\n and again=20=\r\nAnn=\r\n\r\n"
    assert calls == ["Ann"]
