"""Databases made of facts that a test writes down."""

from collections.abc import Iterable
from pathlib import Path

from leadline.model.unread import Unread
from leadline.model.vulnerability import Advisory, Affected, Fact, VersionRange
from leadline.vulnerabilities.database import Database
from leadline.vulnerabilities.database_builder import Built, build
from leadline.vulnerabilities.feed import Document, Feed

BUILT = "2026-06-30T12:00:00Z"


def feed_of(name: str, facts: Iterable[Fact]) -> Feed:
    """A feed with one document, which is named as it is."""
    return Feed(
        name, name.title(), lambda document: document.path == name, lambda document: iter(tuple(facts))
    )


def build_of(target: Path, feeds: dict[str, list[Fact]]) -> Built:
    documents: list[Document | Unread] = [Document(name, b"") for name in feeds]
    return build(documents, [feed_of(name, facts) for name, facts in feeds.items()], target, built=BUILT)


def database_of(folder: Path, *facts: Fact, **feeds: list[Fact]) -> Database:
    """``facts`` come from a feed named ``feed``."""
    path = folder / "vulnerabilities.db"
    build_of(path, ({"feed": list(facts)} if facts else {}) | feeds)
    return Database(path)


def advisory(id: str, ecosystem: str, package: str, **more: object) -> Advisory:
    """One package with one range: ``introduced``, ``fixed``, ``last_affected``; the rest goes where it belongs."""
    span = {
        name: more.pop(name)
        for name in ("introduced", "fixed", "last_affected", "after", "is_fix")
        if name in more
    }
    own = {name: more.pop(name) for name in Affected.__struct_fields__ if name in more and name != "severity"}
    release = ecosystem.partition(":")[2]
    affected = Affected(
        ecosystem.partition(":")[0],
        package,
        **({"release": release, "ranges": (VersionRange(**span),)} | own),  # type: ignore[arg-type]
    )
    return Advisory(id, (affected,), **more)  # type: ignore[arg-type]
