import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broadcasts.composing.plain_text import to_plain_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<p>One<br>Two</p>", "One\nTwo"),
        ("<h2>News</h2><p>Today</p>", "News\n----\n\nToday"),
        ("<p>A &amp; B &lt;c&gt;</p>", "A & B <c>"),
        ("<p>  many \n blanks </p>", "many blanks"),
        ("<ul><li><p>a</p></li><li>b</li></ul><p>c</p>", "- a\n- b\n\nc"),
        ('<ol start="3"><li>a</li><li>b</li></ol>', "3. a\n4. b"),
        ("<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n  - b\n- c"),
        ('<p>See <a href="https://x.example/a">our page</a>.</p>', "See our page (https://x.example/a)."),
        ('<p><a href="https://x.example/">https://x.example</a></p>', "https://x.example"),
        ('<p><a href="mailto:a@x.example">a@x.example</a></p>', "a@x.example"),
        ('<p><a href="mailto:a@x.example">Office</a></p>', "Office (a@x.example)"),
        (
            "<table><tbody><tr><th><p>Day</p></th><th>Bus</th></tr><tr><td>Mon</td><td>7:00</td></tr></tbody></table>",
            "Day | Bus\nMon | 7:00",
        ),
        ("<p>a</p><hr><p>b</p>", "a\n\n--------------------\n\nb"),
        ("<blockquote><p>a</p><p>b</p></blockquote><p>c</p>", "> a\n>\n> b\n\nc"),
        ('<p><img src="https://x.example/a.png" alt="Our school"></p>', "[Our school]"),
        ("<p>Dear {{ first_name }},</p>", "Dear {{ first_name }},"),
        ("", ""),
    ],
)
def test_html_becomes_plain_text(html: str, text: str) -> None:
    assert to_plain_text(html) == text


def test_lines_keep_their_length() -> None:
    line = "word " * 200 + "end"
    assert to_plain_text(f"<p>{line}</p>") == line


TAGS = ["p", "a", "ul", "ol", "li", "table", "tr", "td", "blockquote", "h1", "pre", "br", "hr"]


@example(["word", "<p>", "<a>", "<ul>", "</blockquote>", "</a>"])
@given(
    st.lists(st.sampled_from([f"<{tag}>" for tag in TAGS] + [f"</{tag}>" for tag in TAGS] + ["word"]), max_size=20)
)
def test_no_nesting_loses_a_word(pieces: list[str]) -> None:
    assert to_plain_text("".join(pieces)).count("word") == pieces.count("word")
