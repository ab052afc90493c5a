"""The history of the vulnerabilities of each container's image, which goes on when the container runs another image."""

from collections.abc import Iterable, Mapping

from msgspec import UNSET, Struct
from msgspec.structs import replace

from leadline.api.kind import PREFIX
from leadline.api.kinds.configuration import JudgedObject
from leadline.api.kinds.history import FindingLife, ObjectHistory
from leadline.api.kinds.images import VulnerabilityManifest
from leadline.api.posture_results import label_value, slug
from leadline.api.protocol import ABSENT, ConflictError, Entry, Store
from leadline.api.selection import Key
from leadline.api.stored import Reader, metadata_of
from leadline.model.image_report import ImageReport
from leadline.scans.stored.history.lives import (
    ACCEPTED,
    FAILED,
    FOUND,
    HISTORIES,
    PASSED,
    Look,
    Seen,
    continued,
    ended,
    history_of,
    put_of,
)
from leadline.scans.stored.image_results import MANIFESTS, RunningContainer
from leadline.scans.stored.lasting import put_lasting

MOST_VULNERABILITIES = 3_000
"""Of one container; of more those that are gone are left out first, then the mildest."""
_MANIFESTS_HELD = 100
_ATTEMPTS = 3
_manifest_of = Reader(VulnerabilityManifest)
_RANKS = {name: rank for rank, name in enumerate(("critical", "high", "medium", "low", "negligible"))}


class ImageLook(Struct, frozen=True):
    """What was found in an image, which was matched with a database."""

    digest: str
    database: str
    at: str
    found: Mapping[str, str]
    """Severity by the id of the vulnerability."""
    accepted: frozenset[str] = frozenset()


class Vulnerabilities:
    """Writes the histories of containers; knows what is in the images that were looked at last."""

    def __init__(self, store: Store, home: str) -> None:
        self._store = store
        self._home = home
        self._held: dict[tuple[str, str], tuple[Mapping[str, str], frozenset[str]]] = {}
        """By the name of a manifest and what distinguishes its versions."""

    async def record(
        self, container: RunningContainer, name: str, manifest: tuple[str, str], look: ImageLook
    ) -> None:
        """As ``recorded``, with what a ``VulnerabilityManifest`` holds; ``manifest`` is its name and its version.

        Raises: ``StoreError``.
        """
        held = self._held.get(manifest)
        if held is None:
            entry = await self._store.get(Key(MANIFESTS, self._home, manifest[0]))
            if entry is None:
                return
            held = _found_in(entry)
            if len(self._held) >= _MANIFESTS_HELD:
                self._held.clear()
            self._held[manifest] = held
        await recorded(self._store, container, name, replace(look, found=held[0], accepted=held[1]))


def look_of(report: ImageReport, at: str) -> ImageLook | None:
    """``None`` where it was matched with no database: that says nothing."""
    if not report.database:
        return None
    found = _worst((one.id, one.severity) for one in report.vulnerabilities)
    accepted = {one.match.id: one.match.severity for one in report.suppressed if one.by == "waiver"}
    both = {**accepted, **found}
    return ImageLook(
        report.sbom.image.digest, report.database.built, at, both, frozenset(accepted.keys() - found.keys())
    )


async def recorded(store: Store, container: RunningContainer, name: str, look: ImageLook) -> None:
    """Goes on with the history of ``container``, whose summary is called ``name``. Raises: ``StoreError``."""
    key = Key(HISTORIES, container.namespace, _name(name))
    for attempt in range(_ATTEMPTS):
        entry = await store.get(key)
        old = history_of(entry).spec if entry else None
        is_same_image = old is not None and old.digest == look.digest
        by = "database" if is_same_image and old is not None and old.database != look.database else ""
        seen = {
            id: Seen(ACCEPTED if id in look.accepted else FAILED, severity)
            for id, severity in look.found.items()
        }
        history = continued(old, Look(seen, look.at, by, others=PASSED))
        if history is None and (old is None or is_same_image):
            return
        history = replace(history or old or ObjectHistory(), digest=look.digest, database=look.database)
        named = JudgedObject("", "", container.kind, container.namespace, container.workload)
        history = _bounded(replace(history, object=named, container=container.name))
        try:
            await put_lasting(
                store, [put_of(key, history, _labels(container), entry.revision if entry else ABSENT)]
            )
        except ConflictError:
            if attempt + 1 == _ATTEMPTS:
                raise
            continue
        return


async def container_gone(store: Store, namespace: str, name: str, at: str) -> None:
    """Records that the container whose summary was called ``name`` runs no more. Raises: ``StoreError``."""
    key = Key(HISTORIES, namespace, _name(name))
    entry = await store.get(key)
    history = ended(history_of(entry).spec, at) if entry else None
    if entry and history:
        await put_lasting(store, [put_of(key, history, metadata_of(entry).labels, entry.revision)])


def _name(summary: str) -> str:
    """Beside those of objects: a Deployment may be called like a container of another."""
    return slug(f"image-{summary}")


def _labels(container: RunningContainer) -> dict[str, str]:
    return {
        f"{PREFIX}workload-kind": label_value(container.kind),
        f"{PREFIX}workload-name": label_value(container.workload),
        f"{PREFIX}workload-container-name": label_value(container.name),
    }


def _bounded(history: ObjectHistory) -> ObjectHistory:
    surplus = len(history.findings) - MOST_VULNERABILITIES
    if surplus <= 0:
        return history

    def order(row: tuple[str, FindingLife]) -> tuple[bool, int, str]:
        id, life = row
        state = life.changes[-1].state if life.changes else ""
        return state not in FOUND, _RANKS.get(life.severity, len(_RANKS)), id

    kept = sorted(history.findings.items(), key=order)[:MOST_VULNERABILITIES]
    before = 0 if history.left_out is UNSET else history.left_out
    return replace(history, findings=dict(sorted(kept)), left_out=max(before, surplus))


def _found_in(entry: Entry) -> tuple[Mapping[str, str], frozenset[str]]:
    payload = _manifest_of(entry).spec.payload
    matches = (one.vulnerability for one in payload.matches or ())
    found = _worst((one.id, one.severity or "") for one in matches)
    accepted = {
        one.vulnerability.id: (one.vulnerability.severity or "").lower()
        for one in payload.ignored_matches or ()
        if any(rule.source_kind == "waiver" for rule in one.applied_ignore_rules or ())
    }
    return {**accepted, **found}, frozenset(accepted.keys() - found.keys())


def _worst(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Several packages may have one vulnerability."""
    found: dict[str, str] = {}
    for id, severity in rows:
        now = severity.lower()
        if id not in found or _RANKS.get(now, len(_RANKS)) < _RANKS.get(found[id], len(_RANKS)):
            found[id] = now
    return found
