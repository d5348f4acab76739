"""One box finds a family; its page has everybody who belongs to it and everything sent to them."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from broadcasts.models import Guardianship, Person, PersonSchool, School, User
from broadcasts.results import Result
from reports.family import household_of
from tests import factory
from tests.reports.trials import make_sent, make_trial

Category, Kind = Guardianship.Category, Person.Kind


@pytest.fixture(autouse=True)
def general(db: None) -> None:
    factory.make_type()


def make_student(school: School, name: str, sis_id: str = "") -> Person:
    return factory.make_person(school, name, kind=Kind.STUDENT, sis_id=sis_id)


def make_guardian(school: School, name: str, *students: Person, category: str = Category.MOTHER) -> Person:
    guardian = factory.make_person(school, name, [f"{name.lower()}@home.example"])
    for student in students:
        Guardianship.objects.create(student=student, guardian=guardian, category=category)
    return guardian


@pytest.fixture
def ben(lincoln: School) -> Person:
    return make_student(lincoln, "Ben Lee", sis_id="S-77")


@pytest.fixture
def cora(lincoln: School) -> Person:
    return make_student(lincoln, "Cora Lee")


@pytest.fixture
def ann(lincoln: School, ben: Person, cora: Person) -> Person:
    """Mother of Ben and Cora."""
    return make_guardian(lincoln, "Ann", ben, cora)


def names(person: Person, user: User) -> list[str]:
    return [member.person.name for member in household_of(person, user)]


def find(client: Client, text: str) -> str:
    return client.get("/families/", {"q": text}).text


def test_empty_box_says_what_to_type(as_alice: Client) -> None:
    assert "Type a part of a name" in as_alice.get("/families/").text


@pytest.mark.parametrize("text", ["ben le", "ann@home.example", "S-77", "ANN"])
def test_name_address_and_sis_id_find_the_student_with_the_guardians(
    as_alice: Client, ann: Person, text: str
) -> None:
    page = find(as_alice, text)
    assert "Ben Lee" in page
    assert f'href="/families/{ann.pk}/"' in page
    assert "Mother" in page


def test_who_belongs_to_no_student_is_found_too(as_alice: Client, lincoln: School) -> None:
    factory.make_person(lincoln, "Mr Stone", kind=Kind.STAFF)
    assert "Mr Stone" in find(as_alice, "stone")


def test_nobody_found_says_so(as_alice: Client, ann: Person) -> None:
    assert "Nobody found" in find(as_alice, "zebra")


def test_long_results_are_cut_and_say_so(as_alice: Client, lincoln: School) -> None:
    for number in range(51):
        factory.make_person(lincoln, f"Smith {number}")
    assert "Only the first 50 people are shown." in find(as_alice, "smith")


def test_stranger_finds_and_sees_nobody(as_bob: Client, ann: Person) -> None:
    assert "Nobody found" in find(as_bob, "Ann")
    assert as_bob.get(f"/families/{ann.pk}/").status_code == 404


def test_family_of_a_guardian_and_of_a_student_is_the_same(
    alice: User, lincoln: School, ann: Person, ben: Person, cora: Person
) -> None:
    dad = make_guardian(lincoln, "Dan", ben, category=Category.FATHER)
    assert names(ann, alice) == ["Ann", "Ben Lee", "Cora Lee", "Dan"]
    assert names(ben, alice) == ["Ben Lee", "Cora Lee", "Ann", "Dan"]
    assert names(dad, alice) == ["Dan", "Ben Lee", "Cora Lee", "Ann"]


def test_neighbour_who_helps_two_families_does_not_join_them(
    alice: User, lincoln: School, ann: Person, ben: Person
) -> None:
    other = make_student(lincoln, "Zoe")
    neighbour = make_guardian(lincoln, "Neil", ben, other, category=Category.EMERGENCY)
    assert "Zoe" not in names(ben, alice)
    assert "Neil" in names(ben, alice)
    assert "Zoe" in names(neighbour, alice)


def test_relations_are_said_in_words(as_alice: Client, ann: Person) -> None:
    Guardianship.objects.filter(student__name="Cora Lee").update(do_not_contact=True)
    page = as_alice.get(f"/families/{ann.pk}/").text
    assert "Mother of Ben Lee" in page
    assert 'Mother of Cora Lee <span class="pill error">do not contact' in page


def test_everything_sent_to_any_of_them_is_there_with_its_result(
    as_alice: Client, lincoln: School, ann: Person, ben: Person
) -> None:
    dad = make_guardian(lincoln, "Dan", ben)
    first = make_trial(make_sent(lincoln, "Menu"), ann, Result.DELIVERED, late_bounce_at=timezone.now())
    second = make_trial(make_sent(lincoln, "Snow day"), dad, Result.OPENED)
    page = as_alice.get(f"/families/{ann.pk}/").text
    for row in (first, second):
        assert f'href="/email-log/{row.pk}/"' in page
    assert "bounced later" in page
    assert page.index(f"/email-log/{second.pk}/") < page.index(f"/email-log/{first.pk}/")


def test_fifty_rows_a_page_in_a_fixed_number_of_queries(as_alice: Client, lincoln: School, ann: Person) -> None:
    for number in range(52):
        make_trial(make_sent(lincoln, f"Menu {number}"), ann, Result.DELIVERED)
    with CaptureQueriesContext(connection) as queries:
        page = as_alice.get(f"/families/{ann.pk}/").text
    assert page.count('href="/email-log/') - page.count('href="/email-log/"') == 50
    assert "Next" in page
    assert len(queries) <= 25


def test_what_another_school_sent_is_not_shown(
    as_alice: Client, as_bob: Client, jefferson: School, ann: Person
) -> None:
    PersonSchool.objects.create(person=ann, school=jefferson)
    make_trial(make_sent(jefferson, "Secret"), ann, Result.DELIVERED)
    assert "Secret" not in as_alice.get(f"/families/{ann.pk}/").text
    page = as_bob.get(f"/families/{ann.pk}/").text
    assert "Secret" in page
    assert "Ben Lee" not in page


def test_nothing_sent_says_so(as_alice: Client, ann: Person) -> None:
    assert "Nothing was ever sent to them." in as_alice.get(f"/families/{ann.pk}/").text
