"""How fast the pages are: ``python bench/pages.py [OBJECTS]``; 6,000 objects make some 67,000 findings.

It stores the results of a scan in a file, starts ``leadline ui --store`` over it, asks as many users do, changes one result, and looks
with Chromium. Measured times are of this machine and what else it does; its load is printed beside them.
"""

import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

from manifests import write_folder

from leadline.api.carriers.local import LocalStore
from leadline.api.posture_results import SCANS
from leadline.api.protocol import Paging
from leadline.api.selection import Selection
from leadline.scans.options import PostureOptions
from leadline.scans.pages.reading import read_folder
from leadline.scans.stored.store_posture import StoreOptions, store_posture

OBJECTS = 6_000
CHANGES = 7
USERS = 50
LONGEST_S = 60
ASKED = ("findings", "findings?severity=high", "findings?q=secret", "findings?namespace=team-3&q=root")
PAGES = (
    "overview",
    "changes",
    "findings",
    "workloads",
    "namespaces",
    "images",
    "controls",
    "accepted",
    "health",
)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]


def stored(folder: Path, objects: int) -> Path:
    """A store with the results of so many objects."""
    write_folder(folder / "manifests", objects)
    known = read_folder([str(folder / "manifests")], PostureOptions())
    print(f"{known.report.numbers.findings:,} findings of {known.report.objects_judged:,} objects")

    async def write() -> None:
        store = LocalStore(folder / "results.db")
        await store_posture(store, known.report, StoreOptions(is_full=True))
        await store.close()

    asyncio.run(write())
    return folder / "results.db"


def said(name: str, value: float, unit: str, most: float) -> None:
    print(
        f"{name:<44} {value:>9,.1f} {unit:<4} at most {most:,.0f}{'' if value <= most else '   MISSED'}",
        flush=True,
    )


def measured(database: Path) -> None:
    began = time.monotonic()
    command = [sys.executable, "-m", "leadline.programs.cli.main", "ui", "--store", str(database)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            browser = build_opener(HTTPCookieProcessor())
            browser.open(address, timeout=120).read()
            said("first page after the start", time.monotonic() - began, "s", 2)
            base = address.partition("?")[0].rpartition("/")[0]
            while "Reading:" in asked(browser, f"{base}/overview"):
                time.sleep(0.1)
            said("all rows after the start", time.monotonic() - began, "s", 10)
            said("largest page", max(len(asked(browser, f"{base}/{name}")) for name in PAGES) / 1e3, "KB", 60)
            for name in ASKED:
                times = [
                    timed(browser, f"{base}/{name}&n={n}" if "?" in name else f"{base}/{name}?n={n}")
                    for n in range(9)
                ]
                said(f"filtered list, {name}", statistics.median(times), "ms", 50)
            with ThreadPoolExecutor(USERS) as users:
                times = list(
                    users.map(lambda n: timed(browser, f"{base}/findings?q=app-{n}"), range(USERS * 4))
                )
            said(f"a page with {USERS} users, 95 of 100", sorted(times)[int(len(times) * 0.95)], "ms", 2_000)
            seen = [seen_after(browser, base, database) for _ in range(CHANGES)]
            said(f"from a change to the list, median of {CHANGES}", statistics.median(seen), "s", 2)
            peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
            now = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
            said("memory", int(now[1]) / 1024 if now else 0, "MiB", 250)
            said("memory at its peak", int(peak[1]) / 1024 if peak else 0, "MiB", 350)
            paint(address, base)
        finally:
            process.terminate()


def asked(browser: OpenerDirector, address: str) -> str:
    with browser.open(address, timeout=120) as answer:
        return str(answer.read().decode())


def timed(browser: OpenerDirector, address: str) -> float:
    began = time.monotonic()
    asked(browser, address)
    return (time.monotonic() - began) * 1e3


def seen_after(browser: OpenerDirector, base: str, database: Path) -> float:
    """Seconds from the deletion of a workload's result until it is counted no more. Raises: ``TimeoutError``."""

    async def change() -> None:
        store = LocalStore(database)
        page = await store.list(Selection(SCANS, with_body=False), Paging("", 10_000))
        # What bindings give to an account is stored as well, and is not counted as an object.
        await store.delete(next(one.key for one in page.entries if one.key.name.startswith("deployment-")))
        await store.close()

    before = counted(browser, f"{base}/findings.json?n=before")
    asyncio.run(change())
    began = time.monotonic()
    number = 0
    while counted(browser, f"{base}/findings.json?n={number}") == before:
        if time.monotonic() - began > LONGEST_S:
            raise TimeoutError(f"a change is not shown after {LONGEST_S} s")
        number += 1
        # Whoever asks more often takes the time from what is asked for.
        time.sleep(0.25)
    return time.monotonic() - began


def counted(browser: OpenerDirector, address: str) -> str:
    """How much of how many objects is wrong, as the page says it."""
    return str(json.loads(asked(browser, address))["page"]["lead"])


def paint(address: str, base: str) -> None:
    """First contentful paint, less that of a page with one word."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page()

        def painted(target: str) -> float:
            times = []
            for _ in range(8):
                page.goto(target)
                times.append(
                    page.evaluate(
                        "new Promise(done => new PerformanceObserver(list => done(list.getEntries()[0].startTime))"
                        ".observe({type: 'paint', buffered: true}))"
                    )
                )
            return statistics.median(times)

        page.goto(address)
        blank = painted("data:text/html,<p>word")
        for name in ("overview", "findings"):
            said(f"first paint of {name}, more than blank", painted(f"{base}/{name}") - blank, "ms", 100)
        browser.close()


if __name__ == "__main__":
    objects = int(sys.argv[1]) if len(sys.argv) > 1 else OBJECTS
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    given = os.environ.get("LEADLINE_BENCH_STORE")
    if given:
        measured(Path(given))
    else:
        with TemporaryDirectory() as temporary:
            measured(stored(Path(temporary), objects))
