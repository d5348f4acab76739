"""What long bodies needed goes back to the machine at once, where the C library would keep it (Linux's glibc)."""

import ctypes
import gc
import os
from functools import cache

# Others have neither, and give memory back by themselves.
_library = ctypes.CDLL(None)
_trim = getattr(_library, "malloc_trim", None)
_set = getattr(_library, "mallopt", None)
M_MMAP_THRESHOLD = -3  # malloc.h; what it means: mallopt(3)
BYTES = 128 * 1024


@cache
def keep_no_long_blocks() -> None:
    """
    From 128 kB on, a block goes back when it is freed.

    glibc begins with that and raises the size to that of the longest block it has seen, up to 32 MB: from then on
    each thread keeps what its longest body needed. Said once, the size stays: 150 MB for four threads instead of 200.
    """
    if _set and "MALLOC_MMAP_THRESHOLD_" not in os.environ:  # whoever runs it has not said otherwise
        _set(M_MMAP_THRESHOLD, BYTES)


def give_back() -> None:
    """What short blocks left free, too."""
    gc.collect()
    if _trim:
        _trim(0)
