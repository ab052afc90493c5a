"""Findings as objects, one for each control that an object fails: worked out of the stored scans when they are asked for.

Nothing of them is stored. They can be listed and read, and not be watched.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import msgspec
import orjson

from leadline.api.kind import OUR_GROUP, PREFIX, at
from leadline.api.kinds.scans import FailedControl, FailedObject, Finding, FindingPath
from leadline.api.protocol import Content, Entry, Page, Paging, Store
from leadline.api.selection import Key, Selection
from leadline.api.token import read_token, write_token
from leadline.programs.apiserver.encoding import wire
from leadline.programs.apiserver.encoding.served import Served

SCANS = "workloadconfigurationscans"
_SCANS_AT_A_TIME = 50
_KEPT = ("failedPath", "fixPath", "fixPathValue", "fixCommand")
Body = dict[str, Any]


class FindingView:
    """Reads as a store does. A finding is named ``<scan>.<control>``: ``deployment-web.c-0057``."""

    def __init__(self, store: Store, served: Served) -> None:
        self._store = store
        self._served = served

    @property
    def revision(self) -> int:
        return self._store.revision

    async def get(self, key: Key) -> Entry | None:
        scan = await self._store.get(Key(SCANS, key.namespace, key.name.rpartition(".")[0]))
        if scan is None:
            return None
        return next((entry for entry in self._findings(scan) if entry.key == key), None)

    async def list(self, selection: Selection, paging: Paging) -> Page:
        """As the store's; ``paging.max_bytes`` bounds the scans that are read at a time."""
        revision, *after = read_token(paging.token) or (self._store.revision, "", "")
        namespace, name = str(after[0]), str(after[1])
        begun = (namespace, name.rpartition(".")[0])
        token = write_token((revision, namespace, _just_before(begun[1])))
        source = Selection(SCANS, selection.namespace)
        found: list[Entry] = []
        while token:
            page = await self._store.list(source, Paging(token, _SCANS_AT_A_TIME, paging.max_bytes))
            token = page.token
            for scan in page.entries:
                for entry in self._findings(scan):
                    if (scan.key.namespace, scan.key.name) == begun and entry.key.name <= name:
                        continue
                    if not _is_wanted(entry, selection):
                        continue
                    if len(found) >= paging.limit:
                        last = found[-1].key
                        return Page(
                            tuple(found), revision, write_token((revision, last.namespace, last.name))
                        )
                    found.append(entry)
        return Page(tuple(found), revision, "")

    def _findings(self, scan: Entry) -> Iterator[Entry]:
        """In the order of their names."""
        metadata, spec = orjson.loads(scan.content.metadata), at(orjson.loads(scan.content.body), "spec")
        controls = at(spec, "controls") or {}
        for id in sorted(controls, key=str.lower):
            if at(controls[id], "status", "status") == "failed":
                yield self._entry(scan, metadata, controls[id], id)

    def _entry(self, scan: Entry, metadata: Body, control: Body, id: str) -> Entry:
        severity = str(at(control, "severity", "severity") or "Unknown")
        labels = metadata.get("labels") or {}
        name = f"{scan.key.name}.{id.lower()}"
        made: Body = {
            "name": name,
            "namespace": scan.key.namespace,
            "uid": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{metadata.get('uid')}{id}")),
            "creationTimestamp": at(metadata, "annotations", f"{PREFIX}timestamp")
            or metadata.get("creationTimestamp"),
            "labels": {**labels, f"{OUR_GROUP}/severity": severity.lower(), f"{OUR_GROUP}/control": id},
        }
        rules = [rule for rule in control.get("rules") or () if isinstance(rule, dict)]
        paths = [path for rule in rules for path in rule.get("paths") or () if isinstance(path, dict)]
        spec = FailedControl(
            id,
            control.get("name") or id,
            severity,
            at(control, "severity", "scoreFactor") or 0,
            FailedObject(
                *(labels.get(f"{PREFIX}workload-{part}", "") for part in ("kind", "name", "namespace"))
            ),
            tuple(FindingPath(*(path.get(name) or "" for name in _KEPT)) for path in paths),
        )
        kind = self._served.kind
        whole = {"kind": kind.name, "apiVersion": kind.api_version, "metadata": made}
        whole |= msgspec.to_builtins(Finding(spec))
        content: Content = wire.content_of(self._served, whole)
        return Entry(Key(kind.plural, scan.key.namespace, name), scan.revision, content)


def _is_wanted(entry: Entry, selection: Selection) -> bool:
    return selection.covers(entry.key) and selection.matches_labels(entry.content.metadata)


def _just_before(name: str) -> str:
    """What a list starts after so that ``name`` is its first. No name has the last character in it."""
    return f"{name[:-1]}{chr(ord(name[-1]) - 1)}\U0010ffff" if name else ""
