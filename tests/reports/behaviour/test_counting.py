from datetime import timedelta

from django.utils import timezone

from broadcasts.models import Broadcast, Delivery, School
from broadcasts.results import Result
from reports.behaviour.counting import LEASE, PAUSE, SETTLED, count_what_changed, is_round_due
from reports.figures import Figures, figures_of
from reports.models import BroadcastFigures, CountingRound
from tests import factory
from tests.reports.behaviour.readers import Label, count, make_read, open_by
from tests.reports.rows import make_one_of_each
from tracking.models import Event


def stored(broadcast: Broadcast) -> Figures:
    row = BroadcastFigures.objects.get(broadcast=broadcast)
    return Figures(row.emails, row.opened, row.automatic)


def settle_events() -> None:
    """As if some minutes had passed, so that no event is looked at a second time."""
    Event.objects.update(recorded_at=timezone.now() - 2 * SETTLED)


def test_nothing_is_counted_twice_for_nothing(lincoln: School) -> None:
    open_by(make_read(lincoln, 3, 2).deliveries.earliest("pk"), Label.PERSON)
    make_read(lincoln, 1)
    settle_events()
    assert count() == 2
    assert count() == 0


def test_an_open_years_later_counts(lincoln: School) -> None:
    broadcast, other = make_read(lincoln, 3, 2), make_read(lincoln, 1)
    count()
    open_by(broadcast.deliveries.get(email="60-0@home.example"), Label.PERSON)
    assert count() == 1
    assert stored(broadcast) == Figures(5, 4, 0)
    assert stored(other) == Figures(1, 1, 0)


def test_a_person_after_the_mailbox_moves_it_over(lincoln: School) -> None:
    broadcast = make_read(lincoln, 0, 2)
    row = broadcast.deliveries.earliest("pk")
    open_by(row, Label.AUTOMATIC)
    count()
    assert stored(broadcast) == Figures(2, 0, 1)
    open_by(row, Label.PERSON)
    count()
    assert stored(broadcast) == Figures(2, 1, 0)


def test_event_that_became_visible_late_is_found(lincoln: School) -> None:
    """Its number was given before those of others that the last round has seen."""
    broadcast = make_read(lincoln, 3, 2)
    late = open_by(broadcast.deliveries.get(email="60-0@home.example"), Label.AUTOMATIC)
    number = late.pk
    late.delete()
    open_by(make_read(lincoln, 1).deliveries.get(), Label.PERSON)
    count()
    late.pk = number
    late.save(force_insert=True)
    count()
    assert stored(broadcast) == Figures(5, 3, 1)


def test_broadcast_under_way_is_counted_again(lincoln: School) -> None:
    broadcast = make_read(lincoln, 0, unsent=4)
    Broadcast.objects.filter(pk=broadcast.pk).update(worked_on_at=timezone.now())
    count()
    assert stored(broadcast) == Figures(0, 0, 0)
    Delivery.objects.filter(broadcast=broadcast).update(result=Result.SENT)
    assert count() == 1
    assert stored(broadcast) == Figures(4, 0, 0)


def test_days_follow_a_time_zone_that_is_put_right(lincoln: School) -> None:
    broadcast = make_read(lincoln, 1)
    count()
    assert BroadcastFigures.objects.get(broadcast=broadcast).hour == 9
    School.objects.filter(pk=lincoln.pk).update(time_zone="Pacific/Auckland")
    assert count() == 1
    row = BroadcastFigures.objects.get(broadcast=broadcast)
    assert (row.day.isoformat(), row.hour) == ("2026-05-12", 2)
    assert count() == 0


def test_drafts_have_no_figures(lincoln: School) -> None:
    factory.make_broadcast(lincoln)
    assert count() == 0


def test_figures_are_those_of_the_rows(lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    for row in make_one_of_each(broadcast):
        open_by(row, Label.AUTOMATIC)
    counts = {result: broadcast.deliveries.filter(result=result).count() for result in Result}
    figures = figures_of([broadcast.pk])[broadcast.pk]
    assert figures.emails == counts[Result.SENT] + counts[Result.DELIVERED] + counts[Result.OPENED]
    assert figures.opened == counts[Result.OPENED]
    assert figures.automatic == counts[Result.SENT] + counts[Result.DELIVERED]


def test_of_two_rounds_at_once_one_counts(lincoln: School) -> None:
    make_read(lincoln, 3)
    now = timezone.now()
    CountingRound.objects.create(pk=1, until=now + LEASE)
    assert not is_round_due(now)
    assert count_what_changed(now) == 0
    assert count_what_changed(now + LEASE + timedelta(seconds=1)) == 1  # whoever counted has died


def test_rounds_pause_between_each_other(lincoln: School) -> None:
    assert is_round_due(timezone.now())
    count()
    make_read(lincoln, 3)
    ended = CountingRound.objects.get().ended_at
    assert ended
    assert not is_round_due(ended + PAUSE / 2)
    assert count_what_changed(ended + PAUSE / 2) == 0
    assert count_what_changed(ended + PAUSE) == 1
