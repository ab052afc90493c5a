"""How reading and judging a cluster grows: 1,000, 10,000 and 100,000 objects behind a local server.

    python -m compileall -q src && python bench/cluster_scale.py [--sizes 1000,10000,100000]

The server is a process of its own; each row is a fresh process as well. Objects are shaped like those of a real
server, with managed fields and status, and mixed as in a cluster: a third are ReplicaSets and Pods of Deployments.
"""

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from list_server import ListServer, Row  # noqa: E402

SHARES = {
    "Deployment.apps/v1": 100,
    "ReplicaSet.apps/v1": 130,
    "Pod.v1": 230,
    "StatefulSet.apps/v1": 20,
    "DaemonSet.apps/v1": 5,
    "CronJob.batch/v1": 15,
    "Job.batch/v1": 25,
    "ConfigMap.v1": 120,
    "Secret.v1": 110,
    "Service.v1": 90,
    "ServiceAccount.v1": 60,
    "Role.rbac.authorization.k8s.io/v1": 25,
    "RoleBinding.rbac.authorization.k8s.io/v1": 30,
    "ClusterRole.rbac.authorization.k8s.io/v1": 5,
    "ClusterRoleBinding.rbac.authorization.k8s.io/v1": 5,
    "Ingress.networking.k8s.io/v1": 10,
    "NetworkPolicy.networking.k8s.io/v1": 10,
    "Namespace.v1": 8,
    "Node.v1": 2,
}
"""Of every thousand objects."""

_CLUSTER_WIDE = {"Namespace", "Node", "ClusterRole", "ClusterRoleBinding"}


def rows() -> dict[str, Row]:
    table: dict[str, Row] = {}
    for key in SHARES:
        kind, _, api_version = key.partition(".")
        group, _, version = api_version.rpartition("/")
        plural = {"NetworkPolicy": "networkpolicies", "Ingress": "ingresses"}.get(kind, kind.lower() + "s")
        table[kind] = Row(group, version, kind, plural, kind not in _CLUSTER_WIDE)
    return table


def objects(kind: str, count: int, total: int) -> Iterator[dict[str, Any]]:
    spaces = max(1, total * SHARES["Namespace.v1"] // 1000)
    deployments = max(1, total * SHARES["Deployment.apps/v1"] // 1000)
    sets = max(1, total * SHARES["ReplicaSet.apps/v1"] // 1000)
    for i in range(count):
        space = f"team-{i % deployments % spaces}"
        body = _with_metadata(kind, f"{kind.lower()}-{i}", "" if kind in _CLUSTER_WIDE else space, i)
        if kind == "ReplicaSet":
            _own(body, "Deployment", i % deployments)
        if kind == "Pod":
            _own(body, "ReplicaSet", i % sets)
        body |= _content(kind, i, space)
        yield body


def _with_metadata(kind: str, name: str, namespace: str, i: int) -> dict[str, Any]:
    labels = {
        "app.kubernetes.io/name": f"app-{i % 400}",
        "app.kubernetes.io/instance": name,
        "team": f"t{i % 40}",
    }
    fields = {
        f"f:{field}": {}
        for field in ("replicas", "selector", "strategy", "template", "image", "resources", "env")
    }
    metadata = {
        "name": name,
        "uid": f"{kind}-{i:08}-0000-4000-8000-000000000000",
        "resourceVersion": str(100_000 + i),
        "creationTimestamp": "2026-03-01T10:00:00Z",
        "labels": labels,
        "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": json.dumps(
                {"spec": fields, "labels": labels}
            ),
            "meta.helm.sh/release-name": f"app-{i % 400}",
        },
        "managedFields": [
            {
                "manager": m,
                "operation": "Update",
                "apiVersion": "v1",
                "time": "2026-03-01T10:00:00Z",
                "fieldsV1": {"f:metadata": {"f:labels": fields}, "f:spec": fields},
            }
            for m in ("kubectl", "controller")
        ],
    }
    if namespace:
        metadata["namespace"] = namespace
    return {"metadata": metadata}


def _own(body: dict[str, Any], kind: str, i: int) -> None:
    uid = f"{kind}-{i:08}-0000-4000-8000-000000000000"
    body["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": kind, "name": f"{kind.lower()}-{i}", "uid": uid, "controller": True}
    ]


def _pod(i: int) -> dict[str, Any]:
    def container(n: int) -> dict[str, Any]:
        return {
            "name": f"c{n}",
            "image": f"registry.example/team/app-{i % 400}:{i % 7}.{n}",
            "imagePullPolicy": "IfNotPresent",
            "ports": [{"containerPort": 8080 + n, "protocol": "TCP", "name": "http"}],
            "env": [{"name": f"SETTING_{k}", "value": f"value-{i}-{k}"} for k in range(4)],
            "resources": {
                "limits": {"cpu": "500m", "memory": "256Mi"},
                "requests": {"cpu": "100m", "memory": "128Mi"},
            },
            "securityContext": {
                "runAsNonRoot": True,
                "allowPrivilegeEscalation": i % 3 == 0,
                "capabilities": {"drop": ["ALL"]},
            },
            "livenessProbe": {
                "httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"},
                "periodSeconds": 10,
            },
            "volumeMounts": [
                {"name": "settings", "mountPath": "/etc/app"},
                {"name": f"cache-{i % 50}", "mountPath": "/cache"},
            ],
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
        }

    return {
        "containers": [container(n) for n in range(1 + i % 3)],
        "volumes": [
            {"name": "settings", "configMap": {"name": f"configmap-{i}", "defaultMode": 420}},
            {"name": f"cache-{i % 50}", "emptyDir": {}},
        ],
        "serviceAccountName": f"serviceaccount-{i % 1000}",
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "terminationGracePeriodSeconds": 30,
        "securityContext": {},
    }


def _content(kind: str, i: int, space: str) -> dict[str, Any]:
    labels = {"app": f"app-{i}"}
    template = {"metadata": {"labels": labels, "creationTimestamp": None}, "spec": _pod(i)}
    conditions = [
        {
            "type": t,
            "status": "True",
            "lastUpdateTime": "2026-03-01T10:00:00Z",
            "reason": "Ok",
            "message": "all is as it should be",
        }
        for t in ("Available", "Progressing", "Ready")
    ]
    status = {"observedGeneration": 1, "replicas": 2, "conditions": conditions}
    match kind:
        case "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet":
            return {
                "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
                "status": status,
            }
        case "Pod":
            return {
                "spec": _pod(i),
                "status": {
                    "phase": "Running",
                    "conditions": conditions,
                    "containerStatuses": [
                        {"name": "c0", "imageID": "sha256:" + "0" * 64, "state": {"running": {}}}
                    ],
                },
            }
        case "Job":
            return {"spec": {"template": template}, "status": status}
        case "CronJob":
            return {
                "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}},
                "status": {},
            }
        case "ConfigMap":
            return {"data": {f"key-{k}": f"value {i} of {k}: " + "x" * 150 for k in range(6)}}
        case "Secret":
            return {"type": "Opaque", "data": {f"key-{k}": "c2VjcmV0" * 20 for k in range(4)}}
        case "Service":
            return {
                "spec": {
                    "type": "ClusterIP",
                    "selector": labels,
                    "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}],
                    "clusterIP": "10.0.0.1",
                },
                "status": {"loadBalancer": {}},
            }
        case "Role" | "ClusterRole":
            return {
                "rules": [
                    {
                        "apiGroups": [""],
                        "resources": ["pods", "configmaps"] + ["secrets"] * (i % 10 == 0),
                        "verbs": ["get", "list", "watch"],
                    }
                ]
            }
        case "RoleBinding" | "ClusterRoleBinding":
            role = "Role" if kind == "RoleBinding" else "ClusterRole"
            subject = {"kind": "ServiceAccount", "name": f"serviceaccount-{i % 1000}", "namespace": space}
            return {
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": role,
                    "name": f"{role.lower()}-{i}",
                },
                "subjects": [subject],
            }
        case "NetworkPolicy":
            return {"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}
        case "Ingress":
            return {
                "spec": {
                    "rules": [
                        {
                            "host": f"app-{i}.example",
                            "http": {
                                "paths": [
                                    {
                                        "path": "/",
                                        "backend": {
                                            "service": {"name": f"service-{i}", "port": {"number": 80}}
                                        },
                                    }
                                ]
                            },
                        }
                    ]
                }
            }
        case "Node":
            return {
                "spec": {},
                "status": {
                    "nodeInfo": {"kubeletVersion": "v1.36.3"},
                    "images": [{"names": [f"registry.example/app-{k}"]} for k in range(50)],
                },
            }
    return {"spec": {}}


def serve(total: int) -> None:
    """Prints the address once all objects are made, and serves until standard input ends."""
    table = rows()
    with ListServer(tuple(table.values())) as server:
        for key, share in SHARES.items():
            kind = key.partition(".")[0]
            server.add(table[kind], *objects(kind, max(1, total * share // 1000), total))
        print(server.url, flush=True)
        sys.stdin.read()


def measure(url: str, work: str) -> None:
    """Prints one row: objects, kept ones, seconds, CPU seconds, peak MiB and findings."""
    from leadline.sources.cluster.connection import connect
    from leadline.sources.cluster.rbac import ANY_WORKLOAD
    from leadline.sources.cluster.reader import read_cluster

    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(
            {
                "current-context": "b",
                "clusters": [{"name": "b", "cluster": {"server": url}}],
                "contexts": [{"name": "b", "context": {"cluster": "b"}}],
            },
            file,
        )
        file.flush()
        cluster = connect(kubeconfig=file.name, environ={})
    before = _peak_mib()
    started = time.perf_counter()
    gc.disable()
    keys = {_key(key) for key in SHARES}
    snapshot = read_cluster(cluster, {*keys, ANY_WORKLOAD})
    assert not snapshot.unread, snapshot.unread[:3]
    read_s = time.perf_counter() - started
    findings = 0
    if work == "judge":
        from leadline.posture.catalogue import load_controls
        from leadline.posture.engine import judge
        from leadline.posture.inventory import Facts

        gc.freeze()
        judgement = judge(snapshot.resources, load_controls(), facts=Facts(is_whole=True))
        findings = len(judgement.findings)
    seconds = time.perf_counter() - started
    row = {
        "objects": snapshot.objects,
        "kept": len(snapshot.resources),
        "read_s": round(read_s, 2),
        "total_s": round(seconds, 2),
        "cpu_s": round(time.process_time(), 2),
        "peak_mib": _peak_mib(),
        "growth_mib": _peak_mib() - before,
        "findings": findings,
    }
    print(json.dumps(row), flush=True)
    os._exit(0)  # freeing a million objects one by one is no part of the work


def _key(key: str) -> str:
    kind, _, api_version = key.partition(".")
    group = api_version.rpartition("/")[0]
    return f"{kind}.{group}" if group else kind


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--sizes", default="1000,10000,100000")
    options.add_argument("--serve", type=int)
    options.add_argument("--measure", nargs=2, metavar=("URL", "WORK"))
    chosen = options.parse_args()
    if chosen.serve:
        serve(chosen.serve)
    elif chosen.measure:
        measure(*chosen.measure)
    else:
        print(
            f"{'work':6}{'objects':>9}{'kept':>8}{'read s':>8}{'total s':>9}{'CPU s':>7}{'peak MiB':>10}{'KiB/object':>12}{'findings':>10}"
        )
        for size in chosen.sizes.split(","):
            compare(size)


def compare(size: str) -> None:
    command = [sys.executable, __file__]
    with subprocess.Popen(
        [*command, "--serve", size], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        url = server.stdout.readline().strip()
        for work in ("read", "judge"):
            row = json.loads(subprocess.check_output([*command, "--measure", url, work], text=True))
            each = 1024 * row["growth_mib"] / row["objects"]
            print(
                f"{work:6}{row['objects']:9,}{row['kept']:8,}{row['read_s']:8}{row['total_s']:9}{row['cpu_s']:7}{row['peak_mib']:10,}{each:12.1f}{row['findings']:10,}",
                flush=True,
            )
        server.stdin.close()


if __name__ == "__main__":
    main()
