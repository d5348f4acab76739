import smtplib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcasts.delivering.smtp import end_with_dot

PIECE = st.sampled_from([b".", b"..", b"\r\n", b"a", b"\r\n.", b"AAAA" * 20])


@pytest.mark.parametrize("message", [b"", b".", b"a", b".\r\n", b"a\r\n.b\r\n", b"a\r\n.\r\nQUJD\r\n"])
def test_known_messages_end_as_smtplib_ends_them(message: bytes) -> None:
    compare(message)


@given(st.lists(PIECE))
def test_any_message_ends_as_smtplib_ends_it(pieces: list[bytes]) -> None:
    compare(b"".join(pieces))


def compare(message: bytes) -> None:
    expected = smtplib._quote_periods(message)  # type: ignore[attr-defined]
    expected += b".\r\n" if expected.endswith(b"\r\n") else b"\r\n.\r\n"
    assert end_with_dot(message) == expected
