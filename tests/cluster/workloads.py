"""Workloads of users, as tests apply them."""

from typing import Any

from whole_cluster import IMAGE


def deployment(
    namespace: str, name: str, image: str = IMAGE, *, replicas: int = 1, **container: Any
) -> dict[str, Any]:
    """``container`` holds more fields of its one container."""
    labels = {"app": name}
    main = {"name": "main", "image": image, "command": ["/bin/sleep", "86400"], **container}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [main], "terminationGracePeriodSeconds": 0},
            },
        },
    }


def privileged(namespace: str, name: str = "web", *, replicas: int = 1) -> dict[str, Any]:
    return deployment(namespace, name, replicas=replicas, securityContext={"privileged": True})


def network_policy(namespace: str) -> dict[str, Any]:
    """One that selects every pod of its namespace and lets nothing through."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "all", "namespace": namespace},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    }
