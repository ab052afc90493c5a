"""What an object costs grows with its size, and not with the square of it: anyone may write a large one."""

from typing import Any

import pytest

from leadline.model.resource import Origin, resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.engine import judge

CONTROLS = load_controls()
SMALL, LARGE = 60, 240


class Counted(dict[str, Any]):
    """Counts how often a field is asked for, over all of its kind."""

    asked = 0

    def get(self, key: str, default: Any = None) -> Any:
        Counted.asked += 1
        return super().get(key, default)


def pod(volumes: list[dict[str, Any]], mounts: list[dict[str, Any]]) -> dict[str, Any]:
    container = {"name": "c", "image": "web:1", "volumeMounts": [Counted(one) for one in mounts]}
    spec = {"containers": [container], "volumes": [Counted(one) for one in volumes]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}, "spec": spec}


SOURCES = [
    *({"hostPath": {"path": path}} for path in ("/", "/run/docker.sock", "/root/.aws", "/var/log")),
    *({source: {}} for source in ("secret", "configMap", "persistentVolumeClaim", "emptyDir")),
]


@pytest.mark.parametrize("source", SOURCES, ids=str)
@pytest.mark.parametrize("is_one_name", [False, True])
def test_volumes_and_mounts(source: dict[str, Any], is_one_name: bool):
    def cost(number: int) -> tuple[int, int]:
        names = ["v" if is_one_name else f"v{i}" for i in range(number)]
        volumes = [{"name": name, **source} for name in names]
        mounts = [{"name": name, "mountPath": f"/{i}"} for i, name in enumerate(names)]
        Counted.asked = 0
        judgement = judge([resource_of(pod(volumes, mounts), Origin(path="p.yaml"))], CONTROLS)
        return Counted.asked, len(judgement.findings)

    asked, found = cost(SMALL)
    asked_of_large, found_in_large = cost(LARGE)
    growth = LARGE / SMALL * 1.2
    assert asked > SMALL, "the controls look at volumes"
    assert asked_of_large < growth * asked
    assert found_in_large <= growth * found
