import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcasts.composing.sanitising import clean, is_blank, removed_parts

TAGS = [
    "p",
    "b",
    "a",
    "div",
    "table",
    "tr",
    "td",
    "ul",
    "li",
    "script",
    "svg",
    "math",
    "button",
    "form",
    "select",
    "h2",
]
PIECES = st.lists(
    st.one_of(
        st.sampled_from([f"<{tag}>" for tag in TAGS] + [f"</{tag}>" for tag in TAGS]),
        st.sampled_from(
            ['<a href="javascript:x">', '<img src=x onerror="y">', '<a href="www.x.example">', "<!--", "-->"]
        ),
        st.text(max_size=8),
    ),
    max_size=14,
).map("".join)


@given(PIECES)
def test_cleaning_twice_changes_nothing(html: str) -> None:
    once = clean(html)
    assert clean(once) == once


@given(PIECES)
def test_nothing_that_runs_survives(html: str) -> None:
    cleaned = clean(html).lower()
    for bad in ("<script", "<svg", "<form", "<iframe", 'onerror="', 'href="javascript'):
        assert bad not in cleaned


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" java\tscript:alert(1)">x</a>',
        '<img src="data:image/svg+xml,<svg onload=alert(1)>">',
        '<iframe src="https://x.example"></iframe>',
        '<form action="https://x.example"><input name=q></form>',
        '<p style="background:url(https://x.example)">x</p>',
        '<svg><a xlink:href="javascript:alert(1)">x</a></svg>',
        '<link rel=stylesheet href="https://x.example/a.css">',
        '<meta http-equiv=refresh content="0;url=https://x.example">',
        '<base href="https://x.example">',
    ],
)
def test_dangerous_html_is_taken_out(html: str) -> None:
    cleaned = clean(html).lower()
    for bad in (
        "script",
        "onerror",
        "onload",
        "iframe",
        "<form",
        "<input",
        "style",
        "data:",
        "<meta",
        "<base",
        "<link",
    ):
        assert bad not in cleaned


@pytest.mark.parametrize(
    "html",
    [
        '<p>A <strong>b</strong> <em>c</em></p><h2>d</h2><ul><li><p>e</p></li></ul><ol start="3"><li>f</li></ol>',
        '<a href="https://x.example/a?b=1&amp;c={{ email }}">x</a>',
        '<a href="mailto:a@x.example">m</a><a href="tel:+1555">t</a>',
        '<table><tbody><tr><th colspan="2">a</th></tr><tr><td>b</td><td>c</td></tr></tbody></table>',
        '<img src="https://x.example/a.png" alt="A" width="40">',
        "<blockquote><p>q</p></blockquote><hr>",
    ],
)
def test_formatting_for_email_stays(html: str) -> None:
    assert clean(html) == html


def test_a_bare_web_address_becomes_a_full_one() -> None:
    assert clean('<a href="www.x.example/a">x</a>') == '<a href="https://www.x.example/a">x</a>'
    assert clean('<a href="//x.example">x</a>') == '<a href="https://x.example">x</a>'


def test_a_link_into_a_page_that_is_not_there_loses_its_address() -> None:
    assert clean('<a href="/news">x</a>') == "<a>x</a>"


def test_control_characters_go() -> None:
    assert clean("<p>a\x00b\x1b</p>") == "<p>ab</p>"


@pytest.mark.parametrize(
    "html", ["", " ", "<p></p>", "<p>&nbsp;</p>", "<p><br></p>", "<p>\u200b</p>", "<ul><li></li></ul>"]
)
def test_blank_messages_are_recognised(html: str) -> None:
    assert is_blank(html)


@pytest.mark.parametrize("html", ["<p>x</p>", '<img src="https://x.example/a.png">'])
def test_messages_with_something_to_see_are_not_blank(html: str) -> None:
    assert not is_blank(html)


def test_the_author_hears_what_was_taken_out() -> None:
    removed = removed_parts('<script>1</script><iframe src="x"></iframe><p onclick="x">a</p><img src="data:x">')
    assert removed[:2] == ["a script", "an embedded page"]
    assert len(removed) == 3
    assert removed_parts('<p>a <a href="https://x.example">b</a></p>') == []
