"""Shares of a broadcast's emails, with what they are shares of."""

from collections.abc import Mapping
from dataclasses import dataclass

from broadcasts.results import Result

# Neither waiting nor kept from leaving by ourselves. An address that could not even be written to counts: we tried.
TRIED = (
    Result.SENT,
    Result.SOFT_BOUNCED,
    Result.BOUNCED,
    Result.FAILED,
    Result.BLOCKED_BY_PROVIDER,
    Result.DELIVERED,
    Result.OPENED,
)
# What was opened was delivered.
ARRIVED = (Result.DELIVERED, Result.OPENED)
CAME_BACK = (Result.BOUNCED, Result.FAILED, Result.BLOCKED_BY_PROVIDER)


@dataclass(frozen=True)
class Share:
    count: int
    of: int

    @property
    def percent(self) -> str:
        """Never rounded to nothing, nor to all of them: `<1`, `94`, `>99`."""
        if not self.of or not self.count:
            return "0"
        exact = 100 * self.count / self.of
        if exact < 1:
            return "<1"
        return ">99" if 99 < exact < 100 else str(round(exact))

    @property
    def width(self) -> float:
        """Of a bar out of a hundred, never so thin that nobody sees it."""
        return round(max(100 * self.count / self.of, 0.5), 1) if self.of and self.count else 0


def add_up(codes: Mapping[int, int], of: tuple[Result, ...]) -> int:
    return sum(codes.get(code, 0) for code in of)


@dataclass(frozen=True)
class Rates:
    """Of counts by stored code."""

    codes: Mapping[int, int]

    @property
    def total(self) -> int:
        return sum(self.codes.values())

    @property
    def tried(self) -> int:
        return add_up(self.codes, TRIED)

    @property
    def delivered(self) -> Share:
        return Share(add_up(self.codes, ARRIVED), self.tried)

    @property
    def opened(self) -> Share:
        return Share(add_up(self.codes, (Result.OPENED,)), self.tried)

    @property
    def came_back(self) -> Share:
        return Share(add_up(self.codes, CAME_BACK), self.tried)
