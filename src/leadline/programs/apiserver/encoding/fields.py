"""Who owns which fields of an object: server-side apply, and the same bookkeeping for other writes.

Lists are owned as a whole. Ownership is kept as sets of paths, and written as ``managedFields``
(https://kubernetes.io/docs/reference/using-api/server-side-apply/).
"""

from collections.abc import Mapping
from typing import Any

import orjson
from msgspec import Struct

from leadline.api.kind import Kind
from leadline.programs.apiserver.encoding.forms import now
from leadline.programs.apiserver.patches import merge
from leadline.programs.serving.cluster import refusal

Object = dict[str, Any]
Path = tuple[str, ...]
Owner = tuple[str, str]
"""Manager, and ``Apply`` or ``Update``."""
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_OWNABLE_METADATA = ("labels", "annotations", "finalizers", "ownerReferences")
MAX_DEPTH = 40
"""Deeper values are owned as a whole."""


class Application(Struct, frozen=True):
    """What a client applies, and as who."""

    config: Object
    manager: str
    force: bool = False


def apply(kind: Kind, old: Object | None, application: Application) -> Object:
    """The object after the application; only what its manager alone owned and no longer names goes away.

    Raises: ``Refusal`` where others own different values and ``force`` is off.
    """
    config = application.config
    me = (application.manager, "Apply")
    mine = _owned(config)
    owners = owners_of(old) if old else {}
    claimed = _Paths(mine)
    conflicts = [
        (owner, path)
        for owner, paths in owners.items()
        if owner != me
        for path in paths
        if claimed.touch(path) and pick(old, path) != pick(config, path)
    ]
    if application.manager == "kubectl":
        # kubectl applied these itself before, from the client's side.
        before = _owned(_last_applied(old))
        conflicts = [(owner, path) for owner, path in conflicts if path not in before]
    if conflicts and not application.force:
        causes = [
            {
                "reason": "FieldManagerConflict",
                "message": f'conflict with "{owner[0]}" using {kind.api_version}',
                "field": "." + ".".join(path),
            }
            for owner, path in conflicts
        ]
        listed = ", ".join(sorted({f'"{owner[0]}"' for owner, _ in conflicts}))
        plural = "s" if len(conflicts) != 1 else ""
        why = f"Apply failed with {len(conflicts)} conflict{plural}: conflicts with {listed}"
        raise refusal.conflict(kind, config["metadata"]["name"], why, causes)
    for owner, path in conflicts:
        owners[owner] = owners[owner] - {path}
    new = merge(old, config)
    others: set[Path] = set().union(*(paths for owner, paths in owners.items() if owner != me))
    kept = _Paths(mine | others)
    for path in owners.get(me, set()) - mine:
        parent = pick(new, path[:-1])
        if isinstance(parent, dict) and not kept.touch(path):
            parent.pop(path[-1], None)
    _write(kind, new, {**owners, me: mine})
    assert isinstance(new, dict)
    return new


def track(kind: Kind, old: Object | None, new: Object, manager: str) -> None:
    """An ordinary write: what it changes becomes its manager's. Without a manager, and where nothing has an owner yet,

    nothing is kept. A write that itself changes ``managedFields`` has its way.
    """
    before = old["metadata"].get("managedFields") if old else None
    sent = new["metadata"].get("managedFields")
    if old and sent and sent != before:
        return
    if not manager and not before:
        new["metadata"].pop("managedFields", None)
        return
    if before:
        new["metadata"]["managedFields"] = before
    fields = _owned(new)
    changed = {path for path in fields if old is None or pick(new, path) != pick(old, path)}
    owners = {owner: paths & fields - changed for owner, paths in (owners_of(old) if old else {}).items()}
    me = (manager or "unknown", "Update")
    if changed:
        owners[me] = owners.get(me, set()) | changed
        _write(kind, new, owners, old)


def pick(whole: Any, path: Path) -> Any:
    for name in path:
        whole = whole.get(name) if isinstance(whole, dict) else None
    return whole


def owners_of(whole: Object) -> dict[Owner, set[Path]]:
    entries = whole["metadata"].get("managedFields") or ()
    return {
        (str(entry.get("manager", "")), str(entry.get("operation", ""))): _read(entry.get("fieldsV1") or {})
        for entry in entries
        if isinstance(entry, dict)
    }


class _Paths:
    """Finds whether a path lies at, within or around one of many."""

    def __init__(self, paths: set[Path]) -> None:
        self._exact = paths
        self._around = {path[:length] for path in paths for length in range(len(path))}

    def touch(self, path: Path) -> bool:
        return path in self._around or any(path[:length] in self._exact for length in range(len(path) + 1))


def _owned(whole: Object) -> set[Path]:
    owned: set[Path] = set()
    for name, value in whole.items():
        if name == "metadata" and isinstance(value, dict):
            for field in _OWNABLE_METADATA:
                if value.get(field):
                    _collect(value[field], ("metadata", field), owned)
        elif name not in ("kind", "apiVersion", "metadata"):
            _collect(value, (name,), owned)
    return owned


def _collect(value: Any, at: Path, found: set[Path]) -> None:
    """An empty object has no owner: to name it claims nothing of what others put there."""
    if isinstance(value, dict) and len(at) < MAX_DEPTH:
        for name, member in value.items():
            _collect(member, (*at, name), found)
    else:
        found.add(at)


def _read(fields: Any, at: Path = ()) -> set[Path]:
    found: set[Path] = set()
    members = {n: v for n, v in fields.items() if n != "."} if isinstance(fields, dict) else {}
    if not members or len(at) >= MAX_DEPTH:
        return {at} if at else set()
    for name, member in members.items():
        found |= _read(member, (*at, name.removeprefix("f:")))
    return found


def _write(kind: Kind, new: Object, owners: Mapping[Owner, set[Path]], old: Object | None = None) -> None:
    times = {
        (entry.get("manager"), entry.get("operation")): entry
        for entry in ((old or new)["metadata"].get("managedFields") or ())
    }
    entries = []
    for owner, paths in owners.items():
        if not paths:
            continue
        tree: Object = {}
        for path in sorted(paths):
            place = tree
            for name in path:
                place = place.setdefault(f"f:{name}", {})
        entry = {
            "manager": owner[0],
            "operation": owner[1],
            "apiVersion": kind.api_version,
            "time": now(),
            "fieldsType": "FieldsV1",
            "fieldsV1": tree,
        }
        kept = times.get(owner)
        is_same = kept is not None and kept.get("fieldsV1") == tree
        entries.append({**entry, "time": kept.get("time")} if is_same and kept else entry)
    new["metadata"]["managedFields"] = entries


def _last_applied(old: Object | None) -> Object:
    text = pick(old, ("metadata", "annotations", _LAST_APPLIED))
    try:
        config = orjson.loads(text) if isinstance(text, str) else {}
    except orjson.JSONDecodeError:
        return {}
    return config if isinstance(config, dict) else {}
