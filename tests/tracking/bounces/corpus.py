"""The real bounces beside the project, each with what it means (see ../shared/data/bounces/README.md)."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from broadcasts.results import Result
from tracking.bounces.explaining import explain
from tracking.bounces.reports import Report

FOLDER = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "bounces"
IS_THERE = (FOLDER / "expected.jsonl").exists()


@dataclass(frozen=True)
class Case:
    name: str
    expected: list[dict[str, str | bool]]

    @cached_property
    def report(self) -> Report:
        return explain(self.raw)

    @property
    def raw(self) -> bytes:
        return (FOLDER / "mail" / self.name).read_bytes()

    @property
    def half(self) -> int:
        """0 or 1, by chance but always the same: rules that fit one half only would show in the other."""
        return sha256(self.name.encode()).digest()[0] % 2


@dataclass
class Score:
    """Of all recipients: how many the address's fault, and how many of those we said so of."""

    right: int = 0
    too_many: int = 0
    missed: int = 0
    table: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.too_many)

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed)


def cases() -> Iterator[Case]:
    for line in (FOLDER / "expected.jsonl").read_text().splitlines():
        told = json.loads(line)
        yield Case(told["file"], told["expected"])


def score(of: list[Case]) -> Score:
    """Failed or not, message by message: a message about several recipients counts each of them."""
    total = Score()
    for case in of:
        dead = sum(bool(one["invalid_address"]) for one in case.expected)
        said = sum(1 for one in case.report.findings if one.meaning and one.meaning.result == Result.FAILED)
        total.right += min(dead, said)
        total.too_many += max(0, said - dead)
        total.missed += max(0, dead - said)
        for number, one in enumerate(case.expected):
            total.table[str(one["reason"]), _label(case.report, number)] += 1
    return total


def _label(report: Report, number: int) -> str:
    found = report.findings[min(number, len(report.findings) - 1)] if report.findings else None
    return str(Result(found.meaning.result).label) if found and found.meaning else "none"
