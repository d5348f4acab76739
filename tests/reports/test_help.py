from django.test import Client
from django.utils.html import escape

from broadcasts.results import LABELS
from reports.explanations import EXPLANATIONS


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
