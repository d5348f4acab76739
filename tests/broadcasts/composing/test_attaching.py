"""Files of a draft through the compose page: added, listed, downloaded, removed; nothing written is lost."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from broadcasts.composing.attaching import MOST_FILES
from broadcasts.composing.drafting import what_is_missing
from broadcasts.delivering.controlling import send_now
from broadcasts.models import Attachment, AuditEntry, Broadcast, Content, School, User
from tests import factory
from tests.broadcasts.composing.drafts import fields, make_draft, url
from tests.broadcasts.composing.office_files import EXE


@pytest.fixture
def draft(alice: User, lincoln: School) -> Broadcast:
    return make_draft(lincoln)


def upload(name: str = "menu.pdf", content: bytes = factory.PDF) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def post(client: Client, draft: Broadcast, **changed: Any) -> str:
    draft.refresh_from_db()
    response = client.post(url("edit", draft), fields(draft, **{"action": "attach", **changed}), follow=True)
    assert response.status_code == 200
    return str(response.content.decode())


def names(draft: Broadcast) -> list[str]:
    return [file.filename for file in draft.attachments.all()]


def test_several_files_are_added_at_once_and_listed(as_alice: Client, draft: Broadcast) -> None:
    page = post(as_alice, draft, new_files=[upload(), upload("dates.csv", b"day,what\n" * 200)])
    assert names(draft) == ["menu.pdf", "dates.csv"]
    assert "“menu.pdf” is attached." in page
    assert "Together 1.8\xa0KB of at most 10.0\xa0MB." in page
    for file in draft.attachments.all():
        assert reverse("broadcasts:attachment-download", args=[file.pk]) in page


def test_what_was_written_is_saved_with_the_files(as_alice: Client, draft: Broadcast) -> None:
    post(as_alice, draft, new_files=[upload()], subject="Lunch", body_html="<p>See the menu.</p>")
    content = draft.contents.get()
    assert (content.subject, content.body_html) == ("Lunch", "<p>See the menu.</p>")


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (("menu.pdf", EXE), "it is no PDF"),
        (("setup.exe", EXE), "Programs cannot be attached"),
        (("menu.pdf", b""), "“menu.pdf” is empty."),
        (("menu.pdf", factory.PDF + bytes(11 * 1024 * 1024)), "“menu.pdf” is too large"),
    ],
)
def test_a_refused_file_loses_nothing_of_the_draft(
    as_alice: Client, draft: Broadcast, file: tuple[str, bytes], words: str
) -> None:
    page = post(as_alice, draft, new_files=[upload(*file), upload("good.pdf")], subject="Lunch")
    assert words in page
    assert "The draft is saved, without what could not be added." in page
    assert 'value="Lunch"' in page
    assert draft.contents.get().subject == "Lunch"
    assert names(draft) == ["good.pdf"]
    assert 'name="version" value="3"' in page  # so that the next save is not stale


def test_pressing_attach_without_a_file_says_so(as_alice: Client, draft: Broadcast) -> None:
    assert "Choose the files to add first." in post(as_alice, draft)
    assert draft.contents.get().body_html == "<p>School is closed today.</p>"


def test_the_files_together_have_a_limit(as_alice: Client, draft: Broadcast, settings: Settings) -> None:
    settings.ATTACHMENTS_MAX_BYTES = 1000
    page = post(
        as_alice, draft, new_files=[upload(f"{n}.pdf", factory.PDF + b"%d" % n + bytes(380)) for n in range(3)]
    )
    assert names(draft) == ["0.pdf", "1.pdf"]
    assert "With “2.pdf” the files would have" in page
    settings.ATTACHMENTS_MAX_BYTES = 700
    assert any("remove some" in reason for reason in what_is_missing(draft))


def test_the_same_file_twice_is_there_once(as_alice: Client, draft: Broadcast) -> None:
    post(as_alice, draft, new_files=[upload()])
    assert "“menu.pdf” is there already." in post(as_alice, draft, new_files=[upload("copy.pdf")])
    assert names(draft) == ["menu.pdf"]


def test_another_file_of_the_same_name_asks_for_a_decision(as_alice: Client, draft: Broadcast) -> None:
    post(as_alice, draft, new_files=[upload()])
    page = post(as_alice, draft, new_files=[upload("Menu.PDF", factory.PDF + b"2")])
    assert "There is another file “Menu.PDF” already." in page


def test_files_have_a_largest_number(as_alice: Client, draft: Broadcast) -> None:
    many = [upload(f"{n}.txt", b"%d" % n) for n in range(MOST_FILES + 1)]
    assert "at most 20 at once" in post(as_alice, draft, new_files=many)
    assert "A broadcast can have 20 files" in post(as_alice, draft, new_files=[upload()])
    assert draft.attachments.count() == MOST_FILES


def test_a_file_is_removed_once(as_alice: Client, draft: Broadcast) -> None:
    file = factory.make_attachment(draft)
    assert "“menu.pdf” is removed." in post(as_alice, draft, remove=file.pk, subject="Kept")
    assert "is removed" not in post(as_alice, draft, remove=file.pk, subject="Kept")
    assert not draft.attachments.exists()
    assert draft.contents.get().subject == "Kept"


def test_both_deeds_are_on_record(as_alice: Client, alice: User, draft: Broadcast) -> None:
    post(as_alice, draft, new_files=[upload()])
    post(as_alice, draft, remove=draft.attachments.get().pk)
    entries = AuditEntry.objects.filter(action__startswith="broadcast.file").order_by("pk")
    assert [(one.action, one.actor, one.details["file"]) for one in entries] == [
        ("broadcast.file_added", alice, "menu.pdf"),
        ("broadcast.file_removed", alice, "menu.pdf"),
    ]


def test_a_stale_form_adds_nothing_and_says_so(as_alice: Client, draft: Broadcast) -> None:
    data = fields(draft, version=0, new_files=[upload()], action="attach")
    page = as_alice.post(url("edit", draft), data).content.decode()
    assert "the files were not added. Choose them again." in page
    assert not draft.attachments.exists()


def test_a_changed_file_asks_for_another_review(as_alice: Client, draft: Broadcast) -> None:
    reviewed = {"version": draft.version, "expected": 1}
    factory.make_attachment(draft)
    page = as_alice.post(url("send", draft), reviewed).content.decode()
    assert "The message was changed since you looked." in page


def test_after_send_nothing_changes(as_alice: Client, draft: Broadcast, alice: User) -> None:
    file = factory.make_attachment(draft)
    assert send_now(draft, alice)
    for change in ({"new_files": [upload("late.pdf", factory.PDF + b"x")]}, {"remove": file.pk}):
        assert "no longer a draft" in post(as_alice, draft, **change)
    assert names(draft) == ["menu.pdf"]
    assert as_alice.get(reverse("broadcasts:attachment-download", args=[file.pk])).status_code == 200


def test_a_download_runs_nothing(as_alice: Client, draft: Broadcast) -> None:
    file = factory.make_attachment(draft, "Speiseplan für Müller.pdf")
    response = as_alice.get(reverse("broadcasts:attachment-download", args=[file.pk]))
    assert response.content == factory.PDF
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"].startswith("attachment; filename*=utf-8''Speiseplan%20f%C3%BCr")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert "no-store" in response["Cache-Control"]


def test_a_stranger_neither_reads_nor_adds_nor_removes(as_bob: Client, draft: Broadcast) -> None:
    file = factory.make_attachment(draft)
    picture = factory.make_picture(draft)
    assert as_bob.get(reverse("broadcasts:attachment-download", args=[file.pk])).status_code == 404
    seen = reverse("broadcasts:broadcast-picture", args=[draft.pk, picture.picture_id])
    assert as_bob.get(seen).status_code == 404
    for change in ({"new_files": [upload("bob.pdf")]}, {"remove": file.pk}, {"place": picture.pk}):
        assert as_bob.post(url("edit", draft), fields(draft, **change)).status_code == 404
    assert draft.attachments.count() == 2


def test_nobody_removes_a_strangers_file_through_a_draft_of_ones_own(
    as_bob: Client, draft: Broadcast, jefferson: School
) -> None:
    file = factory.make_attachment(draft)
    theirs = make_draft(jefferson)
    post(as_bob, theirs, remove=file.pk)
    assert names(draft) == ["menu.pdf"]


def test_lists_of_files_never_read_what_is_in_them(as_alice: Client, draft: Broadcast) -> None:
    factory.make_attachment(draft)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        for name in ("edit", "preview", "review"):
            assert "menu.pdf" in as_alice.get(url(name, draft)).content.decode()
    read = [query["sql"] for query in queries if "broadcasts_attachment" in query["sql"]]
    assert read
    assert not [sql for sql in read if '"content"' in sql]


def test_the_review_names_the_files_and_warns_of_much_traffic(
    as_alice: Client, draft: Broadcast, settings: Settings
) -> None:
    file = factory.make_attachment(draft)
    page = as_alice.get(url("review", draft)).content.decode()
    assert "menu.pdf" in page
    assert "leave your mail server" not in page
    Attachment.objects.filter(pk=file.pk).update(size=900 * 1024 * 1024)
    settings.ATTACHMENTS_MAX_BYTES = 1024**3
    assert "1.2\xa0GB leave your mail server" in as_alice.get(url("review", draft)).content.decode()


def test_a_deleted_draft_takes_its_files_along(as_alice: Client, draft: Broadcast) -> None:
    factory.make_attachment(draft)
    as_alice.post(url("delete", draft))
    assert not Attachment.objects.exists()


# --- pictures


def add_picture(client: Client, draft: Broadcast, **changed: Any) -> str:
    data = {"picture": upload("gym.png", factory.PNG), "picture_words": "Our <new> gym", "action": "picture"}
    return post(client, draft, **{**data, **changed})


def test_a_picture_goes_to_the_end_of_the_message(as_alice: Client, draft: Broadcast) -> None:
    page = add_picture(as_alice, draft)
    picture = draft.attachments.get()
    address = reverse("broadcasts:broadcast-picture", args=[draft.pk, picture.picture_id])
    assert draft.contents.get().body_html.startswith(
        f'<p>School is closed today.</p><p><img src="{address}" alt="Our'
    )
    assert "is not in the message" not in page
    assert what_is_missing(draft) == []
    shown = as_alice.get(address)
    assert (shown["Content-Type"], shown.content) == ("image/png", factory.PNG)
    assert "sandbox" in shown["Content-Security-Policy"]
    # Saving what the editor sends back keeps it.
    html = draft.contents.get().body_html
    post(as_alice, draft, body_html=html)
    assert draft.contents.get().body_html == html


def test_a_picture_stays_where_the_editor_put_it(as_alice: Client, draft: Broadcast) -> None:
    name = "0b8f7a52-6d0e-4d4e-9a59-5d8c9a0f1b2c"
    body = f'<p>a</p><img src="/broadcasts/{draft.pk}/pictures/{name}/" alt="Gym"><p>b</p>'
    add_picture(as_alice, draft, picture_id=name, body_html=body)
    assert draft.contents.get().body_html == body
    assert str(draft.attachments.get().picture_id) == name


@pytest.mark.parametrize("wrong", [{"picture_words": " "}, {"picture": SimpleUploadedFile("gym.png", EXE)}])
def test_a_refused_picture_leaves_no_gap_in_the_message(
    as_alice: Client, draft: Broadcast, wrong: dict[str, Any]
) -> None:
    name = "0b8f7a52-6d0e-4d4e-9a59-5d8c9a0f1b2c"
    body = f'<p>a</p><p><img src="/broadcasts/{draft.pk}/pictures/{name}/" alt="Gym"></p>'
    page = add_picture(as_alice, draft, picture_id=name, body_html=body, **wrong)
    assert "in a few words" in page or "it is no PNG" in page
    assert draft.contents.get().body_html == "<p>a</p>"
    assert not draft.attachments.exists()


def test_a_removed_picture_leaves_the_message(as_alice: Client, draft: Broadcast) -> None:
    picture = factory.make_picture(draft)
    post(as_alice, draft, remove=picture.pk, body_html=draft.contents.get().body_html)
    assert draft.contents.get().body_html == "<p>School is closed today.</p>"


def test_a_picture_that_left_the_message_is_not_sent_and_can_come_back(as_alice: Client, draft: Broadcast) -> None:
    picture = factory.make_picture(draft)
    assert "It is not in the message, so it is not sent." in post(as_alice, draft, body_html="<p>a</p>")
    post(as_alice, draft, place=picture.pk, body_html="<p>a</p>")
    post(as_alice, draft, place=picture.pk, body_html=draft.contents.get().body_html)
    assert draft.contents.get().body_html.count("<img") == 1


def test_a_picture_of_another_broadcast_forbids_sending(as_alice: Client, draft: Broadcast, lincoln: School) -> None:
    other = make_draft(lincoln)
    factory.make_picture(other)
    body = other.contents.get().body_html
    assert "a picture that this broadcast does not have" in post(as_alice, draft, body_html=body)
    gone = body.replace(f"/{other.pk}/", f"/{draft.pk}/")
    assert "a picture that this broadcast does not have" in post(as_alice, draft, body_html=gone)


def test_a_picture_without_words_forbids_sending(draft: Broadcast) -> None:
    factory.make_picture(draft)
    html = draft.contents.get().body_html
    Content.objects.update(body_html=html.replace('alt="The new gym"', 'alt=" "'))
    assert any("no words for those who cannot see it" in reason for reason in what_is_missing(draft))


def test_the_preview_shows_pictures_and_names_files(as_alice: Client, draft: Broadcast) -> None:
    picture, file = factory.make_picture(draft), factory.make_attachment(draft)
    frame = as_alice.get(url("preview-html", draft)).content.decode()
    address = reverse("broadcasts:broadcast-picture", args=[draft.pk, picture.picture_id])
    assert f'src="{address}"' in frame
    assert "cid:" not in frame
    page = as_alice.get(url("preview", draft)).content.decode()
    assert reverse("broadcasts:attachment-download", args=[file.pk]) in page
    assert "[The new gym]" in as_alice.get(url("preview", draft), {"view": "text"}).content.decode()
