"""What changed: files against a revision of their repository, stored results against an earlier day."""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from leadline.errors import SourceError, UsageError
from leadline.model.history import History
from leadline.model.report import PostureReport
from leadline.outputs.documents.baseline import SeenFinding, baseline_of
from leadline.outputs.documents.comparison import compare
from leadline.outputs.rows.no_places import NoPlaces
from leadline.outputs.text.history_text import happened
from leadline.scans.answering.evidence import Evidence
from leadline.scans.explaining.history import explained_history
from leadline.scans.stored.history.reading import asked_of, history
from leadline.sources.git.revision import path_at_revision
from leadline.version import __version__


class FileChanges(Struct, frozen=True):
    before: PostureReport
    new: tuple[SeenFinding, ...]
    gone: tuple[SeenFinding, ...]
    unseen: int
    """Findings of before of which nothing says that they are gone."""
    unchanged: int


def changed_since(evidence: Evidence, revision: str) -> FileChanges:
    """The one root that was given, at ``revision`` and now.

    Raises: ``UsageError`` for several roots, ``SourceError`` without a repository or such a revision.
    """
    roots = evidence.given.roots
    if len(roots) != 1:
        raise UsageError("a revision is compared with one file or folder", hint="start with one")
    after = evidence.report
    was = path_at_revision(roots[0], revision, evidence.options.environ)
    if not was.address:
        raise SourceError("what was given was not there at that revision", hint="ask with a later one")
    before = evidence.scanned((was.address,))
    old, new = (baseline_of(one, NoPlaces(), "", __version__) for one in (before, after))
    difference = compare(old, new)
    return FileChanges(
        before,
        tuple(one for one, known in zip(new.findings, difference.known, strict=True) if known is None),
        difference.gone,
        len(difference.unseen),
        difference.numbers.unchanged,
    )


class Event(Struct, frozen=True):
    """One change of one finding."""

    at: str
    what: str
    """``first seen``, ``came back``, ``fixed`` …"""
    by: str
    """``rules`` or ``database`` where these changed and not the cluster."""
    severity: str
    id: str
    title: str
    object: str


class StoreChanges(Struct, frozen=True):
    since: str
    until: str
    sentences: tuple[str, ...]
    events: tuple[Event, ...]
    """The newest first."""
    notes: tuple[str, ...]


def store_changes(evidence: Evidence, name: str, since: str, now: datetime) -> StoreChanges:
    """Raises: ``UsageError`` for a span that is none, ``SourceError`` where no history is stored, ``StoreError``."""
    asked = asked_of(name, since, now)
    found = evidence.of_store(lambda store: history(store, asked))
    return StoreChanges(
        found.since, found.until, tuple(explained_history(found)), tuple(_events(found)), found.notes
    )


def _events(found: History) -> Iterator[Event]:
    for life, change, what in happened(found):
        yield Event(change.at, what, change.by, life.severity, life.id, life.title, life.object)
