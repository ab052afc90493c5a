"""Real-looking manifests for the benchmarks, the same for the same number."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

KINDS = (
    "Deployment",
    "Service",
    "ConfigMap",
    "StatefulSet",
    "CronJob",
    "Role",
    "RoleBinding",
    "ServiceAccount",
    "Ingress",
    "NetworkPolicy",
)


def objects(count: int, *, seed: int = 7) -> Iterator[dict[str, Any]]:
    """``count`` objects of ten kinds in namespaces of some fifty each, good ones and bad ones: 11.4 failed controls for each."""
    chance = random.Random(seed)
    for number in range(count):
        yield _body(
            KINDS[number % len(KINDS)], f"app-{number // len(KINDS)}", f"team-{number // 500}", chance
        )


def write_folder(folder: Path, count: int, per_file: int = 10) -> int:
    """Writes them as YAML files of ``per_file`` documents; returns the bytes."""
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    bodies = list(objects(count))
    size = 0
    for number in range(0, count, per_file):
        text = yaml.dump_all(bodies[number : number + per_file], Dumper=yaml.CSafeDumper, sort_keys=False)
        size += (folder / f"app-{number // per_file:05}.yaml").write_text(text)
    return size


def _body(kind: str, name: str, namespace: str, chance: random.Random) -> dict[str, Any]:
    labels = {"app": name, "app.kubernetes.io/name": name, "tier": chance.choice(["front", "back"])}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    body: dict[str, Any] = {"apiVersion": _API.get(kind, "v1"), "kind": kind, "metadata": metadata}
    body.update(_CONTENT[kind](name, labels, chance))
    return body


def _pod(name: str, chance: random.Random) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": "main",
        "image": f"registry.example/team/{name}:{chance.randint(1, 9)}.{chance.randint(0, 20)}",
        "ports": [{"containerPort": 8080, "name": "http"}],
        "env": [
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "DB_HOST", "value": "db"},
            {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": name, "key": "password"}}},
        ],
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi"},
            "limits": {"cpu": "500m", "memory": "256Mi"},
        },
        "livenessProbe": {"httpGet": {"path": "/live", "port": "http"}, "periodSeconds": 10},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/app", "readOnly": True}],
    }
    if chance.random() < 0.1:
        container["securityContext"] = {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        }
    elif chance.random() < 0.1:
        container["securityContext"] = {"privileged": True}
    if chance.random() < 0.9:
        # As in most folders: copied from a tutorial, and never looked at again.
        for field in ("resources", "livenessProbe"):
            del container[field]
        container["image"] = name
        container.setdefault("securityContext", {"capabilities": {"add": ["SYS_ADMIN", "NET_RAW"]}})
        container["ports"][0]["hostPort"] = 8080
        container["env"].append({"name": "API_TOKEN", "value": f"tok-{chance.getrandbits(64):x}"})
        container["volumeMounts"].append({"name": "docker", "mountPath": "/var/run/docker.sock"})
    volumes: list[dict[str, Any]] = [{"name": "config", "configMap": {"name": name}}]
    if len(container["volumeMounts"]) > 1:
        volumes.append({"name": "docker", "hostPath": {"path": "/var/run/docker.sock"}})
    pod = {"serviceAccountName": name, "containers": [container], "volumes": volumes}
    return pod | ({"hostNetwork": True, "hostPID": True, "hostIPC": True} if chance.random() < 0.8 else {})


def _template(name: str, labels: dict[str, str], chance: random.Random) -> dict[str, Any]:
    return {"metadata": {"labels": dict(labels)}, "spec": _pod(name, chance)}


_API = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "CronJob": "batch/v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
    "Ingress": "networking.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
}
_CONTENT: dict[str, Any] = {
    "Deployment": lambda n, labels, c: {
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": n}}, "template": _template(n, labels, c)}
    },
    "StatefulSet": lambda n, labels, c: {
        "spec": {
            "serviceName": n,
            "selector": {"matchLabels": {"app": n}},
            "template": _template(n, labels, c),
        }
    },
    "CronJob": lambda n, labels, c: {
        "spec": {
            "schedule": "5 3 * * *",
            "jobTemplate": {
                "spec": {
                    "template": {
                        "metadata": {"labels": dict(labels)},
                        "spec": {**_pod(n, c), "restartPolicy": "Never"},
                    }
                }
            },
        }
    },
    "Service": lambda n, labels, c: {
        "spec": {
            "type": c.choice(["ClusterIP", "ClusterIP", "NodePort"]),
            "selector": {"app": n},
            "ports": [{"port": 80, "targetPort": "http"}],
        }
    },
    "ConfigMap": lambda n, labels, c: {
        "data": {"app.yaml": f"name: {n}\nworkers: 4\nurl: http://db:5432/{n}\n", "mode": "production"}
    },
    "Role": lambda n, labels, c: {
        "rules": [
            {
                "apiGroups": [""],
                "resources": [c.choice(["pods", "secrets", "*", "*"])],
                "verbs": c.choice([["get", "list"], ["*"]]),
            }
        ]
    },
    "RoleBinding": lambda n, labels, c: {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": n},
        "subjects": [{"kind": "ServiceAccount", "name": "default" if c.random() < 0.8 else n}],
    },
    "ServiceAccount": lambda n, labels, c: {"automountServiceAccountToken": c.random() < 0.5},
    "Ingress": lambda n, labels, c: {
        "spec": {
            "rules": [
                {
                    "host": f"{n}.example",
                    "http": {
                        "paths": [
                            {
                                "path": "/",
                                "pathType": "Prefix",
                                "backend": {"service": {"name": n, "port": {"number": 80}}},
                            }
                        ]
                    },
                }
            ]
        }
    },
    "NetworkPolicy": lambda n, labels, c: {
        "spec": {
            "podSelector": {"matchLabels": {"app": n}},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"podSelector": {}}]}],
        }
    },
}
