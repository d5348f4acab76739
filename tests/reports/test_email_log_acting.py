"""What is done to all rows that fit the filters of the Email Log: blocking, a list, a follow-up."""

from typing import Any

import pytest
from django.test import Client

from broadcasts.blocking import block_addresses
from broadcasts.models import AuditEntry, BlockedEmail, BlockLevel, Broadcast, List, Person, School, User
from broadcasts.results import Result
from tests import factory
from tests.reports.rows import make_delivery

LOG, BLOCK, LIST, FOLLOW_UP = "/email-log/", "/email-log/block/", "/email-log/list/", "/email-log/follow-up/"
EXCEPT = BlockLevel.EXCEPT_EMERGENCY


@pytest.fixture
def snow(lincoln: School) -> Broadcast:
    """Ana got it, Bo and Cy did not; Bo has two rows at one address in other capitals."""
    broadcast = factory.make_broadcast(lincoln, subject="Snow day", type_name="Lunch")
    make_delivery(broadcast, "ana@home.example", Result.DELIVERED)
    make_delivery(broadcast, "bo@home.example", Result.BOUNCED)
    make_delivery(broadcast, "cy@home.example", Result.BOUNCED)
    menu = factory.make_broadcast(lincoln, subject="Menu")
    bo = Person.objects.get(name="Bo")
    make_delivery(menu, "BO@home.example", Result.BOUNCED, person=bo, name="Bo")
    return broadcast


def hidden(page: Any) -> dict[str, str]:
    """What the page's form sends besides what is filled in."""
    form = page.context["form"]
    return {name: str(form[name].value()) for name in ("expected", "press") if name in form.fields}


def press(client: Client, address: str, **said: str) -> Any:
    return client.post(address, hidden(client.get(address)) | said, follow=True)


def members(name: str) -> list[str]:
    return list(List.objects.get(name=name).people.order_by("name").values_list("name", flat=True))


def test_log_offers_what_to_do_with_its_rows(as_charlie: Client, snow: Broadcast) -> None:
    page = as_charlie.get(f"{LOG}?result=bounced&sort=-name&after=&per_page=25").text
    assert 'form="chosen-rows"' in page
    assert "all of the log that you are looking at, 3 rows" in page
    assert '<input type="hidden" name="result" value="bounced">' in page
    part = page.split('id="chosen-rows"')[1].split("</form>")[0]
    assert 'name="per_page"' not in part
    assert BLOCK in part


def test_where_nothing_matches_nothing_is_offered(as_charlie: Client, snow: Broadcast) -> None:
    assert "chosen-rows" not in as_charlie.get(f"{LOG}?q=zzz").text
    for address in (BLOCK, LIST, FOLLOW_UP):
        page = as_charlie.post(f"{address}?q=zzz", {"reason": "x", "name": "x", "level": "all", "expected": "9"})
        assert "No row matches" in page.text
    assert not BlockedEmail.objects.exists()
    assert not List.objects.filter(name="x").exists()


@pytest.mark.parametrize("address", [BLOCK, LIST, FOLLOW_UP])
def test_wrong_filter_is_explained_and_nothing_is_done(as_charlie: Client, snow: Broadcast, address: str) -> None:
    said = {"reason": "x", "name": "x", "level": "all", "expected": "9"}
    page = as_charlie.post(f"{address}?date_from=nonsense", said, follow=True)
    assert "This is not a day" in page.text
    assert not AuditEntry.objects.exists()


def test_blocking_says_first_what_it_would_do(as_charlie: Client, snow: Broadcast) -> None:
    block_addresses(["cy@home.example"], reason="Asked", source=BlockedEmail.Source.STAFF, level=EXCEPT)
    found = as_charlie.get(f"{BLOCK}?result=bounced").context["found"]
    assert (found.addresses, found.known, found.known_loosely, found.new) == (2, 1, 1, 1)
    page = as_charlie.get(f"{BLOCK}?result=bounced").text
    assert "3 filtered rows of the Email Log: Bounced" in page
    assert "1 of them for everything except Emergency" in page
    assert "Lift the block" in page
    assert BlockedEmail.objects.count() == 1


def test_addresses_of_the_rows_are_blocked_each_on_record(as_charlie: Client, charlie: User, snow: Broadcast) -> None:
    page = press(as_charlie, f"{BLOCK}?result=bounced", reason="Gone", level="except_emergency")
    assert "2 addresses are blocked now." in page.text
    found = BlockedEmail.objects.order_by("key").values_list("key", "level", "reason", "added_by", "source")
    assert list(found) == [(f"{name}@home.example", EXCEPT, "Gone", charlie.pk, "staff") for name in ("bo", "cy")]
    each = AuditEntry.objects.filter(action="blocked_email.added").order_by("object_id")
    assert [entry.details["key"] for entry in each] == ["bo@home.example", "cy@home.example"]
    assert {entry.details["reason"] for entry in each} == {"Gone"}
    assert {int(entry.object_id) for entry in each} == set(BlockedEmail.objects.values_list("pk", flat=True))
    entry = AuditEntry.objects.get(action="email_log.blocked")
    assert (entry.actor, entry.details["addresses"], entry.details["rows"]) == (charlie, 2, 3)
    assert (entry.details["result"], entry.details["reason"]) == ("bounced", "Gone")


def test_second_press_blocks_nothing_twice(as_charlie: Client, snow: Broadcast) -> None:
    address = f"{BLOCK}?result=bounced"
    said = hidden(as_charlie.get(address)) | {"reason": "Gone", "level": "all"}
    as_charlie.post(address, said)
    entries = AuditEntry.objects.count()
    page = as_charlie.post(address, said, follow=True)
    assert "Nothing has changed" in page.text
    assert (BlockedEmail.objects.count(), AuditEntry.objects.count()) == (2, entries)
    assert "All of these addresses are blocked already." in as_charlie.get(address).text


def test_stricter_block_wins_and_the_old_reason_stays_on_record(as_charlie: Client, snow: Broadcast) -> None:
    source = BlockedEmail.Source.STAFF
    block_addresses(["bo@home.example", "else@home.example"], reason="Asked", source=source, level=EXCEPT)
    block_addresses(["cy@home.example"], reason="Spam", source=source)
    page = press(as_charlie, f"{BLOCK}?result=bounced", reason="Gone", level="all")
    assert "1 address is blocked now." in page.text
    assert dict(BlockedEmail.objects.values_list("key", "reason")) == {
        "bo@home.example": "Gone",
        "cy@home.example": "Spam",
        "else@home.example": "Asked",
    }
    entry = AuditEntry.objects.get(action="blocked_email.tightened")
    assert (entry.details["was"], entry.details["reason"], entry.details["level"]) == ("Asked", "Gone", "all")
    press(as_charlie, f"{BLOCK}?result=delivered", reason="Loosely", level="except_emergency")
    assert BlockedEmail.objects.get(key="ana@home.example").level == EXCEPT


def test_without_a_filter_blocking_is_refused_with_the_reason(as_charlie: Client, snow: Broadcast) -> None:
    said = {"reason": "x", "level": "all", "expected": "99"}
    for page in (as_charlie.get(BLOCK), as_charlie.post(BLOCK, said), as_charlie.post(f"{BLOCK}?sort=name", said)):
        assert "silence the whole school" in page.text
    assert not BlockedEmail.objects.exists()


def test_more_addresses_than_the_page_said_are_not_blocked(as_charlie: Client, snow: Broadcast) -> None:
    address = f"{BLOCK}?result=bounced"
    said = hidden(as_charlie.get(address)) | {"reason": "Gone", "level": "all"}
    make_delivery(snow, "dora@home.example", Result.BOUNCED)
    page = as_charlie.post(address, said)
    assert page.status_code == 422
    assert "There are more addresses now" in page.text
    assert "Block 3 addresses" in page.text
    assert not BlockedEmail.objects.exists()
    as_charlie.post(address, hidden(page) | {"reason": "Gone", "level": "all"})
    assert BlockedEmail.objects.count() == 3


def test_blocking_needs_a_reason_and_an_administrator(as_charlie: Client, as_alice: Client, snow: Broadcast) -> None:
    page = press(as_charlie, f"{BLOCK}?result=bounced", level="all")
    assert "Say why" in page.text
    assert as_alice.post(f"{BLOCK}?result=bounced", {"reason": "x", "level": "all"}).status_code == 403
    assert "Block addresses" not in as_alice.get(LOG).text
    assert not BlockedEmail.objects.exists()


def test_ticked_rows_alone_are_meant(as_charlie: Client, snow: Broadcast) -> None:
    rows = {row.name: row.pk for row in snow.deliveries.all()}
    query = f"?result=bounced&row={rows['Cy']}&row={rows['Ana']}"  # Ana's is Delivered by now
    assert "1 ticked row" in as_charlie.get(BLOCK + query).text
    press(as_charlie, BLOCK + query, reason="Gone", level="all")
    assert list(BlockedEmail.objects.values_list("key", flat=True)) == ["cy@home.example"]
    assert AuditEntry.objects.get(action="email_log.blocked").details["ticked"] == 2
    for nonsense in ("", "x", "9" * 30, "-1", "²"):
        assert "No row matches" in as_charlie.get(LIST, {"row": nonsense}).text


def test_list_of_everybody_who_did_not_get_it(as_alice: Client, snow: Broadcast, lincoln: School) -> None:
    page = as_alice.get(f"{LIST}?result=bounced")
    assert (page.context["people"], page.context["rows"]) == (2, 3)
    page = press(as_alice, f"{LIST}?result=bounced", name=" Not  reached ")
    assert "The list “Not reached” has 2 people." in page.text
    assert members("Not reached") == ["Bo", "Cy"]
    made = List.objects.get(name="Not reached")
    assert (made.school, made.is_by_rules, made.target) == (lincoln, False, "contacts")
    deeds = AuditEntry.objects.filter(object_type="list", object_id=str(made.pk)).order_by("pk")
    assert [entry.action for entry in deeds] == ["list.made", "list.changed", "email_log.listed"]
    assert (deeds[2].details["people"], deeds[2].details["result"]) == (2, "bounced")


def test_whole_log_may_be_a_list(as_alice: Client, snow: Broadcast) -> None:
    press(as_alice, LIST, name="Everybody")
    assert members("Everybody") == ["Ana", "Bo", "Cy"]


def test_contacts_who_are_gone_are_counted_and_named(as_alice: Client, snow: Broadcast) -> None:
    Person.objects.get(name="Cy").delete()
    Person.objects.filter(name="Ana").update(is_active=False)
    page = as_alice.get(f"{LIST}?broadcast={snow.pk}").text
    assert "2 contacts are no longer in the directory" in page
    assert "Ana &lt;ana@home.example&gt;, Cy &lt;cy@home.example&gt;." in page
    press(as_alice, f"{LIST}?broadcast={snow.pk}", name="Rest")
    assert members("Rest") == ["Bo"]


def test_nobody_left_makes_no_list(as_alice: Client, snow: Broadcast) -> None:
    Person.objects.get(name="Cy").delete()
    page = as_alice.post(f"{LIST}?q=cy", {"name": "Nobody", "press": "1"})
    assert "Nobody of these rows can be on a list." in page.text
    assert not List.objects.filter(name="Nobody").exists()


def test_second_press_makes_no_second_list(as_alice: Client, snow: Broadcast) -> None:
    address = f"{LIST}?result=bounced"
    said = hidden(as_alice.get(address)) | {"name": "Not reached"}
    answers = [as_alice.post(address, said) for _ in range(2)]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert AuditEntry.objects.filter(action="email_log.listed").count() == 1
    page = press(as_alice, address, name="NOT reached")
    assert "There is a list of this name. Take another name." in page.text
    assert List.objects.filter(name__iexact="not reached").count() == 1


def test_rows_of_several_schools_need_a_school(
    as_charlie: Client, snow: Broadcast, lincoln: School, jefferson: School
) -> None:
    make_delivery(factory.make_broadcast(jefferson), "jo@home.example", Result.BOUNCED)
    page = as_charlie.get(f"{LIST}?result=bounced").text
    assert "a list belongs to one" in page
    assert "Choose a school: a list belongs to one." in as_charlie.get(f"{LIST}?result=bounced&of_school=").text
    assert as_charlie.post(f"{LIST}?result=bounced", {"name": "Both"}).status_code == 200
    assert not List.objects.filter(name="Both").exists()
    press(as_charlie, f"{LIST}?result=bounced&of_school={jefferson.pk}", name="Theirs")
    assert members("Theirs") == ["Jo"]
    press(as_charlie, f"{LIST}?school={lincoln.pk}&result=bounced", name="Ours")
    assert members("Ours") == ["Bo", "Cy"]


def test_stranger_reaches_none_of_it(as_bob: Client, snow: Broadcast, lincoln: School, jefferson: School) -> None:
    row = snow.deliveries.earliest("pk")
    for query in ("", f"?row={row.pk}", f"?of_school={lincoln.pk}"):
        assert "No row matches" in as_bob.get(LIST + query).text
    own = factory.make_broadcast(jefferson, subject="Ours")
    make_delivery(own, "jo@home.example")
    make_delivery(own, "ana@home.example", person=Person.objects.get(name="Ana"), name="Ana")
    page = as_bob.get(f"{LIST}?of_school={lincoln.pk}")
    assert "1 contact belongs to another school" in page.text
    press(as_bob, f"{LIST}?of_school={lincoln.pk}", name="Mine")
    assert members("Mine") == ["Jo"]
    assert List.objects.get(name="Mine").school == jefferson


def test_follow_up_is_a_draft_to_that_list(as_alice: Client, alice: User, snow: Broadcast) -> None:
    page = as_alice.get(f"{FOLLOW_UP}?broadcast={snow.pk}&result=bounced")
    assert page.context["form"]["name"].value() == "Follow-up: Bounced · Snow day"
    page = press(as_alice, f"{FOLLOW_UP}?broadcast={snow.pk}&result=bounced", name="Not reached")
    assert "Nothing is sent yet." in page.text
    draft = Broadcast.objects.latest("pk")
    assert page.redirect_chain[-1][0] == f"/broadcasts/{draft.pk}/edit/"
    assert (draft.status, draft.name, draft.broadcast_type) == ("draft", "Follow-up: Snow day", snow.broadcast_type)
    assert (draft.sender, draft.created_by) == (snow.sender, alice)
    assert [one.name for one in draft.lists.all()] == ["Not reached"]
    assert members("Not reached") == ["Bo", "Cy"]
    assert not draft.deliveries.exists()
    entry = AuditEntry.objects.get(action="broadcast.follow_up")
    assert (entry.object_id, entry.details["original"]) == (str(draft.pk), snow.pk)


def test_second_press_starts_no_second_draft(as_alice: Client, snow: Broadcast) -> None:
    address = f"{FOLLOW_UP}?broadcast={snow.pk}"
    said = hidden(as_alice.get(address)) | {"name": "Again"}
    drafts = Broadcast.objects.count()
    answers = [as_alice.post(address, said)["Location"] for _ in range(2)]
    assert answers[0] == answers[1]
    assert Broadcast.objects.count() == drafts + 1


def test_follow_up_of_several_broadcasts_has_no_subject_yet(as_alice: Client, snow: Broadcast) -> None:
    assert "The rows are of several broadcasts" in as_alice.get(f"{FOLLOW_UP}?result=bounced").text
    press(as_alice, f"{FOLLOW_UP}?result=bounced", name="Both")
    draft = Broadcast.objects.latest("pk")
    assert (draft.name, draft.broadcast_type) == ("", None)
    again = factory.make_broadcast(snow.school, subject="Follow-up: Snow day")
    make_delivery(again, "eve@home.example")
    press(as_alice, f"{FOLLOW_UP}?broadcast={again.pk}", name="Eve")
    assert Broadcast.objects.latest("pk").name == "Follow-up: Snow day"
