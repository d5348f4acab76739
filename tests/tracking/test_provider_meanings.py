"""The table of providers' events: complete, reasoned, and in agreement with itself."""

from itertools import product

import pytest
from anymail.signals import EventType, RejectReason  # type: ignore[import-untyped]
from anymail.urls import urlpatterns as of_anymail  # type: ignore[import-untyped]

from broadcasts.results import Result
from tracking.meanings import CHANGES_NOTHING, Kind
from tracking.meanings.provider_events import EVENT_TYPES, REASONS, TABLE, Detail, line_for
from tracking.meanings.raw_details import LOOKS, read_detail
from tracking.webhooks.providers import PROVIDERS
from tracking.webhooks.urls import urlpatterns

D = Detail
UNUSABLE = {"inbound", "inbound_failed", "unknown"}


def words_of(constants: type) -> set[str]:
    return {value for name, value in vars(constants).items() if name.isupper()}


def test_the_table_knows_all_of_anymails_words() -> None:
    assert set(EVENT_TYPES) == words_of(EventType)
    assert set(REASONS) - {""} == words_of(RejectReason)


def test_every_combination_has_a_line_or_is_kept() -> None:
    for event_type, reason, detail in product(EVENT_TYPES, REASONS, Detail):
        assert line_for(event_type, reason, detail) or event_type in UNUSABLE, (event_type, reason, detail)


def test_every_line_decides_something_and_says_why() -> None:
    combinations = list(product(EVENT_TYPES, REASONS, Detail))
    deciding = {id(line_for(*combination)) for combination in combinations}
    for line in TABLE:
        assert id(line) in deciding, f"an earlier line hides {line}"
        assert line.why.endswith((".", "…"))
        assert (line.kind is Kind.NOTED) == (line.result is CHANGES_NOTHING)


def test_what_a_provider_says_never_closes_a_row_of_ours() -> None:
    """80, 90 and 100 are our own decisions, before anything was sent."""
    assert max(line.result for line in TABLE) == Result.OPENED


@pytest.mark.parametrize(
    ("event_type", "reason", "detail", "result"),
    [
        ("queued", "", D.NONE, Result.SENT),
        ("deferred", "other", D.NONE, Result.SOFT_BOUNCED),
        ("complained", "spam", D.NONE, Result.DELIVERED),
        ("autoresponded", "", D.NONE, Result.DELIVERED),
        ("bounced", "invalid", D.SOFT, Result.FAILED),
        ("bounced", "timed_out", D.NONE, Result.BOUNCED),
        ("bounced", "blocked", D.NONE, Result.BOUNCED),
        ("bounced", "spam", D.NONE, Result.BOUNCED),
        ("bounced", "unsubscribed", D.NONE, Result.BLOCKED_BY_PROVIDER),
        ("bounced", "bounced", D.SUPPRESSED, Result.BLOCKED_BY_PROVIDER),
        ("rejected", "", D.NONE, Result.BLOCKED_BY_PROVIDER),
        ("rejected", "invalid", D.NONE, Result.FAILED),
        ("rejected", "blocked", D.CONTENT, Result.BOUNCED),
        ("failed", "", D.NONE, CHANGES_NOTHING),
        ("bounced", "a reason of Anymail 16", D.NONE, Result.BOUNCED),
    ],
)
def test_what_the_table_says(event_type: str, reason: str, detail: Detail, result: Result) -> None:
    line = line_for(event_type, reason, detail)
    assert line is not None
    assert line.result == result


@pytest.mark.parametrize(
    ("words", "detail"),
    [
        ("550 5.1.1 user unknown", D.INVALID),
        ("smtp; 550-5.1.1 The email account that you tried to reach does not exist, no such user", D.INVALID),
        ("452 4.2.2 mailbox full", D.SOFT),
        ("550 5.7.1 policy", D.HARD),
        ("the template has an error", D.NONE),
        ("", D.NONE),
    ],
)
def test_a_servers_words_say_what_the_provider_does_not(words: str, detail: Detail) -> None:
    assert read_detail("Postal", "failed", {"payload": {}}, words) == detail


def test_every_provider_of_anymail_is_there_at_its_address() -> None:
    ours = {f"{pattern.name} {pattern.pattern}" for pattern in urlpatterns}
    old = ("sendinblue", "mandrill_tracking", "mailgun_inbound")  # an old name; the last has a second form of its own
    theirs = {f"{pattern.name} {pattern.pattern}" for pattern in of_anymail if not pattern.name.startswith(old)}
    assert not theirs - ours
    assert len(PROVIDERS) == 13
    assert set(LOOKS) == {provider.name for provider in PROVIDERS.values()}
