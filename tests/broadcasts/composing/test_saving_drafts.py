import pytest
from django.test import Client
from django.urls import reverse

from broadcasts.composing.drafting import Draft, NotADraft, StaleDraft, save_draft
from broadcasts.models import AuditEntry, Broadcast, School, User
from tests.broadcasts.composing.drafts import fields, make_draft, url


@pytest.fixture
def draft(alice: User, lincoln: School) -> Broadcast:
    return make_draft(lincoln)


# --- two at once


def test_the_second_tab_does_not_overwrite_the_first(as_alice: Client, alice: User, draft: Broadcast) -> None:
    old = fields(draft, subject="Second tab")
    save_draft(draft, Draft(subject="First tab"), alice, 1)
    page = as_alice.post(url("edit", draft), old).content.decode()
    assert "You changed this draft in another window or tab" in page
    assert 'value="Second tab"' in page
    draft.refresh_from_db()
    assert draft.name == "First tab"


def test_who_changed_it_is_named_and_may_be_overruled(as_alice: Client, charlie: User, draft: Broadcast) -> None:
    old = fields(draft, subject="Mine")
    save_draft(draft, Draft(subject="Theirs"), charlie, 1)
    assert "Charlie changed this draft" in as_alice.post(url("edit", draft), old).content.decode()
    as_alice.post(url("edit", draft), old | {"action": "overwrite"})
    draft.refresh_from_db()
    assert draft.name == "Mine"


def test_a_stale_save_changes_nothing(alice: User, draft: Broadcast) -> None:
    save_draft(draft, Draft(subject="First", lists=list(draft.lists.all())), alice, 1)
    with pytest.raises(StaleDraft) as stale:
        save_draft(draft, Draft(subject="Second"), alice, 1)
    assert stale.value.changed_by == alice
    assert draft.contents.get().subject == "First"
    assert draft.lists.count() == 1


# --- no longer a draft


@pytest.mark.parametrize("status", ["scheduled", "sending", "sent", "cancelled"])
def test_what_has_left_cannot_be_edited(as_alice: Client, alice: User, draft: Broadcast, status: str) -> None:
    Broadcast.objects.update(status=status)
    for response in (as_alice.get(url("edit", draft)), as_alice.post(url("edit", draft), fields(draft, subject="x"))):
        assert response["Location"] == url("detail", draft)
    assert as_alice.post(url("autosave", draft), fields(draft, subject="x")).status_code == 409
    assert as_alice.post(url("delete", draft))["Location"] == url("detail", draft)
    with pytest.raises(NotADraft):
        save_draft(draft, Draft(), alice, 1)
    assert draft.contents.get().subject == "Snow day"


# --- autosave


def test_autosave_answers_with_version_and_time(as_alice: Client, draft: Broadcast) -> None:
    answer = as_alice.post(url("autosave", draft), fields(draft, subject="Half a"))
    assert answer.status_code == 200
    assert answer.json()["version"] == 2
    assert answer.json()["saved"].startswith("Saved ")
    assert answer.json()["problems"] == []
    draft.refresh_from_db()
    assert draft.name == "Half a"


def test_autosave_warns_and_saves(as_alice: Client, draft: Broadcast) -> None:
    answer = as_alice.post(url("autosave", draft), {"version": 1, "body_html": "<p>Dear {{ nmae }}</p>"})
    assert answer.status_code == 200
    assert "nmae" in answer.json()["problems"][0]
    assert "nmae" in draft.contents.get().body_html


def test_autosave_of_an_old_version_says_who_was_first(as_alice: Client, charlie: User, draft: Broadcast) -> None:
    save_draft(draft, Draft(subject="Theirs"), charlie, 1)
    answer = as_alice.post(url("autosave", draft), {"version": 1, "subject": "Mine"})
    assert answer.status_code == 409
    assert "Charlie changed this draft" in answer.json()["message"]
    draft.refresh_from_db()
    assert draft.name == "Theirs"


def test_autosave_of_nonsense_says_so(as_alice: Client, draft: Broadcast) -> None:
    answer = as_alice.post(url("autosave", draft), fields(draft, version="x", sender="999999"))
    assert answer.status_code == 400
    assert answer.json()["problems"]


def test_autosave_without_a_session_leads_to_signing_in(client: Client, draft: Broadcast) -> None:
    answer = client.post(url("autosave", draft), fields(draft))
    assert answer.status_code == 302
    assert reverse("account_login") in answer["Location"]


# --- deleting


def test_a_draft_can_be_deleted_once(as_alice: Client, draft: Broadcast) -> None:
    assert as_alice.get(url("delete", draft))["Location"] == url("edit", draft)
    assert as_alice.post(url("delete", draft))["Location"] == reverse("broadcasts:broadcast-list")
    assert not Broadcast.objects.exists()
    assert AuditEntry.objects.filter(action="broadcast.deleted").count() == 1
    assert as_alice.post(url("delete", draft)).status_code == 404
