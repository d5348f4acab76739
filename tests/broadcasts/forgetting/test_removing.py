"""Names and addresses leave old rows; every row, result and count stays."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from broadcasts.counting import count_broadcast
from broadcasts.forgetting.deliveries import begin, remove_some
from broadcasts.forgetting.rounds import follow_rules, forecast
from broadcasts.forgetting.rules import scopes
from broadcasts.keeping_counts import differences
from broadcasts.models import Attempt, AuditEntry, Broadcast, Delivery, EmailAddress, Lease, Removal, School
from broadcasts.results import Result
from reports.broadcast_report.groups import count_groups
from reports.models import StoredFigures
from tests import factory
from tests.broadcasts.forgetting.old import LONG_AGO, NOW, Kind, make_neighbours, make_old, make_old_rows, make_rule
from tests.reports.rows import make_delivery

pytestmark = pytest.mark.django_db
Removed = Delivery.Removed


def apply(*options: str) -> str:
    out = StringIO()
    call_command("apply_retention", *options, stdout=out)
    return out.getvalue()


def everything_stored() -> list[object]:
    models = (Delivery, Attempt, Removal, AuditEntry, EmailAddress)
    return [list(model._default_manager.order_by("pk").values()) for model in models]


def test_names_and_addresses_go_and_every_count_stays(lincoln: School) -> None:
    old = make_old(lincoln)
    before = {row.pk: row for row in make_old_rows(old)}
    counts = count_broadcast(old)
    make_rule()
    assert "Done." in apply()
    rows = list(old.deliveries.order_by("pk"))
    assert [row.pk for row in rows] == list(before)
    for row in rows:
        was = before[row.pk]
        assert (row.name, row.person_id, row.address_id, row.removed) == ("Removed", None, None, Removed.ADDRESSES)
        assert was.email.partition("@")[0] not in row.email or not was.email
        assert bool(row.email) == bool(was.email)
        assert row.email == row.address_key
        assert row.late_bounce_reason == ""
        kept = ("result", "note", "attempts", "last_attempt_at", "is_sendable", "is_settled", "settled_result")
        assert [getattr(row, name) for name in kept] == [getattr(was, name) for name in kept]
    assert not Attempt.objects.exclude(text="").exists()
    assert set(Attempt.objects.values_list("rule", flat=True)) == {"unknown user"}
    assert count_broadcast(old) == counts
    assert differences() == []
    call_command("check_counts", stdout=StringIO())


def test_second_round_does_nothing_twice(lincoln: School) -> None:
    make_old_rows(make_old(lincoln))
    make_rule()
    apply()
    before = everything_stored()
    assert apply().count("\n") == 3
    assert everything_stored() == before


def test_dry_run_changes_nothing_and_says_what_is_removed_then(lincoln: School, jefferson: School) -> None:
    make_old_rows(make_old(lincoln))
    make_old_rows(make_old(jefferson))
    make_neighbours(make_old(jefferson), 3)
    make_rule()
    before = everything_stored()
    said = apply("--dry-run")
    assert everything_stored() == before
    expected = {str(line.scope.school): (line.broadcasts, line.rows) for line in forecast(NOW)}
    assert expected == {"Lincoln": (1, 10), "Jefferson": (2, 13)}
    assert ["Jefferson", "addresses", "60", "2", "13"] in [line.split() for line in said.splitlines()]
    apply()
    assert sum(Removal.objects.values_list("rows", flat=True)) == 23
    assert {(line.broadcasts, line.rows) for line in forecast(NOW)} == {(0, 0)}


def test_each_application_is_on_record_with_its_counts(lincoln: School) -> None:
    old = make_old(lincoln)
    make_old_rows(old)
    make_rule()
    apply()
    entries = AuditEntry.objects.order_by("pk").values_list("action", "object_id", "school", "details")
    told = {"rows": 10, "days": 60}
    assert list(entries) == [
        ("addresses.removal_begun", str(old.pk), lincoln.pk, told),
        ("addresses.removed", str(old.pk), lincoln.pk, told),
    ]


def test_who_is_killed_goes_on_where_it_was(lincoln: School) -> None:
    old = make_old(lincoln)
    make_neighbours(old, 7)
    make_rule()
    assert not follow_rules(NOW, lambda: True, most=3)  # stopped after its first rows
    removal = Removal.objects.get()
    assert (removal.rows, removal.ended_at) == (3, None)
    assert [line.rows for line in forecast(NOW)] == [4]
    assert follow_rules(NOW, most=3)
    removal.refresh_from_db()
    assert (removal.rows, bool(removal.ended_at)) == (7, True)
    assert AuditEntry.objects.filter(action="addresses.removal_begun").count() == 1
    domains = {email.partition("@")[2] for email in old.deliveries.values_list("email", flat=True)}
    assert domains == {"mail.example"}
    assert differences() == []


def test_a_second_worker_finds_nothing_to_do(lincoln: School) -> None:
    old = make_old(lincoln)
    make_neighbours(old, 2)
    make_rule()
    [scope] = scopes()
    removal, again = begin(old, scope, NOW), begin(old, scope, NOW)
    assert removal == again
    assert removal
    assert not remove_some(removal.pk, set())
    emails = set(old.deliveries.values_list("email", flat=True))
    assert not remove_some(removal.pk, set())
    assert begin(old, scope, NOW) is None
    assert set(old.deliveries.values_list("email", flat=True)) == emails


def still_sending(old: Broadcast) -> None:
    Broadcast.objects.filter(pk=old.pk).update(status="sending")


def has_ended_lately(old: Broadcast) -> None:
    Broadcast.objects.filter(pk=old.pk).update(finished_at=NOW - timedelta(days=59))


def has_a_lease(old: Broadcast) -> None:
    Lease.objects.create(broadcast=old, until=NOW)


def has_a_retry_due(old: Broadcast) -> None:
    make_delivery(old, "late@home.example", Result.SOFT_BOUNCED, next_attempt_at=NOW)


def was_sent_again_lately(old: Broadcast) -> None:
    make_delivery(old, "late@home.example", Result.SENT, last_attempt_at=NOW - timedelta(days=3))


@pytest.mark.parametrize(
    "make_busy", [still_sending, has_ended_lately, has_a_lease, has_a_retry_due, was_sent_again_lately]
)
def test_what_goes_on_is_not_touched(lincoln: School, make_busy: object) -> None:
    old = make_old(lincoln)
    make_neighbours(old, 2)
    make_busy(old)  # type: ignore[operator]
    make_rule()
    apply()
    assert not Removal.objects.exists()
    assert not Delivery.objects.exclude(removed=Removed.NOTHING).exists()


def test_what_nobody_can_vouch_for_does_not_keep_the_rest_for_ever(lincoln: School) -> None:
    old = make_old(lincoln)
    make_delivery(old, "ana@home.example", state=Delivery.State.UNCONFIRMED, last_attempt_at=LONG_AGO)
    make_rule()
    apply()
    assert old.deliveries.get().removed == Removed.ADDRESSES


def test_an_address_stays_one_address_within_its_broadcast_alone(lincoln: School) -> None:
    first, second = make_old(lincoln), make_old(lincoln)
    for old in (first, second):
        carrier = make_delivery(old, "Ana@home.example", Result.DELIVERED)
        make_delivery(old, "ana@home.example", Result.DUPLICATE, duplicate_of=carrier)
    make_rule()
    apply()
    [one], [other] = (set(old.deliveries.values_list("address_key", flat=True)) for old in (first, second))
    assert one != other


def test_a_domain_stays_only_where_it_names_nobody(lincoln: School) -> None:
    old = make_old(lincoln)
    make_neighbours(old, 5)
    make_delivery(old, "ana@garcia-family.example", Result.DELIVERED)
    StoredFigures.objects.create(
        broadcast=old, part="groups", digest="", figures=["garcia-family.example"], counted_at=NOW
    )
    before = {line["name"]: line["recipients"] for line in count_groups(old)[3]["lines"]}
    assert before == {"mail.example": 5, "garcia-family.example": 1}
    make_rule()
    apply()
    after = {line["name"]: line["recipients"] for line in count_groups(old)[3]["lines"]}
    assert after == {"mail.example": 5, "other domains": 1}
    assert not StoredFigures.objects.exists()


def test_report_by_school_and_grade_stays_what_it_was(lincoln: School, jefferson: School) -> None:
    old = make_old(lincoln)
    for school, grade in ((lincoln, "2"), (lincoln, "3"), (jefferson, "3"), (lincoln, "")):
        person = factory.make_person(school, grade=grade)
        make_delivery(old, f"{person.pk}@home.example", Result.OPENED, person=person)
    make_delivery(old, "gone@home.example", Result.SENT, person=None)
    before = count_groups(old)[:3]
    assert len(before[1]["lines"]) == 3
    make_rule()
    apply()
    assert count_groups(old)[:3] == before


def test_no_address_is_in_an_export_or_on_a_page_afterwards(lincoln: School, as_charlie: Client) -> None:
    old = make_old(lincoln)
    rows = make_old_rows(old)
    make_rule()
    apply()
    pages = [reverse("reports:email-log-export"), reverse("reports:email-log"), reverse("reports:addresses-to-fix")]
    pages += [reverse("reports:delivery-detail", args=[row.pk]) for row in rows]
    pages += [
        reverse("reports:broadcast-report", args=[old.pk]),
        reverse("broadcasts:broadcast-detail", args=[old.pk]),
    ]
    for page in pages:
        got = as_charlie.get(page)
        assert got.status_code == 200
        text = (b"".join(got) if got.streaming else got.content).decode()
        assert not [row.email for row in rows if row.email and row.email in text], page
    export = b"".join(as_charlie.get(pages[0])).decode()
    assert export.count("Removed") == 10


def test_log_still_finds_and_sorts_the_rows(lincoln: School, as_alice: Client) -> None:
    old = make_old(lincoln)
    make_old_rows(old)
    make_rule()
    apply()
    queries: list[dict[str, str]] = [
        {"q": "removed"},
        {"sort": "email"},
        {"sort": "-name"},
        {"result": "Bounced", "broadcast": str(old.pk)},
    ]
    for query in queries:
        got = as_alice.get(reverse("reports:email-log"), query)
        assert "Removed" in got.content.decode(), query


def test_families_page_no_longer_knows_them(lincoln: School, as_alice: Client) -> None:
    old = make_old(lincoln)
    [row] = make_neighbours(old, 1)
    page = reverse("reports:family", args=[row.person_id])
    assert str(old) in as_alice.get(page).content.decode()
    make_rule()
    apply()
    assert as_alice.get(page, {"broadcast": old.pk}).status_code == 200
    assert reverse("reports:delivery-detail", args=[row.pk]) not in as_alice.get(page).content.decode()


def test_words_go_and_addresses_stay_where_only_words_have_a_rule(lincoln: School) -> None:
    old = make_old(lincoln, last_refusal="550 ana@home.example: no")
    rows = make_old_rows(old)
    make_rule(Kind.WORDS)
    apply()
    assert {row.email for row in rows} == set(old.deliveries.values_list("email", flat=True))
    assert set(old.deliveries.values_list("removed", "late_bounce_reason")) == {(Removed.WORDS, "")}
    assert not Attempt.objects.exclude(text="").exists()
    old.refresh_from_db()
    assert old.last_refusal == ""
    make_rule(Kind.ADDRESSES)
    apply()
    assert set(old.deliveries.values_list("removed", flat=True)) == {Removed.ADDRESSES}


def test_many_rows_take_few_queries(lincoln: School, django_assert_max_num_queries: object) -> None:
    old = make_old(lincoln)
    make_neighbours(old, 60)
    make_rule()
    with django_assert_max_num_queries(60):  # type: ignore[operator]
        follow_rules(NOW)
    assert old.deliveries.filter(removed=Removed.ADDRESSES).count() == 60
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT address_key) FROM broadcasts_delivery")
        assert cursor.fetchone()[0] == 60
