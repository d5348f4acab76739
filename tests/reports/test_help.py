from django.test import Client
from django.utils.html import escape

from broadcasts.models import School
from broadcasts.results import LABELS
from reports.email_log.table import DeliveryTable
from reports.explanations import EXPLANATIONS
from tests import factory
from tests.reports.rows import make_delivery


def test_help_has_an_anchor_for_each_label_and_explains_it(as_alice: Client) -> None:
    page = as_alice.get("/help/").text
    for label in LABELS:
        assert f'id="{label.lower().replace(" ", "-")}"' in page
        assert escape(str(EXPLANATIONS[label].meaning)) in page


def test_help_answers_the_four_questions(as_alice: Client) -> None:
    page = as_alice.get("/help/").text
    for anchor in ("how-soon", "more-data", "switch-on", "delivered-but-bounced"):
        assert f'id="{anchor}"' in page


def test_anchors_are_unique(as_alice: Client) -> None:
    page = as_alice.get("/help/").text
    anchors = [part.split('"')[0] for part in page.split(' id="')[1:]]
    assert len(anchors) == len(set(anchors))


def test_help_and_email_log_say_what_each_column_means(as_alice: Client, lincoln: School) -> None:
    make_delivery(factory.make_broadcast(lincoln), "ann@home.example")
    log, page = as_alice.get("/email-log/").text, as_alice.get("/help/").text
    columns = [str(column.verbose_name) for column in DeliveryTable.base_columns.values()]
    for column in columns:
        assert f"<dt>{column}</dt>" in log
        assert f"<dt>{column}</dt>" in page
