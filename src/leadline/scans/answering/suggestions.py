"""Suggestions for workloads: made from the record that was given, or as a store holds them."""

from collections.abc import Sequence

from msgspec import UNSET, Struct

from leadline.api.kinds.suggestions import SUGGESTIONS, Suggestion
from leadline.api.stored import Reader
from leadline.scans.answering.evidence import Evidence
from leadline.scans.explaining.suggestion import explained_suggestion
from leadline.scans.rehearsing.hardening import harden
from leadline.scans.rehearsing.hardening_written import suggested_text
from leadline.scans.stored.scan_runs import all_of
from leadline.scans.suggesting.making import suggestion_of
from leadline.scans.suggesting.written import suggestion_lines

_read = Reader(Suggestion)
_WIDTH = 10_000


class Proposal(Struct, frozen=True):
    workload: str
    """``namespace/Kind/name``."""
    digest: str
    """By which a person approves it."""
    sentences: tuple[str, ...]
    """Reason, evidence, completeness, what would have been blocked, how it is undone."""
    lines: tuple[str, ...]
    """A diff of the manifest and the objects to create, or what to write where."""
    state: str = "draft"


def made(evidence: Evidence, workload: str, profiles: Sequence[str]) -> Proposal:
    """Raises: as ``harden``, which rehearses what it suggests."""
    found = harden(workload, evidence.given.roots, profiles, evidence.options)
    spec = suggestion_of(found)
    checked = () if found.is_empty else ("Rehearsed over the same record: nothing of it would be blocked.",)
    return Proposal(
        found.workload,
        spec.digest,
        (*explained_suggestion(spec), *checked),
        tuple(suggested_text(found)),
    )


def stored(evidence: Evidence) -> list[Proposal]:
    """Raises: ``SourceError`` without a store, ``StoreError``."""
    entries = evidence.of_store(lambda store: all_of(store, SUGGESTIONS.plural))
    return [_proposal(_read(entry)) for entry in entries]


def _proposal(one: Suggestion) -> Proposal:
    spec, status = one.spec, one.status
    rehearsal = status.rehearsal if status.rehearsal is not UNSET else None
    return Proposal(
        f"{spec.workload.namespace}/{spec.workload.kind}/{spec.workload.name}",
        spec.digest,
        tuple(explained_suggestion(spec, rehearsal)),
        tuple(suggestion_lines(Suggestion(spec), _WIDTH)),
        status.state,
    )
