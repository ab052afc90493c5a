"""Findings of objects (``deployment-web.c-0057``), and vulnerabilities of the images of containers (``deployment-web-nginx.cve-2024-1234``).

Manifests of images are stored once, in the namespace of the installation, for all that run them. What a container's
summary refers to is shown in the container's own namespace, with what is accepted for it and for nothing else.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import orjson
from msgspec import UNSET, UnsetType

from leadline.api.kind import OUR_GROUP, PREFIX, at
from leadline.api.kinds.images import Counted
from leadline.api.kinds.single_findings import (
    ACCEPTED,
    FAILED,
    ContainerVulnerability,
    FailedControl,
    FailedObject,
    FindingPath,
    VulnerablePackage,
)
from leadline.api.posture_results import BY_EXCEPTION, SCANS
from leadline.api.protocol import Entry, Store
from leadline.api.selection import Key
from leadline.programs.apiserver.computed.views import Found, entry_of
from leadline.programs.apiserver.encoding.forms import Served
from leadline.untyped import MALFORMED

SUMMARIES, MANIFESTS = "vulnerabilitymanifestsummaries", "vulnerabilitymanifests"
COUNTED = f"{OUR_GROUP}/vulnerabilities"
WAIVER = "waiver"
"""By what matches are ignored that people accept; others are ignored since the image does not have the vulnerability."""
_HELD = 8
_NOT_OF_NAMES = re.compile(r"[^a-z0-9-]+")
_LONGEST_DESCRIPTION = 500
Body = dict[str, Any]


class ImageFindingShape:
    source = SUMMARIES
    is_referring = True

    def __init__(self) -> None:
        self._held: dict[tuple[Key, int], dict[str, list[Body]]] = {}
        """Matches of the manifests that were read last: containers of a list run the same images again and again."""

    def refers_to(self, source: Entry) -> Key | None:
        reference = at(orjson.loads(source.content.body), "spec", "vulnerabilitiesRef", "all")
        if not isinstance(reference, dict) or not reference.get("name"):
            return None
        return Key(MANIFESTS, str(reference.get("namespace") or ""), str(reference["name"]))

    async def entries(self, store: Store, served: Served, source: Entry) -> Iterable[Entry]:
        key = self.refers_to(source)
        if key is None:
            return ()
        metadata = orjson.loads(source.content.metadata)
        matches = await self._matches(store, key)
        counted = _counted(metadata)
        accepted = frozenset(counted.accepted_ids)
        # The first are named: what all users accept is accepted here too where there are more.
        has_more = counted.accepted > len(accepted)
        entries = []
        for id, found in matches.items():
            is_accepted = id in accepted or (has_more and all(match["ignoredBy"] for match in found))
            if id in accepted or any(match["ignoredBy"] in ("", WAIVER) for match in found):
                entries.append(_entry(served, source, metadata, id, found, is_accepted=is_accepted))
        return entries

    async def _matches(self, store: Store, key: Key) -> dict[str, list[Body]]:
        """By vulnerability. What all users accept is among them: whether this one does is another question."""
        entry = await store.get(key)
        if entry is None:
            return {}
        held = self._held.get((key, entry.revision))
        if held is None:
            payload = at(orjson.loads(entry.content.body), "spec", "payload") or {}
            held = {}
            for name in ("matches", "ignoredMatches"):
                for match in payload.get(name) or ():
                    if isinstance(match, dict) and (id := at(match, "vulnerability", "id")):
                        held.setdefault(str(id), []).append({**match, "ignoredBy": _ignored_by(match, name)})
            if len(self._held) >= _HELD:
                self._held.clear()
            self._held[key, entry.revision] = held
        return held


def _ignored_by(match: Body, name: str) -> str:
    """What has the match left out of the counts; empty where nothing does."""
    if name == "matches":
        return ""
    rules = match.get("appliedIgnoreRules")
    first = rules[0] if isinstance(rules, list) and rules else {}
    return str(at(first, "sourceKind") or "unknown")


def _counted(metadata: Body) -> Counted:
    """What is counted of the container, with what is accepted for it."""
    try:
        return msgspec.json.decode(at(metadata, "annotations", COUNTED) or "{}", type=Counted)
    except MALFORMED:
        return Counted()


def _entry(
    served: Served, source: Entry, metadata: Body, id: str, matches: list[Body], *, is_accepted: bool
) -> Entry:
    labels = metadata.get("labels") or {}
    described = matches[0]["vulnerability"]
    severity = str(described.get("severity") or "Unknown").capitalize()
    state = ACCEPTED if is_accepted else FAILED
    finding = ContainerVulnerability(
        id,
        severity,
        FailedObject(
            labels.get(f"{PREFIX}workload-kind", ""),
            labels.get(f"{PREFIX}workload-name", ""),
            source.key.namespace,
        ),
        labels.get(f"{PREFIX}workload-container-name", ""),
        str(at(metadata, "annotations", f"{PREFIX}image-tag") or ""),
        tuple(dict.fromkeys(map(_package, matches))),
        str(described.get("description") or "")[:_LONGEST_DESCRIPTION],
        str(described.get("dataSource") or ""),
        bool(described.get("knownExploited")),
        state,
    )
    rest = _NOT_OF_NAMES.sub("-", id.lower()).strip("-")
    return entry_of(served, source, metadata, Found("vulnerability", id, rest, severity, state, finding))


def _package(match: Body) -> VulnerablePackage:
    artifact = match.get("artifact") or {}
    return VulnerablePackage(
        str(artifact.get("name") or ""),
        str(artifact.get("version") or ""),
        str(artifact.get("type") or ""),
        tuple(at(match, "vulnerability", "fix", "versions") or ()),
    )


_KEPT = ("failedPath", "fixPath", "fixPathValue", "fixCommand")


class FindingShape:
    source = SCANS
    is_referring = False

    def refers_to(self, source: Entry) -> None:
        """All is in the source itself."""

    async def entries(self, store: Store, served: Served, source: Entry) -> Iterable[Entry]:
        return list(_findings(served, source))


def _findings(served: Served, scan: Entry) -> Iterator[Entry]:
    metadata, spec = orjson.loads(scan.content.metadata), at(orjson.loads(scan.content.body), "spec")
    controls = at(spec, "controls") or {}
    for id, control in controls.items():
        status = at(control, "status", "status")
        if status == "failed" or (status == "passed" and at(control, "status", "subStatus") == BY_EXCEPTION):
            yield _finding_of(served, scan, metadata, control, id)


def _finding_of(served: Served, scan: Entry, metadata: Body, control: Body, id: str) -> Entry:
    severity = str(at(control, "severity", "severity") or "Unknown")
    labels = metadata.get("labels") or {}
    is_failed = at(control, "status", "status") == "failed"
    state = FAILED if is_failed else ACCEPTED
    rules = [rule for rule in control.get("rules") or () if isinstance(rule, dict)]
    # A control that fails lists only what has to be fixed, and leaves out what was accepted.
    shown = [rule for rule in rules if (at(rule, "status", "subStatus") == BY_EXCEPTION) != is_failed]
    paths = [path for rule in shown for path in rule.get("paths") or () if isinstance(path, dict)]
    finding = FailedControl(
        id,
        control.get("name") or id,
        severity,
        at(control, "severity", "scoreFactor") or 0,
        FailedObject(*(labels.get(f"{PREFIX}workload-{part}", "") for part in ("kind", "name", "namespace"))),
        tuple(FindingPath(*(path.get(name) or "" for name in _KEPT)) for path in paths),
        state,
        UNSET if is_failed else _first(shown, "appliedIgnoreRules"),
        UNSET if is_failed else _first(shown, "expires"),
    )
    return entry_of(served, scan, metadata, Found("control", id, id.lower(), severity, state, finding))


def _first(rules: list[Body], name: str) -> str | UnsetType:
    for rule in rules:
        value = rule.get(name)
        value = value[0] if isinstance(value, list) and value else value
        if value and isinstance(value, str):
            return value
    return UNSET
