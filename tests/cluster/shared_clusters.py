"""The clusters that tests share: each kind is started once in a run, and each test takes a namespace of its own.

Where several processes share the tests, a file is given to one of them, so that what a module starts is started once,
and all files that use one cluster to the same.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from control_plane import ControlPlane
from extension import Extension
from running import running
from whole_extension import WholeExtension

KINDS = {
    "services": ("services", "install", "installed"),
    "whole_extension": ("whole_extension", "whole_cluster"),
    "extension": ("extension",),
    "api_server": ("api_server",),
}
"""Clusters to the fixtures that lead to them; those that take longest to start and to use come first."""
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def api_server() -> Iterator[ControlPlane]:
    """etcd and kube-apiserver."""
    with running(ControlPlane) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def extension() -> Iterator[Extension]:
    """A Kubernetes with our server in it; no pod runs."""
    with running(Extension) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def whole_extension() -> Iterator[WholeExtension]:
    """One with a node whose pods really run."""
    with running(WholeExtension) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def whole_cluster(whole_extension: WholeExtension) -> WholeExtension:
    """A node and all controllers, for tests that do not ask for our server."""
    return whole_extension


@cache
def cluster_of(file: Path) -> str:
    """The kind of cluster that the tests of a file use, by the arguments of its functions; empty for none."""
    text = file.read_text("utf-8") if file.is_file() else ""
    room = file.relative_to(ROOT / "tests").parts[0]
    for kind, fixtures in KINDS.items():
        # Other folders have fixtures of the same names.
        if room not in (("install",) if kind == "services" else ("cluster", "programs")):
            continue
        if re.search(rf"\bdef \w+\([^)]*\b({'|'.join(fixtures)})\b *[:,)]", text):
            return kind
    return ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = list(KINDS)
    for item in items:
        used = getattr(item, "_fixtureinfo", None)
        for kind in order if used is not None else ():
            if kind in used.name2fixturedefs and _is_ours(used.name2fixturedefs[kind][-1]):
                if cluster_of(item.path) == kind:
                    break
                raise pytest.UsageError(f"{item.nodeid} uses {kind} where no argument of its file says so")
    # Stable: a cluster's tests come together, before everything that is quick.
    items.sort(key=lambda item: order.index(cluster_of(item.path)) if cluster_of(item.path) else len(order))


def _is_ours(fixture: Any) -> bool:
    return fixture.func.__module__ == __name__ or fixture.baseid == "tests/install"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling

    class ByFileAndCluster(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", 1)[0]
            return cluster_of(ROOT / file) or file

    # In the order of the items, not by their number: one test of a cluster takes as long as hundreds of others.
    config.option.loadscopereorder = False
    return ByFileAndCluster(config, log)
