import pytest

from reports.rates import Rates, Share


@pytest.mark.parametrize(
    ("count", "of", "percent"),
    [(0, 0, "0"), (0, 5, "0"), (1, 1000, "<1"), (999, 1000, ">99"), (1000, 1000, "100"), (940, 1000, "94")],
)
def test_a_share_is_not_rounded_to_nothing_nor_to_all(count: int, of: int, percent: str) -> None:
    assert Share(count, of).percent == percent


def test_no_rate_of_nothing() -> None:
    assert Rates({}).delivered == Share(0, 0)
