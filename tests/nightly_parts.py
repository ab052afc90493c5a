"""The parts of ``.ci/nightly``, and the pytest option that selects the tests of one.

A test belongs to a part by ``@pytest.mark.nightly("fuzz")`` and then runs with ``--nightly fuzz`` only.
"""

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / ".ci" / "nightly.d"
PARTS = {
    "fuzz": "property tests with ten times the examples, and hostile input for minutes",
    "matrices": "whole products of cases, of which .ci/run takes pairs",
    "installs": "installed clusters: upgrades, disturbances and values that .ci/run leaves out",
    "attacks": "attack scenarios and their detections in running containers",
    "kills": "programs and databases that are killed a hundred times under load, and a tenant who attacks for an hour",
    "kernel": "programs in the kernel, on each kernel that can be started",
    "fixes": "fixes applied to whole repositories and clusters, then judged again",
    "quiet": "measurements that need a quiet machine, and ordinary days of a cluster that raise no alarm",
    "pages": "the pages in browsers, and every page of the built documentation site",
    "editors": "the language server in editors",
    "versions": "versions of Kubernetes, Python and dependencies other than those of .ci/run",
    "relevancy": "which packages of real containers were loaded, by what each language says of itself",
    "assistants": "leadline mcp as the inspector of its protocol sees it",
    "behaviour": "applications in a cluster, held to what they were seen doing: all work, attacks fail, and both were foretold",
    "provider": "senders and a provider through a hundred runs of faults, and its figures",
    "database": "a database in Grype's form, converted, against one built of the same records",
    "backstage": "the card for Backstage: types, tests and package, from npm",
    "access": "who may do what: 1,000 sets of roles and bindings, as a real API server answers",
}
"""What each holds. One of which no test and no script exists yet is neither listed nor run."""
_MARK = re.compile(r"""\bmark\.nightly\(\s*["'](\w+)["']""")


def marked_files() -> dict[str, list[Path]]:
    """By part, the files in which some test is marked with it."""
    found: dict[str, list[Path]] = {}
    for file in sorted((ROOT / "tests").rglob("*.py")):
        for part in set(_MARK.findall(file.read_text("utf-8"))):
            found.setdefault(part, []).append(file)
    return found


def marked_parts() -> set[str]:
    """Parts that some test is marked with."""
    return set(marked_files())


def scripts_of(part: str) -> list[Path]:
    """``.ci/nightly.d/PART`` and ``.ci/nightly.d/PART-ANYTHING``."""
    return sorted([*SCRIPTS.glob(part), *SCRIPTS.glob(f"{part}-*")])


def existing_parts() -> dict[str, str]:
    """Those that have a test or a script, with what they hold."""
    marked = marked_parts()
    return {part: text for part, text in PARTS.items() if part in marked or scripts_of(part)}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--nightly", metavar="PART", help="run the tests of this part of .ci/nightly, and no others"
    )
    parser.addoption(
        "--examples", type=int, default=1, help="run property tests with this many times their examples"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "nightly(part): runs in this part of .ci/nightly, not in .ci/run")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("--nightly")
    kept, left_out = [], []
    for item in items:
        part = _part_of(item)
        (kept if part == wanted else left_out).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept
    times = config.getoption("--examples")
    if times > 1:
        _multiply_examples(items, times)


def _part_of(item: pytest.Item) -> str | None:
    mark = item.get_closest_marker("nightly")
    if mark is None:
        return None
    if len(mark.args) != 1 or mark.args[0] not in PARTS:
        raise pytest.UsageError(
            f"{item.nodeid}: unknown part in its mark nightly{mark.args}; use one of {', '.join(PARTS)}"
        )
    return str(mark.args[0])


def _multiply_examples(items: list[pytest.Item], times: int) -> None:
    """A profile would reach only those tests that name no number themselves."""
    from hypothesis import settings

    functions: set[Any] = {getattr(item, "obj", None) for item in items}
    for function in {getattr(one, "__func__", one) for one in functions}:
        if getattr(function, "is_hypothesis_test", False):
            own = getattr(function, "_hypothesis_internal_use_settings", None) or settings.default
            function._hypothesis_internal_use_settings = settings(own, max_examples=own.max_examples * times)
