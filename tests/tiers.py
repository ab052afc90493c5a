"""Tiers of tests: ``--tier quick`` leaves out what starts a process, opens a socket or takes long; ``--tier local`` clusters and builds.

A test of the quick tier that starts a process or opens a socket fails, whatever came of it. What is left out is in ``tiers.toml``.
"""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).resolve().parent
NOT_QUICK = {
    "os.fork": "starts a process",
    "os.forkpty": "starts a process",
    "os.posix_spawn": "starts a process",
    "os.system": "starts a process",
    "subprocess.Popen": "starts a process",
    "socket.bind": "opens a socket",
    "socket.connect": "opens a socket",
    "socket.getaddrinfo": "opens a socket",
    "socket.sendto": "opens a socket",
}
"""Audit events of Python to what a test does."""
_LISTS = tomllib.loads((TESTS / "tiers.toml").read_text("utf-8"))
FOLDERS: frozenset[str] = frozenset(_LISTS["folders"])
FIXTURES: frozenset[str] = frozenset(_LISTS["fixtures"])
PROCESSES: dict[str, Any] = _LISTS["processes"]
LONG: dict[str, Any] = _LISTS["long"]


class Quick:
    """Selects the tests of the tier, and fails those that do what the tier excludes."""

    def __init__(self) -> None:
        self._seen: list[str] = []
        self._is_in_a_test = False
        sys.addaudithook(self._hear)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        if (
            collection_path.is_relative_to(TESTS)
            and collection_path != TESTS
            and (
                collection_path.relative_to(TESTS).parts[0] in FOLDERS
                or PROCESSES.get(collection_path.stem) == "all"
            )
        ):
            return True
        return None

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        _deselect(config, items, is_quick)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        self._seen.clear()
        self._is_in_a_test = True
        result = yield
        self._is_in_a_test = False
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        report: Any = yield
        if self._seen and report.when != "teardown" and report.outcome != "failed":
            report.outcome = "failed"
            name = getattr(item, "originalname", item.name)
            report.longrepr = f"the test {self._seen[0]}; add to [processes] of tests/tiers.toml: {item.path.stem} = [{name!r}]"
            self._seen.clear()
        return report

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._is_in_a_test and event in NOT_QUICK:
            self._seen.append(f"{NOT_QUICK[event]} ({event} {str(arguments)[:150]})")


class Local:
    """Everything with processes and loopback servers; no cluster, and nothing that is marked as slow."""

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        folder = collection_path.relative_to(TESTS).parts[:1] if collection_path.is_relative_to(TESTS) else ()
        return True if folder and folder[0] in FOLDERS else None

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        _deselect(
            config,
            items,
            lambda item: not any(item.iter_markers("slow")) and not any(item.iter_markers("cluster")),
        )


def is_quick(item: pytest.Item) -> bool:
    name = getattr(item, "originalname", item.name)
    listed = (*PROCESSES.get(item.path.stem, ()), *LONG.get(item.path.stem, ()))
    left_out = FIXTURES & set(getattr(item, "fixturenames", ()))
    return name not in listed and not left_out and not any(item.iter_markers("slow"))


def _deselect(config: pytest.Config, items: list[pytest.Item], is_kept: Any) -> None:
    left_out = [item for item in items if not is_kept(item)]
    if left_out:
        items[:] = [item for item in items if is_kept(item)]
        config.hook.pytest_deselected(items=left_out)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--tier", choices=("quick", "local"), help="run the tests that are quick, or that need no cluster"
    )


def pytest_configure(config: pytest.Config) -> None:
    tier = config.getoption("--tier")
    if tier is not None:
        config.pluginmanager.register(Quick() if tier == "quick" else Local(), f"tier-{tier}")
