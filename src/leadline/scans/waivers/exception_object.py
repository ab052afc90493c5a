"""An object that accepts findings, for a person to complete and apply: nothing here writes it anywhere."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import yaml

from leadline.model.resource import Resource

REASON = "write here why this is acceptable"
_LASTS = timedelta(days=90)
_MOST = 500
"""Objects that one exception may name."""


def exception_text(objects: Iterable[Resource], controls: Sequence[str], today: date) -> str:
    """YAML of what accepts these controls on these objects: one ``SecurityException`` for each namespace.

    What is in no namespace takes a ``ClusterSecurityException``. Each ends 90 days after ``today``, and holds ``REASON``.
    """
    spaces: dict[str, list[Resource]] = {}
    for one in objects:
        spaces.setdefault(one.namespace, []).append(one)
    bodies = [_body(space, those[:_MOST], controls, today) for space, those in sorted(spaces.items())]
    return yaml.dump_all(bodies, Dumper=yaml.CSafeDumper, sort_keys=False, width=110)


def _body(space: str, objects: Sequence[Resource], controls: Sequence[str], today: date) -> dict[str, Any]:
    name = f"{objects[0].kind}-{controls[0]}".lower()
    return {
        "apiVersion": "kubescape.io/v1beta1",
        "kind": "SecurityException" if space else "ClusterSecurityException",
        "metadata": {"name": name, **({"namespace": space} if space else {})},
        "spec": {
            "reason": REASON,
            "expiresAt": f"{(today + _LASTS).isoformat()}T00:00:00Z",
            "match": {"resources": [_about(one) for one in objects]},
            "posture": [{"controlID": id, "action": "ignore"} for id in controls],
        },
    }


def _about(one: Resource) -> dict[str, str]:
    if one.origin.kind == "derived":
        return {"kind": one.kind, "name": one.name}
    return {"apiGroup": one.api_version.rpartition("/")[0], "kind": one.kind, "name": one.name}
