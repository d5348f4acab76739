"""A provider that wants email more slowly is left alone; nobody else waits for it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from broadcasts.delivering import backing_off
from broadcasts.delivering.backing_off import FIRST, LONGEST, SLOW_DOMAINS, SlowDomains
from broadcasts.delivering.ledger import Outcome
from broadcasts.models import Attempt, Delivery
from broadcasts.results import Result
from tests.broadcasts.delivering.steps import deliver, make_due, make_people, start
from tests.smtp_server import Script

SLOW_DOWN = "421 4.7.28 Our system has detected an unusual rate of mail; rate limited"
Kind = Attempt.Outcome


@pytest.mark.django_db
def test_a_slow_domain_does_not_hold_up_the_rest(mail_server: Script) -> None:
    mail_server.answer("rcpt", SLOW_DOWN.replace("421", "450"), recipient="slow")
    people = make_people(*(f"slow{n}@big.example" for n in range(60)), *(f"p{n}@x.example" for n in range(30)))
    broadcast = start(people)
    while deliver(broadcast):
        pass
    assert len(mail_server.received) == 30
    slow = broadcast.deliveries.filter(email__endswith="@big.example")
    tried = slow.filter(attempts__gt=0).count()
    assert tried < 30, "the others were not even tried"
    put_off = slow.filter(attempts=0)
    assert not put_off.exclude(result=Result.UNSENT, state=Delivery.State.IDLE, lease_token=None).exists()
    now = timezone.now()
    assert not put_off.exclude(next_attempt_at__gt=now, next_attempt_at__lte=now + FIRST).exists()


@pytest.mark.django_db
def test_when_it_takes_email_again_everybody_gets_theirs(mail_server: Script) -> None:
    mail_server.answer("rcpt", SLOW_DOWN.replace("421", "450"), recipient="slow", times=5)
    broadcast = start(make_people(*(f"slow{n}@big.example" for n in range(40))))
    deliver(broadcast)
    assert SLOW_DOMAINS.until("big.example", timezone.now(), is_emergency=False)
    backing_off.SLOW_DOMAINS.forget()  # as if the wait were over
    for _ in range(3):
        make_due(broadcast)
        deliver(broadcast)
    assert len(mail_server.received) == 40


def told(kind: Attempt.Outcome, text: str, after: float = 0) -> Outcome:
    at = timezone.now() + timedelta(seconds=after)
    return Outcome(1, 1, at, kind, phase="rcpt", code=int(text[:3]), text=text[4:])


@pytest.mark.parametrize(
    ("text", "times"),
    [
        (SLOW_DOWN, 3),
        ("450 4.7.1 try again later", 3),
        ("451 4.3.0 something is wrong", 10),
        ("452 4.2.2 mailbox full", None),
        ("450 4.2.0 Recipient address rejected: Greylisted", None),
    ],
)
def test_how_many_deferrals_are_enough(text: str, times: int | None) -> None:
    domains = SlowDomains()
    count = 0
    while count < 100 and not domains.until("x.example", timezone.now(), is_emergency=False):
        domains.note("x.example", told(Kind.DEFERRED, text))
        count += 1
    assert count == (times or 100)
    assert not domains.until("y.example", timezone.now(), is_emergency=False)


def test_the_wait_grows_while_it_goes_on_and_ends_with_the_first_accepted() -> None:
    domains, now, waits = SlowDomains(), timezone.now(), []
    for _ in range(3):
        domains.note("x.example", told(Kind.DEFERRED, SLOW_DOWN))
    for _ in range(8):
        until = domains.until("x.example", now, is_emergency=False)
        assert until
        waits.append(round((until - now).total_seconds()))
        now = until
        domains.note("x.example", told(Kind.DEFERRED, SLOW_DOWN, (now - timezone.now()).total_seconds() + 0.01))
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    assert waits[-1] == LONGEST.total_seconds()
    domains.note("x.example", told(Kind.ACCEPTED, "250 ok"))
    assert domains.until("x.example", now, is_emergency=False) is None


def test_an_emergency_waits_a_minute_at_most() -> None:
    domains, now = SlowDomains(), timezone.now()
    for number in range(8):
        domains.note("x.example", told(Kind.DEFERRED, SLOW_DOWN, number * 1000))
    later = now + timedelta(seconds=7001)
    assert domains.until("x.example", later, is_emergency=False)
    patience = domains.until("x.example", later, is_emergency=True)
    assert patience
    assert patience - later <= timedelta(minutes=1)
