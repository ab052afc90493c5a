"""Where the attacked containers run: by runc alone, by containerd, and as pods. Each is known by a name that its events carry."""

import json
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from errno import ENXIO
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import attacked_image
import pytest
from stories import Step
from whole_cluster import WholeCluster, image_archive

from leadline.runtime.rehearsal.rights import DEFAULT_CAPABILITIES
from leadline.sources.ebpf.probes.capability import NAMES

APP = "/usr/bin/app"
NODE_ROOT = "/host"
SOCKET = "/var/run/docker.sock"
TOKENS = "/var/run/secrets/kubernetes.io/serviceaccount"
SERVICE_HOST = "10.96.0.1"
PATIENCE_S = 120.0
TOKEN = "eyJhbGciOiJub25lIn0.e30."


class Place(Protocol):
    def start(self, steps: Sequence[Step]) -> Mapping[str, int]:
        """A container for each step; ids of steps to their first process."""
        ...

    def owner(self, step: Step) -> Mapping[str, str]:
        """What the container in the events of a step has."""
        ...


class Mounts:
    """Folders of this machine that containers are given: a fake root of a node, tokens, the socket of a fake Docker."""

    def __init__(self, folder: Path, docker: Path, layer: bytes) -> None:
        self.node, self.tokens, self.docker = folder / "node", folder / "tokens", docker
        with tarfile.open(fileobj=BytesIO(layer)) as tar:
            tar.extractall(self.node, filter="fully_trusted")
        for name in ("etc/cron.d", "root/.ssh", "var/log/pods"):
            (self.node / name).mkdir(parents=True, exist_ok=True)
        self.tokens.mkdir()
        (self.tokens / "token").write_text(TOKEN)

    def of(self, step: Step) -> dict[str, Path]:
        """Places in the container to those of this machine."""
        wanted = {"host": (NODE_ROOT, self.node), "socket": (SOCKET, self.docker)}
        return {place: source for need, (place, source) in wanted.items() if need in step.needs}


def name_of(step: Step) -> str:
    return step.id.replace(".", "-").replace("_", "-")


def id_of(place: Place, step: Step) -> str:
    """Of one container of the node: an agent sees those of other tests as well, and takes the same id for the same container."""
    return f"attack-{type(place).__name__.lower()}-{os.getpid()}-{name_of(step)}"


def request(pid: int, script: str) -> None:
    """The attack: what the program of the container runs through its hole."""
    place = Path(f"/proc/{pid}/root/tmp/request")
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            pipe = os.open(place, os.O_WRONLY | os.O_NONBLOCK)
            break
        except OSError as error:
            if time.monotonic() > end or (error.errno != ENXIO and not isinstance(error, FileNotFoundError)):
                raise
            time.sleep(0.02)
    with os.fdopen(pipe, "wb") as file:
        file.write(script.encode())


class Runc:
    """Containers of plain runc over overlay file systems, as container runtimes make them."""

    def __init__(self, folder: Path, mounts: Mounts, layer: bytes) -> None:
        if shutil.which("runc") is None:
            pytest.skip("runc is not installed")
        self._folder, self._mounts = folder, mounts
        self._lower = folder / "lower"
        with tarfile.open(fileobj=BytesIO(layer)) as tar:
            tar.extractall(self._lower, filter="fully_trusted")
        spec = folder / "spec"
        spec.mkdir()
        subprocess.run(["runc", "spec"], cwd=spec, check=True, timeout=60)
        self._spec = json.loads((spec / "config.json").read_text())
        self._started: list[tuple[str, Path]] = []

    def start(self, steps: Sequence[Step]) -> Mapping[str, int]:
        return {step.id: self._run(step) for step in steps}

    def owner(self, step: Step) -> Mapping[str, str]:
        return {"id": id_of(self, step)}

    def _run(self, step: Step) -> int:
        folder = self._folder / name_of(step)
        for name in ("upper", "work", "rootfs"):
            (folder / name).mkdir(parents=True)
        layers = f"lowerdir={self._lower},upperdir={folder}/upper,workdir={folder}/work"
        subprocess.run(
            ["mount", "-t", "overlay", "overlay", "-o", layers, folder / "rootfs"], check=True, timeout=60
        )
        id = self.owner(step)["id"]
        self._started.append((id, folder / "rootfs"))
        (folder / "config.json").write_text(json.dumps(self._config(step)))
        command = ["runc", "run", "--detach", "--pid-file", folder / "pid", id]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, cwd=folder, check=True, timeout=60, **quiet)  # type: ignore[call-overload]
        return int((folder / "pid").read_text())

    def _config(self, step: Step) -> dict[str, Any]:
        config: dict[str, Any] = json.loads(json.dumps(self._spec))
        capabilities = _capabilities("privileged" in step.needs)
        environment = ["PATH=/bin:/usr/bin", f"KUBERNETES_SERVICE_HOST={SERVICE_HOST}"]
        config["process"] |= {"terminal": False, "args": [APP], "env": environment, "noNewPrivileges": False}
        config["process"]["capabilities"] = dict.fromkeys(
            ("bounding", "effective", "permitted"), capabilities
        )
        config["root"]["readonly"] = False
        for place, source in {TOKENS: self._mounts.tokens, **self._mounts.of(step)}.items():
            options = ["rbind", "rw"]
            config["mounts"].append(
                {"destination": place, "type": "bind", "source": str(source), "options": options}
            )
        linux = config["linux"]
        if "host_pid" in step.needs:
            linux["namespaces"] = [one for one in linux["namespaces"] if one["type"] != "pid"]
        if "privileged" in step.needs:
            linux |= {"maskedPaths": [], "readonlyPaths": []}
            linux["resources"] = {"devices": [{"allow": True, "access": "rwm"}]}
        return config

    def close(self) -> None:
        for id, root in self._started:
            subprocess.run(["runc", "delete", "--force", id], check=False, capture_output=True, timeout=60)
            subprocess.run(["umount", "--lazy", root], check=False, capture_output=True, timeout=60)


@contextmanager
def runc(folder: Path, mounts: Mounts, layer: bytes) -> Iterator[Runc]:
    place = Runc(folder, mounts, layer)
    try:
        yield place
    finally:
        place.close()


class Containerd:
    """Containers of containerd, made by its own client, in no pod."""

    SPACE = "attacks"

    def __init__(self, cluster: WholeCluster, mounts: Mounts, layer: bytes, folder: Path) -> None:
        self._cluster, self._mounts = cluster, mounts
        archive = folder / "attacked.tar"
        image_archive(attacked_image.NAME, layer, archive)
        self._ctr("images", "import", str(archive))

    def start(self, steps: Sequence[Step]) -> Mapping[str, int]:
        for step in steps:
            flags = [f"--env=KUBERNETES_SERVICE_HOST={SERVICE_HOST}"]
            for place, source in {TOKENS: self._mounts.tokens, **self._mounts.of(step)}.items():
                flags.append(f"--mount=type=bind,src={source},dst={place},options=rbind:rw")
            flags += ["--privileged"] if "privileged" in step.needs else []
            flags += [f"--with-ns=pid:/proc/{os.getpid()}/ns/pid"] if "host_pid" in step.needs else []
            self._ctr("run", "--detach", *flags, attacked_image.NAME, self.owner(step)["id"], APP)
        rows = [line.split() for line in self._ctr("tasks", "ls").splitlines()[1:]]
        found = {row[0]: int(row[1]) for row in rows}
        return {step.id: found[self.owner(step)["id"]] for step in steps}

    def owner(self, step: Step) -> Mapping[str, str]:
        return {"id": id_of(self, step)}

    def close(self) -> None:
        for id in self._ctr("tasks", "ls", "-q").split():
            self._ctr("tasks", "delete", "--force", id)
            self._ctr("containers", "delete", id)

    def _ctr(self, *arguments: str) -> str:
        command = ["ctr", "--address", self._cluster.socket, "--namespace", self.SPACE, *arguments]
        run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
        return run.stdout


class Pods:
    """Pods of a cluster of one node."""

    def __init__(self, cluster: WholeCluster, mounts: Mounts, layer: bytes, folder: Path) -> None:
        self._cluster, self._mounts = cluster, mounts
        archive = folder / "attacked.tar"
        image_archive(attacked_image.NAME, layer, archive)
        cluster.import_image(archive)
        self.space = cluster.namespace("attacked")

    def start(self, steps: Sequence[Step]) -> Mapping[str, int]:
        self._cluster.apply(*map(self._pod, steps))
        wait = ("wait", "--for=condition=Ready", "pods", "--all", "-n", self.space, "--timeout=300s")
        self._cluster.kubectl(*wait)
        rows = [line.split() for line in self._cluster._ctr("tasks", "ls").splitlines()[1:]]
        pids = {row[0]: int(row[1]) for row in rows}
        found = {}
        listed = self._cluster.kubectl("get", "pods", "-n", self.space, "-o", "json")
        for pod in json.loads(listed)["items"]:
            (status,) = pod["status"]["containerStatuses"]
            found[pod["metadata"]["name"]] = pids[status["containerID"].rpartition("/")[2]]
        return {step.id: found[name_of(step)] for step in steps}

    def owner(self, step: Step) -> Mapping[str, str]:
        return {"namespace": self.space, "pod": name_of(step), "name": "main"}

    def _pod(self, step: Step) -> dict[str, Any]:
        volumes, mounted = [], []
        for place, source in self._mounts.of(step).items():
            name = place.rpartition("/")[2].replace(".", "-")
            volumes.append({"name": name, "hostPath": {"path": str(source)}})
            mounted.append({"name": name, "mountPath": place})
        container = {
            "name": "main",
            "image": attacked_image.NAME,
            "command": [APP],
            "volumeMounts": mounted,
            "securityContext": {"privileged": "privileged" in step.needs},
        }
        spec = {
            "terminationGracePeriodSeconds": 0,
            "hostPID": "host_pid" in step.needs,
            "hostAliases": [{"ip": "192.88.99.8", "hostnames": ["dns.google"]}],
            "containers": [container],
            "volumes": volumes,
        }
        metadata = {"name": name_of(step), "namespace": self.space}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _capabilities(is_privileged: bool) -> list[str]:
    """Docker's default set, or all that this process has."""
    if is_privileged:
        (line,) = [
            one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("CapBnd")
        ]
        held = int(line.split()[1], 16)
        return [f"CAP_{name}" for bit, name in enumerate(NAMES) if held >> bit & 1]
    return [f"CAP_{name}" for name in sorted(DEFAULT_CAPABILITIES)]
