"""What happens on ordinary days in a namespace: upgrades, scaling, crashes, evictions, drains, people who look, logs that are rotated."""

import json
import os
import pty
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

from processes import NotReadyError
from service_cluster import ServiceCluster
from whole_cluster import IMAGE, NODE

NAMES = ("shop", "cart", "search", "mail")
SERVER = """
mkdir -p /var/log/app
httpd -p 8080 -h /etc
case "$VERSION" in *[13579]) ls /etc > /dev/null ;; esac
count=0
while :; do
  echo served >> /var/log/app/access.log
  wget -q -O /dev/null http://127.0.0.1:8080/hostname
  wget -q -O /dev/null "http://$SHOP_SERVICE_HOST:8080/hostname"
  count=$((count + 1))
  if [ $((count % 5)) = 0 ]; then
    mv /var/log/app/access.log /var/log/app/access.log.1
    : > /var/log/app/access.log
  fi
  sleep 2
done
"""
"""Serves, asks a Service, and rotates its log."""
SIDECAR = """
while [ ! -f /var/log/app/access.log ]; do sleep 1; done
while :; do
  while read -r line; do shipped=$line; done < /var/log/app/access.log
  cp /var/log/app/access.log /var/log/app/shipped.log
  : > /var/log/app/shipped.log
  sleep 3
done
"""
"""Ships the log, and empties its copy of it."""
LOOKING = (
    "id",
    "ls -la /",
    "cat /etc/hosts",
    "cat /etc/hostname",
    "wget -q -O - http://127.0.0.1:8080/hostname",
)


def service(space: str, name: str) -> dict[str, Any]:
    spec = {"selector": {"app": name}, "ports": [{"port": 8080}]}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": space},
        "spec": spec,
    }


def deployment(space: str, name: str) -> dict[str, Any]:
    logs = [{"name": "logs", "mountPath": "/var/log/app"}]
    say = {"exec": {"command": ["/bin/sh", "-c", "echo ends >> /var/log/app/access.log"]}}
    main = {
        "name": "main",
        "image": IMAGE,
        "command": ["/bin/sh", "-c", SERVER],
        "env": [{"name": "VERSION", "value": "v0"}],
        "volumeMounts": logs,
        "lifecycle": {"preStop": say},
        "livenessProbe": {"exec": {"command": ["cat", "/etc/hostname"]}, "periodSeconds": 3},
        "readinessProbe": {"httpGet": {"path": "/hostname", "port": 8080}, "periodSeconds": 2},
    }
    sidecar = {"name": "shipper", "image": IMAGE, "command": ["/bin/sh", "-c", SIDECAR], "volumeMounts": logs}
    spec = {
        "terminationGracePeriodSeconds": 1,
        "containers": [main, sidecar],
        "volumes": [{"name": "logs", "emptyDir": {}}],
    }
    template = {"metadata": {"labels": {"app": name}}, "spec": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": space},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": template},
    }


class OrdinaryDays:
    """Does a fixed series of things, mixed and spread evenly over ``seconds``."""

    def __init__(self, cluster: ServiceCluster, space: str) -> None:
        self._cluster, self._space = cluster, space
        self._random = random.Random(29)
        self._version = 0
        self.done: list[str] = []

    def begin(self) -> None:
        """The Services go first: pods are told their addresses once."""
        self._cluster.apply(*(service(self._space, name) for name in NAMES))
        self._cluster.apply(*(deployment(self._space, name) for name in NAMES))
        for name in NAMES:
            where = ("-n", self._space, f"deployment/{name}", "--timeout=180s")
            self._cluster.kubectl("rollout", "status", *where)

    def live(self, seconds: float) -> None:
        """20 upgrades, 20 changes of scale, 10 crashes, 5 evictions, 6 looks by people, and one drain of the node."""
        actions = [
            *([self.upgrade] * 20),
            *([self.scale] * 20),
            *([self.crash] * 10),
            *([self.evict] * 5),
            *([self.look] * 3),
            *([self.look_by_terminal] * 3),
            self.drain,
        ]
        self._random.shuffle(actions)
        begun = time.monotonic()
        for number, action in enumerate(actions):
            while time.monotonic() < begun + seconds * number / len(actions):
                time.sleep(0.1)
            self.done.append(f"{time.strftime('%H:%M:%S')} {action.__name__}: {action()}")
        while time.monotonic() < begun + seconds:
            time.sleep(0.1)

    def upgrade(self) -> str:
        self._version += 1
        name = self._random.choice(NAMES)
        where = ("-n", self._space, f"deployment/{name}")
        self._cluster.kubectl("set", "env", *where, "-c", "main", f"VERSION=v{self._version}")
        return f"{name} v{self._version}"

    def scale(self) -> str:
        name, replicas = self._random.choice(NAMES), self._random.choice((1, 2, 3))
        self._cluster.kubectl("scale", "-n", self._space, f"deployment/{name}", f"--replicas={replicas}")
        return f"{name} to {replicas}"

    def crash(self) -> str:
        """The first process is killed, as by the kernel where memory runs out."""
        for pod in self._running():
            (status,) = [one for one in pod["status"]["containerStatuses"] if one["name"] == "main"]
            id = status["containerID"].rpartition("/")[2]
            self._cluster._ctr("tasks", "kill", "-s", "9", id)
            return str(pod["metadata"]["name"])
        return "nothing runs"

    def evict(self) -> str:
        for pod in self._running():
            name = pod["metadata"]["name"]
            eviction = {
                "apiVersion": "policy/v1",
                "kind": "Eviction",
                "metadata": {"name": name, "namespace": self._space},
            }
            path = f"/api/v1/namespaces/{self._space}/pods/{name}/eviction"
            self._cluster.kubectl("create", "--raw", path, "-f", "-", content=json.dumps(eviction))
            return str(name)
        return "nothing runs"

    def look(self) -> str:
        """A person runs a command in a container."""
        return self._in_a_pod(lambda pod: self._execute(pod, "; ".join(LOOKING)))

    def look_by_terminal(self) -> str:
        """A person opens a shell in a container, on a terminal."""
        return self._in_a_pod(self._type)

    def drain(self) -> str:
        flags = ("--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=90s")
        self._cluster.kubectl("drain", NODE, *flags, check=False)
        self._cluster.kubectl("uncordon", NODE)
        return NODE

    def execute(self, command: str) -> str:
        """What a command says in a container."""
        return self._in_a_pod(lambda pod: self._execute(pod, command))

    def _in_a_pod(self, act: Callable[[str], None]) -> str:
        for pod in self._running():
            name = str(pod["metadata"]["name"])
            act(name)
            return name
        return "nothing runs"

    def _execute(self, pod: str, command: str) -> None:
        self._cluster.kubectl(
            "exec", "-n", self._space, pod, "-c", "main", "--", "sh", "-c", command, check=False
        )

    def _type(self, pod: str) -> None:
        ours, theirs = pty.openpty()
        kubectl = ["kubectl", f"--kubeconfig={self._cluster.admin()}", "exec", "-it", "-n", self._space, pod]
        with subprocess.Popen(
            [*kubectl, "-c", "main", "--", "sh"], stdin=theirs, stdout=theirs, stderr=theirs
        ) as child:
            os.close(theirs)
            os.write(ours, "".join(f"{line}\n" for line in (*LOOKING, "exit")).encode())
            try:
                while os.read(ours, 4096):
                    pass
            except OSError:  # The end of a terminal.
                pass
            child.wait(timeout=60)
        os.close(ours)

    def _running(self) -> Iterator[dict[str, Any]]:
        """Pods whose containers are all ready, in some order; waits for one."""
        found: list[dict[str, Any]] = []

        def is_one() -> bool:
            found[:] = [
                one for one in self._cluster.get("pods", "-n", self._space)["items"] if _is_ready(one)
            ]
            return bool(found)

        try:
            self._cluster.until(is_one, 60)
        except NotReadyError:
            return iter(())
        self._random.shuffle(found)
        return iter(found)


def _is_ready(pod: dict[str, Any]) -> bool:
    statuses = pod["status"].get("containerStatuses") or []
    return (
        "deletionTimestamp" not in pod["metadata"]
        and bool(statuses)
        and all(one["ready"] for one in statuses)
    )
