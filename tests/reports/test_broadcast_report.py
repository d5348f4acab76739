"""What the report of one broadcast says."""

import html
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from broadcasts.models import Broadcast, Content, Delivery, School, User
from broadcasts.results import LABELS, Result, raise_results
from reports.broadcast_report import groups, returned, times
from reports.models import StoredFigures
from tests import factory
from tests.broadcasts.people.family import make_guardian, make_student
from tests.reports.rows import make_delivery, make_one_of_each
from tests.reports.trials import make_failed
from tracking.models import Event

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true"}


def words_of(page: bytes) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.decode())).split())


def page(client: Client, broadcast: Broadcast, query: str = "") -> str:
    response = client.get(f"/broadcasts/{broadcast.pk}/report/{query}")
    assert response.status_code == 200
    return words_of(response.content)


def part(client: Client, broadcast: Broadcast, slug: str) -> str:
    response = client.get(f"/broadcasts/{broadcast.pk}/report/{slug}/", headers=HTMX)
    assert response.status_code == 200
    return words_of(response.content)


def make_sent(school: School, **fields: Any) -> Broadcast:
    start = timezone.now() - timedelta(hours=5)
    return factory.make_broadcast(school, status="sent", send_at=start, prepared_at=start, **fields)


def hear(row: Delivery, kind: str, after: timedelta, label: str = "") -> None:
    start = row.broadcast.send_at
    assert start is not None
    number = Event.objects.count()
    Event.objects.create(delivery=row, kind=kind, at=start + after, source="pixel", key=str(number), label=label)


def test_ten_results_with_counts_and_shares_open_their_rows(as_alice: Client, lincoln: School) -> None:
    broadcast = make_sent(lincoln)
    make_one_of_each(broadcast)
    text = page(as_alice, broadcast)
    for label in LABELS:
        count, share = (2, 18) if label == "Blocked" else (1, 9)
        assert f"{label} {count} {label}, in the Email Log {share}%" in text
    assert "Together 11 100%" in text
    source = as_alice.get(f"/broadcasts/{broadcast.pk}/report/").content.decode()
    assert f"/email-log/?broadcast={broadcast.pk}&amp;result=soft-bounced" in source
    rows = as_alice.get(f"/email-log/?broadcast={broadcast.pk}&result=blocked").context["table"].paginated_rows
    assert len(rows) == 2


def test_rates_say_what_they_are_shares_of(as_alice: Client, lincoln: School) -> None:
    broadcast = make_sent(lincoln)
    make_one_of_each(broadcast)
    text = page(as_alice, broadcast)
    assert "29% Delivered: 2 of 7 emails that we tried to hand over" in text
    assert "14% Opened by a person: 1 of the same 7 emails" in text
    assert "43% Came back or were refused: 3 of the same 7 emails" in text


def test_each_problem_has_a_suggestion(as_alice: Client, lincoln: School) -> None:
    broadcast = make_sent(lincoln)
    assert "None: nothing came back" not in page(as_alice, broadcast), "it has no rows yet"
    make_delivery(broadcast, "ana@home.example", Result.DELIVERED)
    assert "None: nothing came back, and everybody had an address." in page(as_alice, broadcast)
    make_delivery(broadcast, "an@home.example", Result.FAILED)
    assert "What to do: Correct these addresses under" in page(as_alice, broadcast)
    Broadcast.objects.filter(pk=broadcast.pk).update(status="cancelled")
    make_delivery(broadcast, "ben@home.example")
    assert "the broadcast was cancelled. What to do: If these people should get it" in page(as_alice, broadcast)


def test_before_it_starts_there_is_nothing_to_report(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln, status="scheduled", send_at=timezone.now())
    text = page(as_alice, broadcast)
    assert "Nothing to report yet" in text
    assert "Who was reached" not in text


def test_a_draft_leads_to_its_editor(as_alice: Client, lincoln: School) -> None:
    draft = factory.make_broadcast(lincoln)
    assert as_alice.get(f"/broadcasts/{draft.pk}/report/")["Location"] == f"/broadcasts/{draft.pk}/edit/"


def test_figures_move_while_it_is_sent_and_rest_while_nothing_changes(as_alice: Client, lincoln: School) -> None:
    broadcast = make_sent(lincoln)
    row = make_delivery(broadcast, "ana@home.example")
    Broadcast.objects.filter(pk=broadcast.pk).update(status="sending")
    seen = as_alice.get(f"/broadcasts/{broadcast.pk}/report/")
    address = seen.context["poll_url"]
    assert address.replace("&", "&amp;") in seen.content.decode()
    assert as_alice.get(address).status_code == 204
    raise_results(Delivery.objects.filter(pk=row.pk), Result.SENT)
    assert "Sent 1" in words_of(as_alice.get(address).content)
    Broadcast.objects.filter(pk=broadcast.pk).update(status="sent")
    assert "hx-trigger" not in as_alice.get(address).content.decode()


def test_the_email_is_shown_in_each_language(as_alice: Client, lincoln: School) -> None:
    broadcast = make_sent(lincoln)
    make_delivery(broadcast, "ana@home.example")
    Content.objects.create(
        broadcast=broadcast, language="es", is_default=False, subject="Nieve", body_html="<p>Hoy no hay clases.</p>"
    )
    assert "Spanish: Nieve" in page(as_alice, broadcast)
    preview = f"/broadcasts/{broadcast.pk}/preview/html/"
    assert "Hoy no hay clases." in as_alice.get(f"{preview}?language=es").content.decode()
    assert "School is closed today." in as_alice.get(f"{preview}?language=en").content.decode()


def test_how_long_it_took_and_when_it_was_opened(as_alice: Client, lincoln: School) -> None:
    broadcast = make_sent(lincoln)
    rows = [make_delivery(broadcast, f"p{number}@home.example", Result.OPENED) for number in range(10)]
    for number, row in enumerate(rows):
        hear(row, "delivered", timedelta(minutes=number + 1))
        hear(row, "delivered", timedelta(hours=20))  # told once more: the first counts
    hear(rows[0], "opened", timedelta(minutes=30), "person")
    hear(rows[0], "opened", timedelta(hours=4), "person")
    hear(rows[1], "clicked", timedelta(hours=3, minutes=5), "unsure")
    hear(rows[2], "opened", timedelta(minutes=1), "automatic")  # and then a person did, as its result says
    fetched = make_delivery(broadcast, "q@home.example", Result.DELIVERED)
    hear(fetched, "opened", timedelta(minutes=2), "automatic")
    hear(fetched, "clicked", timedelta(minutes=2), "scanner")
    figures = times.count_times(broadcast)
    assert (figures["confirmed"], figures["median"], figures["ninety"]) == (10, 300, 540)
    assert (figures["by_people"], figures["by_machines"]) == (2, 1)
    assert figures["opens"]["people"] == [1, 0, 0, 1]
    assert figures["opens"]["machines"] == [1, 0, 0, 0]
    text = part(as_alice, broadcast, "times")
    assert (
        "Of 10 emails that were confirmed by the recipients' mail servers, half were there within 5 minutes" in text
    )
    assert "90% within 9 minutes" in text
    assert "2 emails were opened by a person. 1 more email was opened by its mailbox alone" in text
    assert "After 3 hours 1 0" in text


def test_opens_of_many_days_go_by_the_day(lincoln: School) -> None:
    broadcast = make_sent(lincoln)
    for number, days in enumerate((0, 1, 40)):
        hear(make_delivery(broadcast, f"p{number}@home.example", Result.OPENED), "opened", timedelta(days=days))
    opens = times.count_times(broadcast)["opens"]
    assert (opens["unit"], opens["has_later"], len(opens["people"])) == ("day", True, 30)
    assert [opens["people"][0], opens["people"][1], opens["people"][-1]] == [1, 1, 1]


def test_nothing_heard_yet(as_alice: Client, lincoln: School) -> None:
    broadcast = make_sent(lincoln)
    make_delivery(broadcast, "ana@home.example", Result.SENT)
    text = part(as_alice, broadcast, "times")
    assert "No mail server has confirmed an email yet" in text
    assert "Nobody has opened it yet, as far as we can tell." in text
    assert "No email came back." in part(as_alice, broadcast, "returned")


def test_a_start_in_the_future_of_the_mail_servers_clock_is_no_negative_time(lincoln: School) -> None:
    broadcast = make_sent(lincoln)
    hear(make_delivery(broadcast, "ana@home.example", Result.DELIVERED), "delivered", timedelta(seconds=-30))
    assert times.count_times(broadcast)["median"] == 0


def lines(tables: list[dict[str, Any]], title: str) -> dict[str, tuple[int, int, int]]:
    (table,) = [table for table in tables if table["title"] == title]
    return {line["name"]: (line["recipients"], line["tried"], line["opened"]["count"]) for line in table["lines"]}


def test_who_was_reached_by_language_school_grade_and_provider(as_alice: Client, lincoln: School) -> None:
    factory.make_type()
    broadcast = make_sent(lincoln)
    student = make_student(lincoln)
    student.grade = "10"
    student.save()
    guardian = make_guardian(student).guardian
    make_delivery(broadcast, "ana@gmail.com", Result.OPENED, person=guardian, language="es")
    make_delivery(broadcast, "ben@gmail.com", Result.SENT, person=student)
    make_delivery(broadcast, "cy@home.example", Result.DELIVERED)
    make_delivery(broadcast, "", Result.NO_EMAIL_SELECTED)
    found = groups.count_groups(broadcast)
    assert lines(found, "By language") == {"English": (3, 2, 0), "Spanish": (1, 1, 1)}
    assert lines(found, "By school") == {"Lincoln": (4, 3, 1)}
    assert lines(found, "By grade") == {"10": (2, 2, 1), "Not known": (2, 1, 0)}
    assert lines(found, "By mail provider") == {"gmail.com": (2, 2, 1), "home.example": (1, 1, 0)}
    assert "gmail.com 2 2 1 (50%) 1 (50%) 0 (0%)" in part(as_alice, broadcast, "groups")


def test_small_groups_share_a_line_so_that_all_add_up(lincoln: School) -> None:
    broadcast = make_sent(lincoln)
    for number in range(15):
        make_delivery(broadcast, f"ana@mail{number}.example", Result.SENT)
    found = lines(groups.count_groups(broadcast), "By mail provider")
    assert found["3 others"] == (3, 3, 0)
    assert sum(counts[0] for counts in found.values()) == 15


def test_why_emails_came_back_each_counted_once(as_alice: Client, lincoln: School) -> None:
    factory.make_type()
    failed = make_failed(lincoln)
    broadcast = failed.broadcast
    make_delivery(broadcast, "full@home.example", Result.BOUNCED, note=Delivery.Note.GAVE_UP)
    make_delivery(broadcast, "bad@@home.example", Result.FAILED, note=Delivery.Note.BAD_ADDRESS)
    make_delivery(broadcast, "silent@home.example", Result.BOUNCED)
    told = make_delivery(broadcast, "spam@home.example", Result.BOUNCED)
    for key in "ab":
        Event.objects.create(
            delivery=told, kind="bounced", at=timezone.now(), source="report", key=key, result=Result.BOUNCED,
            code="5.7.1", rule="taken for spam",
        )  # fmt: skip
    reasons = {line["words"]: line["count"] for line in returned.count_returned(broadcast)["reasons"]}
    assert sum(reasons.values()) == 5
    assert set(reasons.values()) == {1}
    text = part(as_alice, broadcast, "returned")
    assert "There is no such mailbox: the address is mistyped" in text
    assert "refused the email for what is in it. 1 Nothing to correct in your addresses." in text


def test_a_part_is_counted_once_until_a_result_changes(
    as_alice: Client, lincoln: School, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    broadcast = make_sent(lincoln)
    row = make_delivery(broadcast, "ana@gmail.com", Result.SENT)
    part(as_alice, broadcast, "groups")
    first = StoredFigures.objects.get()
    with django_assert_max_num_queries(8):
        part(as_alice, broadcast, "groups")
    assert StoredFigures.objects.get().counted_at == first.counted_at
    raise_results(Delivery.objects.filter(pk=row.pk), Result.OPENED)
    part(as_alice, broadcast, "groups")
    assert StoredFigures.objects.get().counted_at == first.counted_at, "counted less than 20 seconds ago"
    age(first, timedelta(minutes=1))
    assert "gmail.com 1 1 1 (100%)" in part(as_alice, broadcast, "groups")
    age(first, timedelta(hours=2))
    part(as_alice, broadcast, "groups")
    assert StoredFigures.objects.get().counted_at > timezone.now() - timedelta(minutes=1)


def age(stored: StoredFigures, by: timedelta) -> None:
    long_ago: datetime = timezone.now() - by
    StoredFigures.objects.filter(pk=stored.pk).update(counted_at=long_ago)


def test_the_whole_report_needs_no_script(as_alice: Client, lincoln: School) -> None:
    broadcast = make_sent(lincoln)
    make_one_of_each(broadcast)
    whole = page(as_alice, broadcast, "?all=1")
    assert "By mail provider" in whole
    assert "Nobody has opened it yet" in whole
    one = page(as_alice, broadcast, "?part=groups")
    assert "By mail provider" in one
    assert "Nobody has opened it yet" not in one
    plain = as_alice.get(f"/broadcasts/{broadcast.pk}/report/groups/")
    assert plain["Location"] == f"/broadcasts/{broadcast.pk}/report/?part=groups#groups"


def test_a_stranger_finds_no_report(as_bob: Client, lincoln: School) -> None:
    broadcast = make_sent(lincoln)
    make_one_of_each(broadcast)
    for address in ("", "results/", "groups/", "?all=1"):
        assert as_bob.get(f"/broadcasts/{broadcast.pk}/report/{address}", headers=HTMX).status_code == 404
    assert not StoredFigures.objects.exists()


def test_there_is_no_such_part(as_alice: Client, lincoln: School) -> None:
    broadcast = make_sent(lincoln)
    assert as_alice.get(f"/broadcasts/{broadcast.pk}/report/nothing/").status_code == 404


def test_the_page_asks_little_of_the_database(
    as_alice: Client, alice: User, lincoln: School, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    broadcast = make_sent(lincoln)
    make_one_of_each(broadcast)
    with django_assert_max_num_queries(9):
        page(as_alice, broadcast)
