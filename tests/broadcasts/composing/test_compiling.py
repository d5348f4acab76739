from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadcasts.composing.compiling import Recipient, compile_broadcast
from broadcasts.composing.headers import envelope_sender
from broadcasts.models import Broadcast, Content
from broadcasts.tokens import make_token, read_token
from tests import factory

MARIA = Recipient(7, "Maria Garcia", "maria@x.example", "en")
BODY = '<p>Dear {{ first_name }},</p><p>see <a href="https://x.example/?e={{ email }}">our page</a></p>'


def parse(message: bytes) -> EmailMessage:
    parsed = message_from_bytes(message, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    return parsed


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@pytest.fixture
def broadcast(db: None) -> Broadcast:
    return factory.make_broadcast(subject="News for {{ name }}", body_html=BODY)


def test_both_parts_are_filled_and_escaped_for_their_place(broadcast: Broadcast) -> None:
    evil = Recipient(7, '<b>"Ann" & Co', "a&b@x.example", "en")
    compiled = compile_broadcast(broadcast)
    message = parse(compiled.message_for(evil))
    html, text = body(message, "html"), body(message, "plain")
    assert "Dear &lt;b&gt;&quot;Ann&quot;," in html
    assert "https://x.example/?e=a%26b%40x.example" in html
    assert 'Dear <b>"Ann",' in text
    assert html.strip() == compiled.html_for(evil).strip()
    assert text.strip() == compiled.text_for(evil).strip()


def test_headers_of_a_general_broadcast(broadcast: Broadcast) -> None:
    message = parse(compile_broadcast(broadcast).message_for(MARIA))
    token = make_token(7, "preferences")
    assert message["Message-ID"] == f"<{broadcast.uuid.hex}.7@lincoln.example>"
    assert message["From"] == "School Office <office@lincoln.example>"
    assert message["To"] == "Maria Garcia <maria@x.example>"
    assert message["Subject"] == "News for Maria Garcia"
    assert message["List-Id"] == "General - Lincoln <general.lincoln.lincoln.example>"
    assert message["List-Unsubscribe"] == f"<http://127.0.0.1:8000/u/{token}/>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Feedback-ID"] == f"{broadcast.pk}:general:lincoln:messenger"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Precedence"] == "bulk"
    assert message["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert read_token(message["X-Delivery-Id"], "bounce") == 7
    assert message["Reply-To"] is None
    assert message["Date"]


def test_pixel_and_links_carry_the_tokens_of_their_doors(broadcast: Broadcast) -> None:
    compiled = compile_broadcast(broadcast)
    html = compiled.html_for(MARIA)
    assert f'src="http://127.0.0.1:8000/o/{make_token(7, "pixel")}.gif"' in html
    assert f'href="http://127.0.0.1:8000/u/{make_token(7, "preferences")}/"' in html
    assert f"http://127.0.0.1:8000/u/{make_token(7, 'preferences')}/" in compiled.text_for(MARIA)


def test_an_emergency_cannot_be_unsubscribed_but_is_tracked(db: None) -> None:
    broadcast = factory.make_broadcast(type_name="Emergency")
    message = parse(compile_broadcast(broadcast).message_for(MARIA))
    assert message["List-Unsubscribe"] is None
    assert message["List-Unsubscribe-Post"] is None
    assert "/u/" not in body(message, "html") + body(message, "plain")
    assert "/o/" in body(message, "html")


def test_a_preview_is_not_tracked(broadcast: Broadcast) -> None:
    message = parse(compile_broadcast(broadcast).message_for(Recipient(None, "Maria", "m@x.example"), "[Test] "))
    assert message["Subject"] == "[Test] News for Maria"
    assert message["List-Unsubscribe"] is None
    assert message["X-Delivery-Id"] is None
    assert "/u/" not in body(message, "html") + body(message, "plain")
    assert "/o/" not in body(message, "html")


def test_the_same_delivery_has_the_same_message_id(broadcast: Broadcast) -> None:
    first, second = (parse(compile_broadcast(broadcast).message_for(MARIA)) for _ in range(2))
    assert first["Message-ID"] == second["Message-ID"]


def test_the_language_is_exact_then_base_then_default(broadcast: Broadcast) -> None:
    Content.objects.create(broadcast=broadcast, language="es", is_default=False, subject="Hola", body_html="<p>H</p>")
    compiled = compile_broadcast(broadcast)
    subjects = [compiled.subject_for(Recipient(1, "M", "m@x.example", code)) for code in ("es", "es-MX", "so", "en")]
    assert subjects == ["Hola", "Hola", "News for M", "News for M"]
    assert '<html lang="es"' in compiled.html_for(Recipient(1, "M", "m@x.example", "es_MX"))


def test_a_field_in_a_link_is_the_same_address_in_both_parts(broadcast: Broadcast) -> None:
    broadcast.contents.update(body_html='<p><a href="https://ok.example/?n={{ name }}">Open</a></p>')
    compiled = compile_broadcast(broadcast)
    assert 'href="https://ok.example/?n=Maria%20Garcia"' in compiled.html_for(MARIA)
    text = compiled.text_for(MARIA)
    assert text.startswith("Open (https://ok.example/?n=Maria%20Garcia)")
    assert f"http://127.0.0.1:8000/u/{make_token(7, 'preferences')}/" in text


def test_a_text_of_its_own_replaces_the_derived_one(broadcast: Broadcast) -> None:
    broadcast.contents.update(body_text="Call {{ school }}.")
    assert compile_broadcast(broadcast).text_for(MARIA).startswith("Call Lincoln.")


def test_styles_are_inline_and_dark_colours_stay(broadcast: Broadcast) -> None:
    html = compile_broadcast(broadcast).html_for(MARIA)
    assert '<p style="margin: 0 0 16px;">Dear Maria,' in html
    assert "prefers-color-scheme: dark" in html


def test_what_slipped_into_the_database_is_cleaned_again(broadcast: Broadcast) -> None:
    broadcast.contents.update(body_html="<p>a</p><script>alert(1)</script>")
    assert "<script" not in compile_broadcast(broadcast).html_for(MARIA)


def test_the_preheader_is_how_the_message_begins(broadcast: Broadcast) -> None:
    broadcast.contents.update(body_html=f"<h2>News</h2>{BODY}<p>{'word ' * 50}</p>")
    html = compile_broadcast(broadcast).html_for(MARIA)
    shown = html.partition('class="preheader"')[2].partition(">")[2].partition("</div>")[0]
    assert shown.startswith("News Dear Maria, see our page word word")
    assert shown.endswith("word …")


def test_a_users_text_is_never_a_template(broadcast: Broadcast) -> None:
    broadcast.contents.update(body_html="<p>{% load x %}{{ settings.SECRET_KEY }}{{ name }}</p>", subject="{% url %}")
    compiled = compile_broadcast(broadcast)
    assert "{% load x %}{{ settings.SECRET_KEY }}Maria" in compiled.html_for(MARIA)
    assert compiled.subject_for(MARIA) == "{% url %}"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(name=st.text(max_size=200), word=st.text(max_size=255))
def test_any_name_and_text_make_a_proper_message(broadcast: Broadcast, name: str, word: str) -> None:
    broadcast.contents.update(subject=word.replace("\0", "")[:255], body_text=word.replace("\0", ""))
    raw = compile_broadcast(broadcast).message_for(Recipient(7, name, "m@x.example"))
    assert all(byte < 128 for byte in raw)
    assert b"\0" not in raw
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    message = message_from_bytes(raw, policy=policy.default)
    assert [name for name in message if name in ("Bcc", "Cc")] == []
    assert message["Message-ID"] == f"<{broadcast.uuid.hex}.7@lincoln.example>"
    assert raw.split(b"\r\nTo: ")[1].split(b"\r\nSubject: ")[0].rstrip(b">").endswith(b"m@x.example")


@pytest.mark.parametrize(
    "name", ["Eve\r\nBcc: x@x.example", "Eve\nBcc: x@x.example", "Eve\x85Bcc: x", '"Eve" <x@x.example>']
)
def test_a_name_cannot_add_headers_or_recipients(broadcast: Broadcast, name: str) -> None:
    message = parse(compile_broadcast(broadcast).message_for(Recipient(7, name, "m@x.example")))
    assert message["Bcc"] is None
    assert [address.addr_spec for address in message["To"].addresses] == ["m@x.example"]


def test_names_of_any_script_arrive(broadcast: Broadcast) -> None:
    message = parse(compile_broadcast(broadcast).message_for(Recipient(7, "李小龍 Müller", "m@x.example")))
    assert message["To"].addresses[0].display_name == "李小龍 Müller"
    assert message["Subject"] == "News for 李小龍 Müller"


def test_text_of_another_script_is_base64(broadcast: Broadcast) -> None:
    broadcast.contents.update(body_text="Здравствуйте, школа сегодня закрыта. " * 30)
    message = parse(compile_broadcast(broadcast).message_for(MARIA))
    part = message.get_body(("plain",))
    assert part is not None
    assert part["Content-Transfer-Encoding"] == "base64"
    assert part.get_content().startswith("Здравствуйте")


def test_an_international_domain_is_written_in_ascii(broadcast: Broadcast) -> None:
    message = compile_broadcast(broadcast).message_for(Recipient(7, "M", "m@schülé.example"))
    assert b"<m@xn--schl-bpa7a.example>" in message or b"xn--" in message


def test_reply_to_is_there_when_the_sender_has_one(broadcast: Broadcast) -> None:
    assert broadcast.sender is not None
    broadcast.sender.reply_to = "desk@lincoln.example"
    assert parse(compile_broadcast(broadcast).message_for(MARIA))["Reply-To"] == "desk@lincoln.example"


def test_the_envelope_names_the_delivery(broadcast: Broadcast, settings: object) -> None:
    token = make_token(7, "bounce")
    local, _, domain = envelope_sender(broadcast, token).partition("@")
    assert domain == "bounces.messenger.test"
    assert read_token(local.removeprefix("b+"), "bounce") == 7
    assert envelope_sender(broadcast) == "office@lincoln.example"
    settings.BOUNCE_DOMAIN = ""  # type: ignore[attr-defined]
    assert envelope_sender(broadcast, token) == "office@lincoln.example"


def test_a_draft_without_anything_can_be_looked_at(lincoln: object) -> None:
    draft = Broadcast.objects.create(school=factory.make_school())
    assert "Lincoln" in compile_broadcast(draft).html_for(Recipient(None, "M", "m@x.example"))
