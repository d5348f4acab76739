import pytest
from django.test import Client

from broadcasts.models import School
from tests import factory
from tests.reports.rows import make_one_of_each


def test_smoke(as_alice: Client, lincoln: School) -> None:
    assert "No emails yet" in as_alice.get("/email-log/").text
    make_one_of_each(factory.make_broadcast(lincoln))
    page = as_alice.get("/email-log/")
    assert page.status_code == 200
    print(page.text)
