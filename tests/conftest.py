import gc
import logging
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import settings

pytest_plugins = ("nightly_parts", "shared_clusters", "tiers")

# A failure that hypothesis finds by chance belongs to whoever looks for it, not to the next submission.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "search")

# A shell in the background and nohup ignore these, children would as well, and tests that end one by them would wait for
# ever. What is handled here is as usual in a child.
for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, lambda *_: None)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)

# ``yaml.safe_load`` in tests: libyaml takes a tenth of the time.
yaml.SafeLoader = yaml.CSafeLoader  # type: ignore[misc, assignment]


class _Faults(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(autouse=True)
def a_fault_in_a_catalogue_entry_fails_the_test():
    """A control or cataloguer that raises is guarded in the product; here it is a failure."""
    faults = _Faults()
    loggers = [logging.getLogger("leadline.posture.engine"), logging.getLogger("leadline.sbom.cataloguer")]
    for logger in loggers:
        logger.addHandler(faults)
    yield
    for logger in loggers:
        logger.removeHandler(faults)
    assert not faults.records, "\n".join(logging.Formatter().format(record) for record in faults.records)


def pytest_collection_finish() -> None:
    gc.freeze()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """What a file of tests leaves behind, such as rules and trees that are kept, is not walked by the collector again.

    Millions of objects are alive near the end, and walking them took a quarter of the processor time of all tests.
    """
    yield
    if nextitem is None or nextitem.path != item.path:
        gc.collect()
        gc.freeze()


NO_BPF = ("this kernel has no BTF", "this kernel forbids BPF")
MAY_BE_SKIPPED = (
    "root may read everything",
    "the full cases are not beside the checkout",
    "the reference is not beside the checkout",
    "needs the reference folder",
    "no python3.",
    *NO_BPF,
)
"""How the reasons of skips begin that no missing program is behind; all others fail where everything is installed."""


def _fail_a_skip(report: Any) -> None:
    if not report.skipped or not os.environ.get("LEADLINE_REQUIRE_PROGRAMS") or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if not reason.startswith(MAY_BE_SKIPPED):
        report.outcome = "failed"
        report.longrepr = f"skipped here, where every program has to be installed: {reason}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    _fail_a_skip((yield).get_result())


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    _fail_a_skip((yield).get_result())


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What the kernel did not let run is named in a line of its own, or no one would notice."""
    skipped = terminalreporter.stats.get("skipped", ())
    for reason in NO_BPF:
        unable = [one for one in skipped if reason in str(one.longrepr)]
        if unable:
            terminalreporter.write_line(f"not run: {len(unable)} tests of BPF programs; {reason}")
