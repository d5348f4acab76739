import pytest
from django.test import Client
from django.urls import reverse

from broadcasts.composing.drafting import Draft, save_draft, what_is_missing
from broadcasts.models import Broadcast, Membership, School, User
from tests import factory
from tests.broadcasts.composing.drafts import fields, make_draft, url


@pytest.fixture
def draft(alice: User, lincoln: School) -> Broadcast:
    return make_draft(lincoln)


def texts(client: Client, draft: Broadcast, **changed: object) -> str:
    response = client.post(url("edit", draft), fields(draft, **changed), follow=True)
    return str(response.content.decode())


# --- a new draft


def test_looking_at_new_makes_nothing(as_alice: Client) -> None:
    assert b"Start writing" in as_alice.get(reverse("broadcasts:broadcast-new")).content
    assert not Broadcast.objects.exists()


def test_new_makes_a_draft_for_my_school_once(as_alice: Client, lincoln: School) -> None:
    first, second = (as_alice.post(reverse("broadcasts:broadcast-new")) for _ in range(2))
    draft = Broadcast.objects.get()
    assert draft.school == lincoln
    assert first["Location"] == second["Location"] == url("edit", draft)


def test_a_touched_draft_is_not_used_again(as_alice: Client, alice: User) -> None:
    as_alice.post(reverse("broadcasts:broadcast-new"))
    save_draft(Broadcast.objects.get(), Draft(subject="Hello"), alice, 1)
    as_alice.post(reverse("broadcasts:broadcast-new"))
    assert Broadcast.objects.count() == 2


def test_users_of_several_schools_choose_one(as_alice: Client, alice: User, jefferson: School) -> None:
    Membership.objects.create(user=alice, school=jefferson, role=Membership.Role.OFFICE)
    response = as_alice.post(reverse("broadcasts:broadcast-new"))
    assert b"This field is required" in response.content
    as_alice.post(reverse("broadcasts:broadcast-new"), {"school": jefferson.pk})
    assert Broadcast.objects.get().school == jefferson


def test_nobody_starts_a_draft_for_a_school_of_others(as_alice: Client, alice: User, jefferson: School) -> None:
    Membership.objects.create(user=alice, school=factory.make_school("Adams"), role=Membership.Role.OFFICE)
    as_alice.post(reverse("broadcasts:broadcast-new"), {"school": jefferson.pk})
    assert not Broadcast.objects.exists()


def test_a_user_without_a_school_is_told_what_to_do(client: Client, db: None) -> None:
    nobody = User.objects.create_user("dora", "dora@x.example", factory.PASSWORD)
    client.force_login(nobody, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert b"Ask an administrator" in client.post(reverse("broadcasts:broadcast-new")).content


def test_a_new_draft_keeps_the_sender_of_the_last_broadcast(as_alice: Client, draft: Broadcast) -> None:
    factory.make_sender(address="other@lincoln.example")
    as_alice.post(reverse("broadcasts:broadcast-new"))
    newest = Broadcast.objects.first()
    assert newest is not None
    assert newest.sender == draft.sender


# --- saving


def test_saving_keeps_everything(as_alice: Client, alice: User, draft: Broadcast) -> None:
    response = as_alice.post(
        url("edit", draft), fields(draft, subject=" New subject ", body_html="<p>a <b>b</b></p>")
    )
    assert response["Location"] == url("edit", draft)
    draft.refresh_from_db()
    content = draft.contents.get()
    assert (draft.name, content.subject, content.body_html) == ("New subject", "New subject", "<p>a <b>b</b></p>")
    assert draft.version == 2
    assert draft.updated_by == alice


def test_the_page_shows_what_was_saved(as_alice: Client, draft: Broadcast) -> None:
    page = as_alice.get(url("edit", draft)).content.decode()
    assert 'value="Snow day"' in page
    assert "1 person" in page
    assert "{{ first_name }}" in page
    assert "School is closed today." in page


def test_an_incomplete_draft_is_saved(as_alice: Client, draft: Broadcast) -> None:
    as_alice.post(url("edit", draft), {"version": 1, "subject": "Only this"})
    draft.refresh_from_db()
    assert draft.name == "Only this"
    assert draft.broadcast_type is None
    assert not draft.lists.exists()


def test_review_of_a_complete_draft_goes_on(as_alice: Client, draft: Broadcast) -> None:
    response = as_alice.post(url("edit", draft), fields(draft, action="review"))
    assert response["Location"] == url("review", draft)


def test_preview_saves_first(as_alice: Client, draft: Broadcast) -> None:
    response = as_alice.post(url("edit", draft), fields(draft, action="preview", subject=""))
    assert response["Location"] == url("preview", draft)
    draft.refresh_from_db()
    assert draft.name == ""


def test_review_of_an_empty_draft_says_what_is_missing(as_alice: Client, draft: Broadcast) -> None:
    page = as_alice.post(url("edit", draft), {"version": 1, "action": "review"}).content.decode()
    for words in (
        "Choose a broadcast type.",
        "Choose a sender.",
        "Choose at least one list.",
        "Write a subject.",
        "Write a message.",
    ):
        assert words in page


def test_what_was_refused_by_review_can_be_saved_next(as_alice: Client, draft: Broadcast) -> None:
    page = as_alice.post(url("edit", draft), fields(draft, action="review", subject="")).content.decode()
    assert 'name="version" value="2"' in page
    draft.refresh_from_db()
    response = as_alice.post(url("edit", draft), fields(draft, action="review"))
    assert response["Location"] == url("review", draft)


def test_text_without_the_editor_becomes_paragraphs(as_alice: Client, draft: Broadcast) -> None:
    as_alice.post(url("edit", draft), fields(draft, body_html="Mom & Dad,\r\n\r\nno school\r\ntoday."))
    assert draft.contents.get().body_html == "<p>Mom &amp; Dad,</p>\n\n<p>no school<br>today.</p>"


def test_a_subject_with_a_line_break_is_refused_and_kept(as_alice: Client, draft: Broadcast) -> None:
    page = texts(as_alice, draft, subject="Snow\r\nBcc: x@x.example", action="review")
    assert "The subject has a line break" in page
    assert "Bcc: x@x.example" in page
    draft.refresh_from_db()
    assert "line break" in what_is_missing(draft)[0]


def test_a_long_subject_is_refused_in_plain_words(as_alice: Client, draft: Broadcast) -> None:
    page = texts(as_alice, draft, subject="x" * 300)
    assert "at most 255 characters" in page
    assert "x" * 300 in page


@pytest.mark.parametrize("field", ["subject", "body_html", "body_text"])
def test_an_unknown_field_is_named_where_it_stands(as_alice: Client, draft: Broadcast, field: str) -> None:
    page = texts(as_alice, draft, **{field: "Dear {{ frist_name }}"})
    assert "There is no field “{{ frist_name }}”" in page
    assert f'id="id_{field}_error"' in page


def test_script_is_removed_and_the_author_is_told(as_alice: Client, draft: Broadcast) -> None:
    page = texts(as_alice, draft, body_html="<p>a</p><script>alert(1)</script>")
    assert "We removed: a script." in page
    assert draft.contents.get().body_html == "<p>a</p>"


@pytest.mark.parametrize("blank", ["", "<p></p>", "<p>&nbsp;</p>", "<script>alert(1)</script>"])
def test_an_empty_message_is_not_complete(as_alice: Client, draft: Broadcast, blank: str) -> None:
    assert "Write a message." in texts(as_alice, draft, body_html=blank, action="review")


def test_a_message_over_90_kb_is_refused_with_its_size(as_alice: Client, draft: Broadcast) -> None:
    page = texts(as_alice, draft, body_html="<p>" + "word " * 18_000 + "</p>")
    assert "The message is too long: 9" in page
    assert "cut off what is longer than 90 KB" in page
    assert "word word" in draft.contents.get().body_html


def test_the_plain_text_is_written_from_the_message(as_alice: Client, draft: Broadcast) -> None:
    page = texts(as_alice, draft, body_html="<h2>Hi</h2><p>x</p>", action="plain_text")
    assert "Hi\n--\n\nx</textarea>" in page
    draft.refresh_from_db()
    as_alice.post(url("edit", draft), fields(draft, body_html="<h2>Hi</h2><p>x</p>", body_text="Hi\r\n--\r\n\r\nx"))
    assert draft.contents.get().body_text == ""


def test_a_plain_text_of_its_own_stays(as_alice: Client, draft: Broadcast) -> None:
    as_alice.post(url("edit", draft), fields(draft, body_text="My\r\nown"))
    assert draft.contents.get().body_text == "My\nown"


@pytest.mark.parametrize("field", ["broadcast_type", "sender"])
def test_what_was_retired_meanwhile_is_named(as_alice: Client, draft: Broadcast, field: str) -> None:
    retired = getattr(draft, field)
    type(retired).objects.update(is_active=False)
    page = texts(as_alice, draft, action="review")
    assert "(no longer in use)" in page
    assert "is no longer in use. Choose another one." in page


def test_a_sender_of_another_school_is_refused(as_alice: Client, draft: Broadcast, jefferson: School) -> None:
    page = texts(as_alice, draft, sender=factory.make_sender(jefferson).pk)
    assert "This sender no longer exists. Choose again." in page
    draft.sender = factory.make_sender(jefferson)
    assert "belongs to another school" in what_is_missing(draft)[0]


def test_a_list_of_another_school_is_refused(as_alice: Client, draft: Broadcast, jefferson: School) -> None:
    foreign = factory.make_list(jefferson)
    assert "One of the lists no longer exists. Choose again." in texts(as_alice, draft, lists=[foreign.pk])
    draft.lists.add(foreign)
    assert "belong to another school" in what_is_missing(draft)[0]


@pytest.mark.parametrize("field", ["broadcast_type", "sender", "lists"])
@pytest.mark.parametrize("choice", ["999999", "x"])
def test_a_choice_that_is_gone_is_told_in_plain_words(
    as_alice: Client, draft: Broadcast, field: str, choice: str
) -> None:
    page = texts(as_alice, draft, subject="Not lost", **{field: choice})
    assert "no longer exists. Choose again." in page
    assert "Select a valid choice" not in page
    assert "is not a valid value" not in page
    assert 'value="Not lost"' in page


def test_the_browser_may_check_the_spelling(as_alice: Client, draft: Broadcast) -> None:
    page = as_alice.get(url("edit", draft)).content.decode()
    assert "HorizontalRule" in page
    assert "NoSpellCheck" not in page


def test_a_list_without_people_is_not_enough(draft: Broadcast, lincoln: School) -> None:
    draft.lists.set([factory.make_list(lincoln)])
    assert what_is_missing(draft) == ["Nobody is on the chosen lists. Add people to them or choose another list."]


def test_a_complete_draft_misses_nothing(draft: Broadcast) -> None:
    assert what_is_missing(draft) == []


def test_a_school_without_lists_is_led_to_the_upload(as_alice: Client, alice: User) -> None:
    as_alice.post(reverse("broadcasts:broadcast-new"))
    page = as_alice.get(url("edit", Broadcast.objects.get())).content.decode()
    assert "There is no list yet" in page
    assert reverse("broadcasts:upload-new") in page


# --- the stranger


@pytest.mark.parametrize("name", ["edit", "autosave", "delete", "preview", "preview-html", "test"])
def test_a_stranger_finds_nothing(as_bob: Client, draft: Broadcast, name: str) -> None:
    posts = name in ("autosave", "delete", "test")
    answer = as_bob.post(url(name, draft), fields(draft)) if posts else as_bob.get(url(name, draft))
    assert answer.status_code == 404
    assert Broadcast.objects.get().version == 1
