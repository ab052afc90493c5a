"""What a person applies of a suggestion, as YAML: settings to write into the manifest, and objects to create."""

from collections.abc import Iterator
from typing import Any

import yaml
from msgspec import UNSET

from leadline.api.kinds.suggestions import HeldTo, SuggestedSetting
from leadline.scans.rehearsing.hardening import volume_name


def settings_text(spec: HeldTo) -> Iterator[tuple[str, str]]:
    """The name of each container, empty for the pod as a whole, and what is written into it."""
    owners: dict[str, dict[str, Any]] = {"": {}}
    for setting in spec.settings or ():
        _write(owners, setting)
    for owner, body in owners.items():
        if body:
            yield owner, _dumped(body)


def objects_text(spec: HeldTo) -> Iterator[tuple[str, str]]:
    """The kind of each object to create, and its text, fit for ``kubectl apply -f -``."""
    for one in spec.objects or ():
        if isinstance(one.body, dict):
            yield str(one.body.get("kind", "object")), _dumped(one.body)


def _write(owners: dict[str, dict[str, Any]], setting: SuggestedSetting) -> None:
    body = owners.setdefault(setting.container, {})
    *steps, last = setting.path.split(".")
    inner = body
    for step in steps:
        found = inner.setdefault(step, {})
        if not isinstance(found, dict):
            return
        inner = found
    inner[last] = setting.value
    if setting.empty_volumes is not UNSET and setting.empty_volumes:
        volumes = owners[""].setdefault("volumes", [])
        for folder in setting.empty_volumes:
            name = volume_name(setting.container, folder, {one["name"] for one in volumes})
            volumes.append({"name": name, "emptyDir": {}})
            body.setdefault("volumeMounts", []).append({"name": name, "mountPath": folder})


def _dumped(body: dict[str, Any]) -> str:
    return str(yaml.dump(body, Dumper=yaml.CSafeDumper, sort_keys=False, width=110))
