import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcasts.composing.merge_fields import (
    FIELDS,
    cut_html,
    cut_text,
    field_values,
    first_name,
    one_line,
    problems_in_html,
    problems_in_text,
)

EVIL = '"><script>alert(1)</script>&'
VALUES = field_values(EVIL, "a+b@x.example", "Lincoln & Sons")


def test_fields_are_filled_with_and_without_blanks() -> None:
    text = cut_text("{{name}}, {{ name }}, {{  school\u00a0}}").fill(field_values("Maria", "", "Lincoln"))
    assert text == "Maria, Maria, Lincoln"


def test_an_empty_value_becomes_the_fallback() -> None:
    assert cut_text("Dear {{ first_name }}").fill(field_values(" ", "", "")) == "Dear Parent or Guardian"


def test_text_and_attributes_are_escaped_and_addresses_percent_encoded() -> None:
    link = '<a href="https://x.example/?n={{ name }}&amp;e=%7B%7B%20email%20%7D%7D">x</a>'
    html = f'<p title="{{{{ name }}}}">{{{{ name }}}} {link}</p>'
    filled = cut_html(html).fill(VALUES)
    assert "<script>" not in filled
    assert '<p title="&quot;&gt;&lt;script&gt;' in filled
    assert "?n=%22%3E%3Cscript%3E" in filled
    assert "&amp;e=a%2Bb%40x.example" in filled


def test_plain_text_stays_as_it_is() -> None:
    assert cut_text("{{ name }}").fill(VALUES) == EVIL


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        (
            "https://x.example/?n={{ name }}&e={{email}} {{ name }}",
            "https://x.example/?n=Ann%20B&e=a%40x.example Ann B",
        ),
        ("page (HTTP://x.example/%7B%7B%20name%20%7D%7D)", "page (HTTP://x.example/Ann%20B)"),
        ("https://x.example {{ name }}", "https://x.example Ann B"),
        ("https {{ name }}", "https Ann B"),
    ],
)
def test_in_a_web_address_of_a_plain_text_values_are_percent_encoded(text: str, filled: str) -> None:
    assert cut_text(text).fill(field_values("Ann B", "a@x.example", "")) == filled


@given(st.text())
def test_no_value_can_break_out_of_an_html_text_or_attribute(name: str) -> None:
    filled = cut_html('<p title="{{ name }}">{{ name }}</p>').fill(field_values(name, "", ""))
    assert filled.count("<") == 2
    assert filled.count('"') == 2


@given(st.text())
def test_no_value_can_break_a_header(name: str) -> None:
    line = one_line(cut_text("Hello {{ name }}").fill({**VALUES, "name": name}))
    assert len(line.splitlines()) == 1
    assert line.isprintable()


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Maria Garcia", "Maria"),
        ("Garcia, Maria", "Maria"),
        ("Mr. Smith", "Mr. Smith"),
        ("", ""),
        ("Smith,", "Smith"),
    ],
)
def test_first_name(name: str, first: str) -> None:
    assert first_name(name) == first


@pytest.mark.parametrize("field", FIELDS.values())
def test_every_field_of_the_list_is_accepted(field: object) -> None:
    assert problems_in_text(FIELDS["name"].code) == []
    assert problems_in_html(f"<p>{getattr(field, 'code', '')}</p>") == []


def test_an_unknown_field_is_named() -> None:
    (problem,) = problems_in_text("Dear {{ frist_name }}, {{ frist_name }}")
    assert "{{ frist_name }}" in problem
    assert "{{ first_name }}" in problem


@pytest.mark.parametrize("text", ["Dear {{ name", "Dear name }}", "{{ {{ name }}", "{{ name | safe }}", "{{}}"])
def test_a_malformed_field_is_a_problem(text: str) -> None:
    assert problems_in_text(text)
    assert problems_in_html(f"<p>{text}</p>")


@pytest.mark.parametrize(
    "html",
    ["<p>{{ <b>name</b> }}</p>", "<p>{{ na<i>m</i>e }}</p>", "<p>{<b>{ name }</b>}</p>", "<p>{{ <b>x }}</b></p>"],
)
def test_a_field_cut_by_formatting_is_a_problem(html: str) -> None:
    assert problems_in_html(html)


def test_a_field_cut_by_formatting_is_found_beside_a_whole_one() -> None:
    assert len(problems_in_html("<p>{{ name }} {{ <b>name</b> }}</p>")) == 1


@pytest.mark.parametrize("text", ["{{ ema\u0131l }}", "{{ \u017fchool }}"])
def test_letters_that_only_look_alike_are_no_field(text: str) -> None:
    assert problems_in_text(text)
    assert cut_text(text).fill(VALUES) == text


def test_an_unknown_field_in_a_link_is_named() -> None:
    assert "nmae" in problems_in_html('<a href="https://x.example/?n={{ nmae }}">x</a>')[0]


def test_text_without_fields_has_no_problems() -> None:
    assert problems_in_text("Bring 2 {small} boxes") == []
    assert cut_text("Bring 2 {small} boxes").fill({}) == "Bring 2 {small} boxes"
