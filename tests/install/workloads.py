"""Workloads of users, as tests apply them."""

from typing import Any

from whole_cluster import IMAGE


def deployment(namespace: str, name: str, image: str, **container: Any) -> dict[str, Any]:
    labels = {"app": name}
    main = {"name": "main", "image": image, "command": ["/bin/sleep", "86400"], **container}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [main], "terminationGracePeriodSeconds": 0},
            },
        },
    }


def privileged(namespace: str, name: str = "web") -> dict[str, Any]:
    return deployment(namespace, name, IMAGE, securityContext={"privileged": True})
