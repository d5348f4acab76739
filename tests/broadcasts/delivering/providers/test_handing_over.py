"""What the provider has at the end, by its own record, and the ledger beside it."""

from base64 import b64encode

import pytest
from pytest_django import Settings

from broadcasts.models import Broadcast, Delivery, Person, Sender
from broadcasts.tokens import make_token, read_token
from tests import factory
from tests.broadcasts.delivering.providers.conftest import each_of
from tests.broadcasts.delivering.steps import deliver, make_people, results_of, row_of, start, start_broadcast
from tests.provider_server import Email, Record

pytestmark = pytest.mark.django_db(transaction=True)

BODY = '<p>Dear {{ first_name }},</p><p>see <a href="https://x.example/?e={{ email }}">our page</a></p>'
SITE = "http://127.0.0.1:8000"


def start_to(people: list[Person], subject: str = "News for {{ name }}", body_html: str = BODY) -> Broadcast:
    return start_broadcast(factory.make_broadcast(people=people, subject=subject, body_html=body_html))


def assert_is_their_own(email: Email, row: Delivery) -> None:
    pixel, preferences = make_token(row.pk, "pixel"), make_token(row.pk, "preferences")
    assert read_token(email.metadata["delivery"], "webhook") == row.pk
    assert f'src="{SITE}/o/{pixel}.gif"' in email.html
    assert f'href="{SITE}/u/{preferences}/"' in email.html
    assert f"{SITE}/u/{preferences}/" in email.text
    assert email.headers["List-Unsubscribe"] == f"<{SITE}/u/{preferences}/>"
    assert email.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert read_token(email.headers["X-Delivery-Id"], "bounce") == row.pk


@each_of()
def test_everybody_gets_their_own_email_once(provider: Record) -> None:
    people = make_people(*(f"family{number}@x.example" for number in range(7)))
    broadcast = start_to(people)
    deliver(broadcast)
    assert provider.to() == sorted(f"family{number}@x.example" for number in range(7))
    for row in broadcast.deliveries.all():
        email = provider.email_to(row.email)
        assert_is_their_own(email, row)
        assert email.subject == f"News for {row.name}"
        assert "Dear Person," in email.html
        assert "Dear Person," in email.text
        assert f"https://x.example/?e={row.email.replace('@', '%40')}" in email.html
        assert (row.get_result_display(), row.attempts, row.state) == ("Sent", 1, Delivery.State.IDLE)
        assert row.provider_message_id
        assert row.tries.get().outcome == "accepted"
    assert broadcast.status == Broadcast.Status.SENT


@each_of("postmark", "sparkpost", "brevo", "mailjet")
def test_files_and_pictures_go_along(provider: Record) -> None:
    people = make_people("anna@x.example", "ben@x.example")
    broadcast = factory.make_broadcast(people=people)
    factory.make_attachment(broadcast, "menu.pdf")
    factory.make_picture(broadcast)
    broadcast.refresh_from_db()
    start_broadcast(broadcast)
    deliver(broadcast)
    assert provider.to() == ["anna@x.example", "ben@x.example"]
    for request in provider.requests:
        body = request.body.decode()
        assert b64encode(factory.PDF).decode() in body
        assert b64encode(factory.PNG).decode() in body
        assert "menu.pdf" in body


@each_of()
def test_values_and_texts_are_no_template_of_the_provider(provider: Record) -> None:
    factory.make_type()
    strange = '{{name}} *|X|* %recipient.f0% <b>"O\'Neil" & Co {% x %}'
    anna = factory.make_person(factory.make_school(), strange, addresses=["anna@x.example"])
    words = "100%recipient.f1% %unsubscribe_url% *|UNSUB|* {% if x %} {# no #} {$y} [[var:z]]"
    broadcast = start_to([anna], subject=f"{words} {{{{ name }}}}", body_html=f"<p>{words}</p><p>{{{{ name }}}}</p>")
    deliver(broadcast)
    email = provider.email_to("anna@x.example")
    assert email.subject == f"{words} {strange}"
    assert words in email.text
    assert strange in email.text
    assert f">{words}</p>" in email.html
    assert "{{name}} *|X|* %recipient.f0% &lt;b&gt;&quot;O&#x27;Neil&quot; &amp; Co {% x %}" in email.html


@each_of()
def test_nothing_but_our_token_goes_into_metadata_and_headers(provider: Record) -> None:
    factory.make_type()
    anna = factory.make_person(factory.make_school(), "Anna Garcia", addresses=["anna@x.example"])
    deliver(start_to([anna]))
    email = provider.email_to("anna@x.example")
    assert set(email.metadata) == {"delivery"}
    told = repr((dict(email.headers), dict(email.metadata)))
    assert "Anna" not in told
    assert "anna@" not in told
    assert email.headers["Auto-Submitted"] == "auto-generated"
    assert email.headers["List-Id"] == "<general.lincoln.lincoln.example>"


@each_of("postmark", "mailgun", "sparkpost", "mandrill", "mailjet")
def test_the_providers_own_counting_of_openings_is_off(provider: Record) -> None:
    deliver(start_to(make_people("anna@x.example")))
    assert provider.email_to("anna@x.example").tracks_opens is False


@each_of("postmark", "mailgun", "sparkpost", "mandrill", "mailjet")
def test_the_providers_own_counting_of_openings_may_be_chosen(provider: Record, settings: Settings) -> None:
    settings.PROVIDER_TRACKS_OPENS = True
    deliver(start_to(make_people("anna@x.example")))
    assert provider.email_to("anna@x.example").tracks_opens is True


@each_of()
def test_an_emergency_has_no_header_to_unsubscribe(provider: Record) -> None:
    factory.make_type("Emergency")
    deliver(start(make_people("anna@x.example"), "Emergency"))
    assert not any(name.startswith("List-Unsubscribe") for name in provider.email_to("anna@x.example").headers)


@each_of()
def test_each_language_has_its_own_text(provider: Record) -> None:
    factory.make_type()
    school = factory.make_school()
    people = [
        factory.make_person(school, addresses=[f"{language}{number}@x.example"], language=language)
        for number in range(3)
        for language in ("en", "es")
    ]
    broadcast = factory.make_broadcast(people=people)
    broadcast.contents.create(
        is_default=False, language="es", subject="Día de nieve", body_html="<p>No hay clases.</p>"
    )
    deliver(start_broadcast(broadcast))
    assert {email.to: email.subject for email in provider.taken} == {
        f"{language}{number}@x.example": subject
        for number in range(3)
        for language, subject in (("en", "Snow day"), ("es", "Día de nieve"))
    }


@each_of()
def test_a_batch_is_no_larger_than_was_set(provider: Record, settings: Settings) -> None:
    settings.MAIL_PROVIDER_BATCH = 3
    deliver(start(make_people(*(f"family{number}@x.example" for number in range(8)))))
    assert max(provider.sizes) <= 3
    assert sum(provider.sizes) == 8


@each_of("postmark", "mailgun", "sparkpost", "brevo", "mailjet", "mailtrap", "resend")
def test_those_who_can_get_many_emails_in_one_request(provider: Record) -> None:
    deliver(start(make_people(*(f"family{number}@x.example" for number in range(8)))))
    assert provider.sizes == [8]


@each_of("mandrill")
def test_those_who_cannot_get_one_email_in_each(provider: Record) -> None:
    deliver(start(make_people(*(f"family{number}@x.example" for number in range(8)))))
    assert provider.sizes == [1] * 8


@each_of()
def test_names_are_written_for_people(provider: Record) -> None:
    factory.make_type()
    school = factory.make_school()
    names = {"a@x.example": "Zoë Müller", "b@x.example": 'Garcia, "Ann"', "c@x.example": "李 雷", "d@x.example": "Jo"}
    people = [factory.make_person(school, name, addresses=[address]) for address, name in names.items()]
    deliver(start(people))
    assert {email.to: email.name for email in provider.taken} == names


def test_an_international_domain_is_written_in_ascii(provider: Record) -> None:
    broadcast = start(make_people("anna@bücher.example"))
    deliver(broadcast)
    assert provider.to() == ["anna@xn--bcher-kva.example"]
    assert results_of(broadcast) == {"anna@bücher.example": "Sent"}


def test_one_connection_serves_many_requests(provider: Record, settings: Settings) -> None:
    settings.MAIL_PROVIDER_BATCH, settings.DELIVERING_CONNECTIONS = 1, 2
    deliver(start(make_people(*(f"family{number}@x.example" for number in range(10)))))
    assert len(provider.sizes) == 10
    assert provider.connections <= 2


def test_a_second_arrival_sends_nothing_again(provider: Record) -> None:
    broadcast = start(make_people("anna@x.example"))
    deliver(broadcast)
    deliver(broadcast)
    assert len(provider.requests) == 1
    assert row_of(broadcast, "anna@x.example").attempts == 1


@each_of("postmark", "sparkpost")
def test_a_sender_with_a_limit_sends_through_a_provider_too(provider: Record) -> None:
    people = make_people("anna@x.example", "ben@x.example")
    broadcast = factory.make_broadcast(people=people)
    Sender.objects.update(max_per_minute=60)
    start_broadcast(broadcast)
    deliver(broadcast)
    assert provider.to() == ["anna@x.example", "ben@x.example"]
