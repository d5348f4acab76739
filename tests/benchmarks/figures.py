"""One line of the table."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Figure:
    work: str
    rows: int
    seconds: float = 0.0
    ratio: str = ""

    def __str__(self) -> str:
        took = f"{self.seconds:.2f} s" if self.seconds >= 1 else f"{self.seconds * 1000:.0f} ms"
        speed = f"{self.rows / self.seconds:,.0f}" if self.rows else ""
        return f"{self.work:44}{took:>10}{speed:>14}{self.ratio:>34}"

    def seconds_per_row_against(self, peer: "Figure") -> None:
        """Where the peer is too slow to be given as many rows."""
        self.ratio = f"{peer.seconds / peer.rows * self.rows / self.seconds:.1f} x {peer.work.partition(', ')[2]}"

    def against(self, peer: "Figure", words: str) -> None:
        self.ratio = f"{peer.seconds / self.seconds:.1f} x {words}"


@contextmanager
def timed(work: str, rows: int = 0) -> Iterator[Figure]:
    figure = Figure(work, rows)
    start = time.perf_counter()
    yield figure
    figure.seconds = time.perf_counter() - start
