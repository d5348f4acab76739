"""All broadcasts with their counts."""

import csv
from datetime import timedelta
from io import StringIO

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from broadcasts.models import AuditEntry, Broadcast, Delivery, School
from broadcasts.results import LABELS, Result, raise_results
from tests import factory
from tests.reports.rows import make_delivery, make_one_of_each

pytestmark = pytest.mark.django_db
SUMMARY = "/reports/summary/"


def shown(client: Client, query: str = "") -> list[str]:
    response = client.get(SUMMARY + query)
    assert response.status_code == 200
    return [row.record.name for row in response.context["table"].paginated_rows]


def make_sent(school: School, name: str, *results: Result, **fields: object) -> Broadcast:
    fields = {"status": "sent", "send_at": timezone.now(), "prepared_at": timezone.now(), **fields}
    broadcast = factory.make_broadcast(school, subject=name, **fields)  # type: ignore[arg-type]
    for number, result in enumerate(results):
        make_delivery(broadcast, f"p{number}@home.example", result)
    return broadcast


def test_every_broadcast_that_has_begun_with_its_ten_counts(as_alice: Client, lincoln: School) -> None:
    broadcast = make_sent(lincoln, "Menu")
    make_one_of_each(broadcast)
    factory.make_broadcast(lincoln, subject="Only a draft")
    assert shown(as_alice) == ["Menu"]
    (row,) = as_alice.get(SUMMARY).context["table"].paginated_rows
    counts = [getattr(row.record, label.lower().replace(" ", "_")) for label in LABELS]
    assert counts == [1, 1, 1, 1, 1, 2, 1, 1, 1, 1]
    assert row.record.recipients == sum(counts) == 11
    html = as_alice.get(SUMMARY).content.decode()
    assert f'href="/email-log/?broadcast={broadcast.pk}&amp;result=blocked">2</a>' in html
    assert f'href="/broadcasts/{broadcast.pk}/report/">Menu</a>' in html
    assert "29%" in html


def test_sorted_by_any_column_both_ways(as_alice: Client, lincoln: School) -> None:
    make_sent(lincoln, "Few", Result.OPENED)
    make_sent(lincoln, "Many", Result.OPENED, Result.OPENED, Result.BOUNCED)
    make_sent(lincoln, "None")
    assert shown(as_alice) == ["None", "Many", "Few"]
    assert shown(as_alice, "?sort=-opened") == ["Many", "Few", "None"]
    assert shown(as_alice, "?sort=opened") == ["None", "Few", "Many"]
    assert shown(as_alice, "?sort=-recipients")[0] == "Many"
    assert shown(as_alice, "?sort=name") == ["Few", "Many", "None"]
    assert shown(as_alice, "?sort=-opened_share") == ["Few", "Many", "None"]
    assert shown(as_alice, "?sort=opened_share") == ["Many", "Few", "None"]
    assert len(shown(as_alice, "?sort=nonsense")) == 3


def test_filters_and_what_to_do_when_nothing_matches(as_alice: Client, lincoln: School) -> None:
    make_sent(lincoln, "Menu", type_name="Lunch")
    make_sent(lincoln, "Snow", status="cancelled", send_at=timezone.now() - timedelta(days=9))
    today = f"{timezone.localdate() - timedelta(days=2):%Y-%m-%d}"
    assert shown(as_alice, "?q=sno") == ["Snow"]
    assert shown(as_alice, "?type=lunch") == ["Menu"]
    assert shown(as_alice, "?status=cancelled") == ["Snow"]
    assert shown(as_alice, f"?since={today}") == ["Menu"]
    html = as_alice.get(f"{SUMMARY}?q=nothing").content.decode()
    assert "No broadcast matches" in html
    assert "Clear filters" in html
    wrong = as_alice.get(f"{SUMMARY}?since=yesterday").content.decode()
    assert "This is not a day. Write it like 2026-05-11." in wrong


def test_empty_it_says_what_it_is_for(as_alice: Client, lincoln: School) -> None:
    html = as_alice.get(SUMMARY).content.decode()
    assert "No broadcast has begun yet" in html
    assert "Go to the broadcasts" in html


def test_a_stranger_sees_none_of_it(as_bob: Client, as_charlie: Client, lincoln: School, jefferson: School) -> None:
    make_sent(lincoln, "Ours", Result.SENT)
    make_sent(jefferson, "Theirs", Result.OPENED, Result.SENT)
    assert shown(as_bob) == ["Theirs"]
    assert shown(as_charlie) == ["Theirs", "Ours"]
    assert shown(as_charlie, "?school=lincoln") == ["Ours"]
    assert shown(as_bob, "?school=lincoln") == ["Theirs"], "of one school there is nothing to choose"


def test_it_moves_while_something_is_sent(as_alice: Client, lincoln: School) -> None:
    broadcast = make_sent(lincoln, "Snow", Result.UNSENT)
    assert "hx-trigger" not in as_alice.get(SUMMARY).content.decode()
    Broadcast.objects.filter(pk=broadcast.pk).update(status="sending")
    assert 'hx-trigger="every 5s"' in as_alice.get(f"{SUMMARY}?sort=-opened").content.decode()
    raise_results(Delivery.objects.all(), Result.SENT)
    moved = as_alice.get(f"{SUMMARY}?sort=-opened", headers={"hx-request": "true"}).content.decode()
    assert 'result=sent">1</a>' in moved
    assert "<html" not in moved


def test_export_is_what_the_page_shows_guarded_and_on_record(
    as_charlie: Client, as_alice: Client, lincoln: School
) -> None:
    broadcast = make_sent(lincoln, "=SUM(A1)", Result.OPENED, Result.SENT)
    make_sent(lincoln, "Other")
    response = as_charlie.get(f"{SUMMARY}export/?q=sum")
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert text.startswith('\ufeffBroadcast,Type,School,Started,Status,Rows,"Delivered, %","Opened, %",Unsent,')
    assert text.endswith("\r\n")
    (row,) = csv.DictReader(StringIO(text.removeprefix("\ufeff")))
    assert (row["Broadcast Number"], row["Broadcast"]) == (str(broadcast.pk), "'=SUM(A1)")
    assert [row[label] for label in ("Rows", "Opened", "Sent", "Failed", "Tried")] == ["2", "1", "1", "0", "2"]
    assert row["Started (ISO)"].endswith(("-06:00", "-05:00"))
    assert (row["Delivered, %"], row["Opened, %"]) == ("50", "50")
    entry = AuditEntry.objects.get(action="broadcast_summary.exported")
    assert (entry.actor_name, entry.details) == ("Charlie", {"filters": {"q": "sum"}, "rows": 1})
    assert as_alice.get(f"{SUMMARY}export/").status_code == 403
    assert as_charlie.get(f"{SUMMARY}export/?since=x")["Location"] == f"{SUMMARY}?since=x"


def test_many_broadcasts_need_no_more_queries(
    as_alice: Client, lincoln: School, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        make_sent(lincoln, f"Menu {number}", Result.OPENED)
    with django_assert_max_num_queries(8):
        assert len(shown(as_alice)) == 25
    assert len(shown(as_alice, "?page=2")) == 5
