"""What all programs that live long have in common."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import threading
from pathlib import Path
from leadline.programs.service import give_back_memory

def resident():
    return int(Path("/proc/self/status").read_text().partition("RssAnon:")[2].split()[0]) // 1024

def work():
    bytes(8 << 20)
    parts = [bytes(60_000) for _ in range(160)]
    meet.wait()

before = resident()
for _ in range(2):
    meet = threading.Barrier(8)
    threads = [threading.Thread(target=work) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
if {is_held}:
    give_back_memory()
print(resident() - before)
"""
USED_MIB = 8 * 160 * 60_000 / 2**20


def kept_mib(*, is_held: bool) -> int:
    command = [sys.executable, "-c", PROGRAM.format(is_held=is_held)]
    environment = {**os.environ, **(of_the_image() if is_held else {})}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return int(done.stdout)


def of_the_image() -> dict[str, str]:
    """What the container image sets for glibc's allocator."""
    lines = (Path(__file__).parents[2] / "deploy" / "images" / "Containerfile").read_text("utf-8")
    return dict(re.findall(r"(MALLOC_\w+)=(\d+)", lines))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_that_threads_have_freed_goes_back_to_the_system():
    assert kept_mib(is_held=False) > USED_MIB / 2, "the C library keeps nothing by itself"
    # One or two of the eight heaps may stay at their size, by which thread ended last.
    assert kept_mib(is_held=True) < USED_MIB / 2
