import pytest

from broadcasts.models import BlockedEmail, BlockingPolicy
from tests.broadcasts.delivering.steps import deliver, make_people, results_of, start
from tests.smtp_server import Script

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_refusal_too_many_blocks_in_the_same_commit(mail_server: Script) -> None:
    BlockingPolicy.objects.create(pk=1, failures=2)
    people = make_people("ann@home.example", "bo@home.example", "cy@home.example")
    mail_server.answer("rcpt", "550 5.1.1 no such user", "ann@")
    mail_server.answer("rcpt", "550 5.7.1 your server is on our block list", "bo@")
    for _ in range(2):
        assert not BlockedEmail.objects.exists()
        deliver(start(people))
    [entry] = BlockedEmail.objects.all()
    assert (entry.address, entry.source) == ("ann@home.example", "failures")
    third = start(people)
    deliver(third)
    assert results_of(third) == {
        "ann@home.example": "Blocked",
        "bo@home.example": "Bounced",
        "cy@home.example": "Sent",
    }
