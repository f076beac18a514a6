"""How often Python looks for garbage in a process that takes legs in: `serve` and the benchmark of its ingest alike."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

GARBAGE_OBJECTS = 50_000  # a batch of 500 messages brings as many; a tenth of the processor time of ingest


@contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """Look less often: what is loaded now stays, and the legs of a batch die together."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
