"""“Do not contact” also holds for what was prepared before somebody said so."""

import pytest
from django.utils import timezone

from broadcasts.delivering.controlling import send_now
from broadcasts.models import Broadcast, Guardianship, List, Person
from broadcasts.preparing.preparing import announce_preparing, prepare_deliveries
from reports.why_not import words_for
from tests import factory
from tests.broadcasts.delivering.steps import deliver, make_due, make_people, results_of, row_of, start
from tests.smtp_server import Script

pytestmark = pytest.mark.django_db


def make_student(name: str, *guardians: Person) -> Person:
    student = factory.make_person(factory.make_school(), name, kind=Person.Kind.STUDENT)
    for guardian in guardians:
        Guardianship.objects.create(student=student, guardian=guardian)
    return student


def mark(guardian: Person, student: Person) -> None:
    Guardianship.objects.filter(guardian=guardian, student=student).update(do_not_contact=True)


def test_who_is_marked_after_preparing_is_not_written_to(mail_server: Script) -> None:
    anna, ben = make_people("anna@x.example", "ben@x.example")
    sam = make_student("Sam", anna, ben)
    broadcast = start([anna, ben])
    mark(anna, sam)
    deliver(broadcast)
    assert results_of(broadcast) == {"anna@x.example": "No Email Selected", "ben@x.example": "Sent"}
    assert [received.recipient for received in mail_server.received] == ["ben@x.example"]
    assert broadcast.status == Broadcast.Status.SENT
    assert "They are marked “do not contact” for the student" in words_for(row_of(broadcast, "anna@x.example"))


def test_who_is_marked_between_two_attempts_is_not_tried_again(mail_server: Script) -> None:
    mail_server.answer("rcpt", "452 4.2.2 mailbox full", times=1)
    [anna] = make_people("anna@x.example")
    sam = make_student("Sam", anna)
    broadcast = start([anna])
    deliver(broadcast)
    mark(anna, sam)
    make_due(broadcast)
    deliver(broadcast)
    row = row_of(broadcast, "anna@x.example")
    assert (row.get_result_display(), row.note, row.next_attempt_at) == ("Bounced", "do_not_contact", None)
    assert not mail_server.received
    assert "marked “do not contact” for the student before it worked" in words_for(row)


def test_who_is_still_written_to_through_another_student_gets_it(mail_server: Script) -> None:
    [anna] = make_people("anna@x.example")
    sam, tom = make_student("Sam", anna), make_student("Tom", anna)
    broadcast = factory.make_broadcast(people=[sam, tom])
    broadcast.lists.update(target=List.Target.GUARDIANS)
    assert send_now(broadcast, None, undo_seconds=0)
    assert announce_preparing(broadcast.pk, timezone.now())
    assert prepare_deliveries(broadcast.pk)
    broadcast.refresh_from_db()
    mark(anna, sam)
    deliver(broadcast)
    assert results_of(broadcast) == {"anna@x.example": "Sent"}


def test_an_address_that_others_share_still_gets_their_email(mail_server: Script) -> None:
    anna, ben = make_people("home@x.example", "home@x.example")
    sam = make_student("Sam", anna, ben)
    broadcast = start([anna, ben])
    mark(anna, sam)
    deliver(broadcast)
    assert [received.recipient for received in mail_server.received] == ["home@x.example"]
