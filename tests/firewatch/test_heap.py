import json
import subprocess
import sys

FRAYS = """
import ctypes, json, os, time
from benchmarks.processes import memory_mb
from firewatch.heap import small_heap

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]

def megabytes():
    return memory_mb(os.getpid())

with small_heap({every_s}):
    before_mb = megabytes()
    blocks = [libc.malloc(100_000) for _ in range(1000)]
    for block in blocks:
        ctypes.memset(block, 1, 100_000)
    held_mb = megabytes()
    for number, block in enumerate(blocks):
        if number % 10:  # every tenth stays, as packets of a quiet camera do: the heap cannot shrink
            libc.free(block)
    until = time.monotonic() + {wait_s}
    while megabytes() > before_mb + 30 and time.monotonic() < until:
        time.sleep(0.05)
    print(json.dumps([before_mb, held_mb, megabytes()]))
"""


def _after_fraying(*, every_s: float, wait_s: float) -> list[float]:
    code = FRAYS.format(every_s=every_s, wait_s=wait_s)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return [float(value) for value in json.loads(done.stdout)]


def test_what_lies_free_between_what_is_held_goes_back_to_the_system() -> None:
    before_mb, held_mb, after_mb = _after_fraying(every_s=0.1, wait_s=30)

    assert held_mb > before_mb + 90
    assert after_mb < before_mb + 30


def test_without_a_round_it_would_stay_with_the_process() -> None:
    """The other test could not fail if the C library gave back by itself."""
    before_mb, _, after_mb = _after_fraying(every_s=3600, wait_s=0.5)

    assert after_mb > before_mb + 60


CIRCLES = """
import gc, threading, time, weakref
from firewatch.heap import keep_what_is_loaded, small_heap

class File:
    def __init__(self):
        self.streams = [self]

gc.disable()  # by itself Python would look at some moment nobody knows
with small_heap({every_s}):
    kept = File()
    keep_what_is_loaded()
    closed = File()
    there = weakref.ref(closed), weakref.ref(kept)
    del closed, kept
    until = time.monotonic() + {wait_s}
    while there[0]() is not None and time.monotonic() < until:
        time.sleep(0.05)
    print([one() is None for one in there])
"""


def _freed(*, every_s: float, wait_s: float) -> str:
    command = [sys.executable, "-c", CIRCLES.format(every_s=every_s, wait_s=wait_s)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def test_a_closed_file_that_refers_to_itself_is_freed_within_a_round_unless_loaded_before() -> None:
    assert _freed(every_s=0.1, wait_s=30) == "[True, False]"


def test_without_a_round_it_would_stay() -> None:
    assert _freed(every_s=3600, wait_s=0.5) == "[False, False]"
