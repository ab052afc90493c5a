"""Findings of objects, one for each control that an object fails: ``deployment-web.c-0057``."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from msgspec import UNSET, UnsetType

from leadline.api.kind import PREFIX, at
from leadline.api.kinds.single_findings import ACCEPTED, FAILED, FailedControl, FailedObject, FindingPath
from leadline.api.posture_results import BY_EXCEPTION, SCANS
from leadline.api.protocol import Entry, Store
from leadline.programs.apiserver.computed.views import Found, entry_of
from leadline.programs.apiserver.encoding.served import Served

_KEPT = ("failedPath", "fixPath", "fixPathValue", "fixCommand")
Body = dict[str, Any]


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
            yield _entry(served, scan, metadata, control, id)


def _entry(served: Served, scan: Entry, metadata: Body, control: Body, id: str) -> Entry:
    severity = str(at(control, "severity", "severity") or "Unknown")
    labels = metadata.get("labels") or {}
    is_failed = at(control, "status", "status") == "failed"
    state = FAILED if is_failed else ACCEPTED
    rules = [rule for rule in control.get("rules") or () if isinstance(rule, dict)]
    # Of a control that fails, what is accepted of it is no part of what has to be fixed.
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
