"""What every page has around it: navigation, pills, tables, errors."""

from datetime import UTC, datetime

import django_tables2 as tables
import pytest
from django import forms
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe

from broadcasts.models import User
from broadcasts.results import LABELS, Result
from tests import factory

MFA = reverse("mfa_index")


class PeopleTable(tables.Table):  # type: ignore[misc]
    name = tables.Column()
    age = tables.Column(attrs={"td": {"class": "number"}})
    caption = "People of Lincoln"


def draw(template: str, **context: object) -> str:
    return Template(template).render(Context(context))


def draw_table(rows: list[dict[str, object]], query: str = "", **options: object) -> str:
    request = RequestFactory().get(f"/people/?{query}")
    table = PeopleTable(rows, order_by=request.GET.get("sort"), **options)
    table.paginate(page=request.GET.get("page", 1), per_page=2)
    return render_to_string("table.html", {"table": table, "request": request})


def test_navigation_says_where_we_are_and_hides_the_admin_from_staff(as_alice: Client, as_charlie: Client) -> None:
    page = as_alice.get(reverse("reports:help")).content.decode()
    assert '<a href="/help/" aria-current="page">Help</a>' in page
    assert "Administration" not in page
    assert "Administration" in as_charlie.get(MFA).content.decode()


def test_a_page_below_marks_its_section(as_alice: Client) -> None:
    page = as_alice.get(reverse("broadcasts:upload-new")).content.decode()
    assert 'aria-current="true">Lists</a>' in page


def test_header_says_that_this_is_a_rehearsal(as_alice: Client) -> None:
    assert "Rehearsal: no email leaves this machine." in as_alice.get(MFA).content.decode()


def test_the_account_menu_names_the_user_and_their_school(as_alice: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(first_name="<b>Alice</b>")
    page = as_alice.get(MFA).content.decode()
    assert "&lt;b&gt;Alice&lt;/b&gt;" in page
    assert "<b>Alice</b>" not in page.replace("<b>&lt;b&gt;", "")
    assert "Lincoln" in page


@pytest.mark.parametrize("result", list(Result))
def test_a_pill_leads_to_what_its_label_means(as_alice: Client, result: Result) -> None:
    pill = draw("{% result_badge result %}", result=int(result))
    anchor = pill.split('href="')[1].split('"')[0]
    page, fragment = anchor.split("#")
    assert f">{result.label}</a>" in pill
    assert f'id="{fragment}"' in as_alice.get(page).content.decode()


def test_a_pill_inside_a_link_is_no_link() -> None:
    assert draw("{% result_badge 'Soft Bounced' link=False %}") == (
        '<span class="result result-soft-bounced">Soft Bounced</span>'
    )


def test_tiles_show_all_ten_labels_in_order_and_lead_to_their_rows() -> None:
    html = draw(
        "{% result_counts counts '/email-log/?broadcast=3' %}", counts=dict.fromkeys(LABELS, 0) | {"Sent": 1204}
    )
    positions = [html.index(f">{label}<") for label in LABELS]
    assert positions == sorted(positions)
    assert "<b>1,204</b>" in html
    assert 'href="/email-log/?broadcast=3&amp;result=no-email-selected"' in html


@pytest.mark.parametrize(
    ("hour", "shown"), [(9, "May 11, 2017 9:44 am"), (12, "May 11, 2017 12:44 pm"), (0, "May 11, 2017 12:44 am")]
)
def test_a_moment_reads_like_the_document(hour: int, shown: str) -> None:
    with timezone.override(UTC):
        assert draw("{{ at|moment }}", at=datetime(2017, 5, 11, hour, 44, tzinfo=UTC)) == shown


def test_a_table_names_itself_its_columns_and_its_order() -> None:
    html = draw_table([{"name": "Ann", "age": 7}], "sort=-name")
    assert "<caption>People of Lincoln</caption>" in html
    assert 'aria-sort="descending"' in html
    assert html.count("aria-sort") == 1
    assert 'href="?sort=name"' in html
    assert '<td data-label="Age" class="number">7</td>' in html


def test_a_table_escapes_what_people_typed() -> None:
    html = draw_table([{"name": "<script>alert(1)</script>", "age": mark_safe("<b>7</b>")}])
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<b>7</b>" in html


def test_a_table_has_pages_that_keep_the_rest_of_the_address() -> None:
    html = draw_table([{"name": f"Ann {n}", "age": n} for n in range(5)], "q=ann&page=2&sort=name")
    assert 'rel="prev" href="?q=ann&amp;page=1&amp;sort=name"' in html
    assert 'rel="next" href="?q=ann&amp;page=3&amp;sort=name"' in html
    assert html.count('aria-current="page"') == 1


def test_an_empty_table_says_why() -> None:
    assert "Nobody yet" in draw_table([], empty_text="Nobody yet")
    assert "<table" not in draw_table([], empty_text="Nobody yet")


def test_a_field_ties_its_label_hint_and_error_together() -> None:
    class ListForm(forms.Form):
        name = forms.CharField(help_text="As families know it.")
        note = forms.CharField(required=False)

    form = ListForm({"name": ""})
    html = draw(
        "{% include 'partials/form_errors.html' %}{{ form.name.as_field_group }}{{ form.note.as_field_group }}",
        form=form,
    )
    assert '<a href="#id_name">Name: This field is required.</a>' in html
    assert '<label for="id_name">Name</label>' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_helptext">As families know it.' in html
    assert 'id="id_name_error"' in html
    assert "(optional)" in html


def test_a_page_that_is_not_there_looks_like_the_product(as_alice: Client) -> None:
    response = as_alice.get("/nothing-here/")
    assert response.status_code == 404
    assert "find this page" in response.content.decode()
    assert "css/app.css" in response.content.decode()


def test_a_form_from_another_session_is_explained(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    response = client.post(reverse("account_logout"))
    assert response.status_code == 403
    assert "Please try that once more" in response.content.decode()


@pytest.mark.parametrize("name", ["400.html", "500.html"])
def test_error_pages_need_neither_a_request_nor_a_database(name: str) -> None:
    assert "<h1>" in render_to_string(name)


def test_no_page_of_ours_has_inline_style_or_script(as_charlie: Client) -> None:
    factory.make_broadcast()
    for url in ("/", MFA, "/broadcasts/", "/email-log/", "/help/", "/lists/"):
        page = as_charlie.get(url).content.decode()
        assert "<style" not in page
        assert " style=" not in page
        assert " onclick=" not in page
