"""Waiting for what happens in another process: it sends no event here, so it can only be asked again."""

import time
from collections.abc import Callable

AGAIN_SECONDS = 0.05


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        time.sleep(AGAIN_SECONDS)
