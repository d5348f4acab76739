"""Who sets the rules, which of them holds, and when they are followed."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from broadcasts.actors import follow_retention_rules
from broadcasts.forgetting.rounds import EVERY, PATIENCE, rounds_to_ask_for
from broadcasts.forgetting.rules import scopes
from broadcasts.models import AuditEntry, Delivery, Removal, RetentionRound, RetentionRule, School
from tests.broadcasts.forgetting.old import NOW, Kind, make_neighbours, make_old, make_rule

pytestmark = pytest.mark.django_db
LIST, ADD = "admin:broadcasts_retentionrule_changelist", "admin:broadcasts_retentionrule_add"


def test_an_administrator_sets_a_rule_on_record_and_sees_what_it_would_remove(
    as_charlie: Client, lincoln: School
) -> None:
    make_neighbours(make_old(lincoln), 3)
    as_charlie.post(reverse(ADD), {"kind": "addresses", "school": lincoln.pk, "days": "60"})
    rule = RetentionRule.objects.get()
    assert (rule.kind, rule.school, rule.days) == (Kind.ADDRESSES, lincoln, 60)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.school) == ("retention_rule.added", lincoln)
    page = as_charlie.get(reverse(LIST)).content.decode()
    assert "What would be removed if it were done now" in page
    assert '<td class="number">3</td>' in page
    assert not Delivery.objects.exclude(removed=0).exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "addresses", "days": "29"}, "greater than or equal to 30"),
        ({"kind": "unused", "days": "60", "school": "own"}, "leave the school empty"),
        ({"kind": "words", "days": "60"}, "There is a rule for that and all schools already"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_in_plain_words(
    as_charlie: Client, lincoln: School, fields: dict[str, str], words: str
) -> None:
    make_rule(Kind.WORDS)
    if "school" in fields:
        fields = fields | {"school": str(lincoln.pk)}
    assert words in as_charlie.post(reverse(ADD), fields).content.decode()
    assert RetentionRule.objects.count() == 1


@pytest.mark.parametrize("page", [LIST, ADD, "admin:broadcasts_removal_changelist"])
def test_office_staff_are_refused(as_alice: Client, as_bob: Client, page: str) -> None:
    for client in (as_alice, as_bob):
        assert client.get(reverse(page)).status_code == 403
        assert client.post(reverse(page), {"kind": "addresses", "days": "60"}).status_code == 403
    assert not RetentionRule.objects.exists()


def test_what_was_removed_is_listed_and_cannot_be_changed(as_charlie: Client, lincoln: School) -> None:
    old = make_old(lincoln)
    removal = Removal.objects.create(broadcast=old, kind=Kind.ADDRESSES, days=60, rows=7, begun_at=NOW)
    assert str(old) in as_charlie.get(reverse("admin:broadcasts_removal_changelist")).content.decode()
    change = reverse("admin:broadcasts_removal_change", args=[removal.pk])
    assert as_charlie.get(change).status_code == 200
    assert as_charlie.post(change, {"rows": "0"}).status_code == 403


def test_a_school_s_own_rule_stands_above_that_for_all(lincoln: School, jefferson: School) -> None:
    make_rule(days=60)
    make_rule(school=lincoln, days=400)
    assert [(scope.school, scope.days) for scope in scopes()] == [(jefferson, 60), (lincoln, 400)]
    RetentionRule.objects.filter(school=lincoln).update(days=None)
    assert [(scope.school, scope.days) for scope in scopes()] == [(jefferson, 60)]


def test_a_new_or_changed_rule_waits_for_a_day(lincoln: School) -> None:
    make_neighbours(make_old(lincoln), 1)
    rule = make_rule(days=400)
    rule.days = 60
    rule.save()
    ask_and_follow()
    assert not Removal.objects.exists()
    RetentionRule.objects.update(changed_at=NOW - timedelta(days=1, seconds=1))
    RetentionRound.objects.all().delete()
    ask_and_follow()
    assert Removal.objects.get().rows == 1


def ask_and_follow() -> None:
    """As the sweep asks and a worker of housekeeping does."""
    for pk in rounds_to_ask_for(timezone.now()):
        follow_retention_rules.fn(pk)


def test_without_rules_nobody_is_asked() -> None:
    assert rounds_to_ask_for(NOW) == []
    assert not RetentionRound.objects.exists()


def test_the_rules_are_followed_once_a_day(lincoln: School) -> None:
    make_neighbours(make_old(lincoln), 1)
    make_rule()
    ask_and_follow()
    assert Removal.objects.get().ended_at
    now = timezone.now()
    assert rounds_to_ask_for(now) == []
    assert rounds_to_ask_for(now + EVERY) == [1]
    assert rounds_to_ask_for(now + EVERY) == []  # somebody was asked a moment ago


def test_a_round_that_a_worker_lost_is_asked_for_again(lincoln: School) -> None:
    make_rule()
    assert rounds_to_ask_for(NOW) == [1]
    assert rounds_to_ask_for(NOW + PATIENCE / 2) == []
    assert rounds_to_ask_for(NOW + PATIENCE + timedelta(seconds=1)) == [1]


def test_a_message_that_comes_twice_does_nothing_twice(lincoln: School) -> None:
    make_neighbours(make_old(lincoln), 1)
    make_rule()
    ask_and_follow()
    entries = AuditEntry.objects.count()
    follow_retention_rules.fn(1)
    assert AuditEntry.objects.count() == entries
