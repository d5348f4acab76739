import pytest

from broadcasts.results import Result
from tracking.meanings import ACTIONS, AUTO_REPLIED, COMPLAINED, OPENED, UNSUBSCRIBED, meaning_of_failure


@pytest.mark.parametrize(
    ("status", "diagnostic", "result"),
    [
        ("5.1.1", "550 5.1.1 User unknown", Result.FAILED),
        ("5.1.2", "", Result.FAILED),
        ("5.0.0", "550 no such user here", Result.FAILED),
        ("5.2.2", "552 5.2.2 Over quota", Result.BOUNCED),  # whoever reports it has given up
        ("4.4.7", "delivery time expired", Result.BOUNCED),
        ("5.7.1", "550 5.7.1 Message refused by policy", Result.BOUNCED),
        ("5.7.1", "Relay access denied", Result.BOUNCED),
        ("", "", Result.BOUNCED),
        ("nonsense", "x" * 5000, Result.BOUNCED),
    ],
)
def test_a_failure_is_the_address_or_something_else(status: str, diagnostic: str, result: Result) -> None:
    assert meaning_of_failure(status, diagnostic).result == result


def test_being_there_is_not_being_read() -> None:
    arrived = [ACTIONS["delivered"], ACTIONS["relayed"], ACTIONS["expanded"], COMPLAINED, UNSUBSCRIBED, AUTO_REPLIED]
    assert {meaning.result for meaning in arrived} == {Result.DELIVERED}
    assert ACTIONS["delayed"].result == Result.SOFT_BOUNCED
    assert OPENED.result == Result.OPENED
