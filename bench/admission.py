"""What a review costs: CPU of one decision, from the bytes that come to the bytes that go, and memory of the process.

``python bench/admission.py [rounds]``. Ratios to parsing the same bytes alone are what can be compared between machines.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson

from leadline.posture.catalogue import load_controls
from leadline.programs.admission.reviewer import MOST_CONTAINERS, Known, Reviewer
from leadline.programs.admission.settings import Settings
from leadline.programs.admission.wire import read_review, written
from leadline.scans.posture.one_object import AloneJudge
from leadline.scans.posture.settings import shipped_settings

Body = dict[str, Any]


def container(name: str, **more: Any) -> Body:
    return {
        "name": name,
        "image": f"registry.example/shop/{name}:1.2.3",
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "env": [{"name": f"SETTING_{i}", "value": f"value {i}"} for i in range(12)],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 10},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "terminationMessagePath": "/dev/termination-log",
        "imagePullPolicy": "IfNotPresent",
        **more,
    }


def deployment(*containers: Body) -> Body:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}, "uid": "1"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": list(containers), "volumes": [{"name": "data", "emptyDir": {}}]},
            },
        },
    }


def review(new: Body, old: Body | None) -> bytes:
    request = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "operation": "CREATE" if old is None else "UPDATE",
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "namespace": "shop",
        "object": new,
        "oldObject": old,
        "userInfo": {"username": "someone"},
    }
    return json.dumps(
        {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    ).encode()


def measured(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Milliseconds of CPU: median, and the worst but one in a hundred."""
    times = []
    for _ in range(rounds):
        began = time.process_time_ns()
        work()
        times.append(time.process_time_ns() - began)
    times.sort()
    return times[len(times) // 2] / 1e6, times[int(len(times) * 0.99)] / 1e6


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    controls = load_controls()
    reviewer = Reviewer(Settings(), AloneJudge(controls, shipped_settings(controls)), frozenset())
    usual = deployment(container("web"), container("proxy", securityContext={"privileged": True}))
    largest = deployment(*(container(f"c{i}") for i in range(MOST_CONTAINERS)))
    config: Body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": "shop"},
        "data": {f"key{i}": f"setting = value {i}\n" * 40 for i in range(1000)},
    }
    rows = {
        "Deployment of 2 containers, created": (review(usual, None), rounds),
        "Deployment of 2 containers, updated": (review(usual, usual), rounds),
        f"Deployment of {MOST_CONTAINERS} containers": (review(largest, None), max(10, rounds // 50)),
        "ConfigMap of 0.9 MB": (review(config, None), max(10, rounds // 50)),
    }
    now, known = datetime.now(UTC), Known()
    print(f"{len(reviewer.judge.asked)} controls; milliseconds of CPU")
    print(f"{'':38} {'bytes':>9} {'p50':>8} {'p99':>8} {'to parsing':>11}")
    for name, (content, number) in rows.items():

        def decide(content: bytes = content) -> bytes:
            return written(reviewer.decide(read_review(content), known, now).answer)

        decide()
        parsing, _ = measured(lambda content=content: orjson.loads(content), number)  # type: ignore[misc]
        median, worst = measured(decide, number)
        print(f"{name:38} {len(content):9,} {median:8.2f} {worst:8.2f} {median / max(parsing, 1e-6):10.0f}x")
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB, without the server")
    return 0


if __name__ == "__main__":
    sys.exit(main())
