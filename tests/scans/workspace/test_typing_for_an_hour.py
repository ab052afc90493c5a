import os
import shutil
import sys
import time
from pathlib import Path

import pytest
from typist import Typist

MINUTES = float(os.environ.get("LEADLINE_TYPING_MINUTES", "60"))
KEYS_PER_S = float(os.environ.get("LEADLINE_TYPING_KEYS_PER_S", "8"))
"""As fast as a person types."""


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


@pytest.mark.nightly("editors")
def test_an_hour_of_typing_says_at_each_save_what_a_fresh_scan_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    shutil.copytree("examples/shop", tmp_path / "shop")
    (tmp_path / "model").mkdir()
    typist = Typist(tmp_path / "shop", tmp_path / "model", 2_026)
    started, steps = time.monotonic(), 0
    by_minute: list[float] = []
    while (passed := time.monotonic() - started) < MINUTES * 60:
        typist.step()
        steps += 1
        if passed >= len(by_minute) * 60:
            by_minute.append(resident_mib())
            with capsys.disabled():
                print(f"{by_minute[-1]:.1f}", end=" ", flush=True, file=sys.stderr)
        time.sleep(max(0.0, steps / KEYS_PER_S - passed))
    typist.compare()
    settled, last = by_minute[len(by_minute) // 4], resident_mib()
    with capsys.disabled():
        print(
            f"\n{MINUTES:g} minutes: {steps:,} keys, {typist.compared:,} saves held against a fresh scan,"
            f" {typist.broken:,} of them with a broken file; {settled:.0f} MiB after a quarter, {last:.0f} MiB at the end",
            file=sys.stderr,
        )
    assert typist.compared > typist.broken > 0
    assert last < settled * 1.1
