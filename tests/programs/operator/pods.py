"""Pods as an API server sends them."""

from collections.abc import Mapping
from typing import Any

from leadline.programs.operator.watch import Running, _running
from leadline.sources.cluster.watch import Key


def digest_of(number: int) -> str:
    return f"sha256:{number:064x}"


def pod(
    name: str,
    image: str,
    digest: str,
    *,
    namespace: str = "shop",
    secrets: tuple[str, ...] = (),
    owner: dict[str, Any] | None = None,
    created: str = "2026-06-01T00:00:00Z",
    pulled: bool = True,
) -> dict[str, Any]:
    """One that runs ``image`` by ``digest``, in a container called ``main``."""
    repository = image.rpartition(":")[0] if ":" in image.rpartition("/")[2] else image
    metadata = {
        "uid": f"uid-{namespace}-{name}",
        "name": name,
        "namespace": namespace,
        "creationTimestamp": created,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**metadata, **({"ownerReferences": [owner]} if owner else {})},
        "spec": {
            "nodeName": "node1",
            "imagePullSecrets": [{"name": one} for one in secrets],
            "containers": [{"name": "main", "image": image}],
        },
        "status": {
            "phase": "Running",
            "containerStatuses": [
                {"name": "main", "image": image, "imageID": f"{repository}@{digest}" if pulled else digest}
            ],
        },
    }


def shown(body: dict[str, Any]) -> Mapping[Key, Running | None]:
    """As the watch hands on that the object has come or changed."""
    group = body["apiVersion"].rpartition("/")[0]
    one = _running(f"{body['kind']}.{group}" if group else body["kind"], body)
    return {one.key: one}
