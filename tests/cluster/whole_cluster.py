"""A Kubernetes of one node whose pods really run: control plane, kubelet and containerd. Needs root."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

from binaries import WHOLE, MissingError, kubernetes, on_path
from cgroups import make_cgroup, remove_cgroup
from control_plane import ControlPlane
from processes import NotReadyError, Program, free_port

NODE = "node1"
IMAGE = "localhost/busybox:1"
"""In the node's store from the start; its command sleeps for a day."""
APPLETS = (
    "sh",
    "cat",
    "ls",
    "ln",
    "cp",
    "sleep",
    "wget",
    "nc",
    "nslookup",
    "httpd",
    "ip",
    "ping",
    "id",
    "true",
)
BUSYBOX = Path("/bin/busybox")
PLUGINS = Path("/usr/lib/cni")


class WholeCluster(ControlPlane):
    def __init__(self) -> None:
        if os.geteuid() != 0:
            raise MissingError("a kubelet needs root")
        on_path("containerd", "ctr", "runc", "iptables")
        for needed in (BUSYBOX, PLUGINS / "bridge"):
            if not needed.exists():
                raise MissingError(f"{needed} is not installed")
        kubernetes(WHOLE)
        super().__init__()
        self._kubelet_port = free_port()
        # Two clusters may run side by side, one for each worker of a parallel test run.
        self._bridge = f"ll{self.port}"
        self._subnet = f"10.77.{self.port % 256}.0/24"
        self._cgroup = f"leadline-{self.port}"
        self._nodes: list[Program] = []
        self._containerd: Program | None = None

    def start(self) -> None:
        self._start_containerd()
        super().start()
        self._run(
            "controller-manager", [*self._program("kube-controller-manager"), *self._controller_flags()]
        )
        self._run("scheduler", [*self._program("kube-scheduler"), "--leader-elect=false", "--secure-port=0"])
        make_cgroup(self._cgroup)
        (self.folder / "kubelet.json").write_text(json.dumps(self._kubelet_settings()))
        self._run("kubelet", self._kubelet_command())
        self.until(self._is_node_ready, seconds=120)

    def stop(self) -> None:
        """What makes pods first, then the pods, whose network namespaces would stay otherwise; containerd last."""
        self._delete_pods()
        for program in reversed(self._nodes):
            program.stop()
        self._nodes.clear()
        if self._containerd is not None:
            for task in self._ctr("tasks", "ls", "-q").split():
                self._ctr("tasks", "kill", "-s", "9", task)
                self._ctr("tasks", "delete", "-f", task)
            self._containerd.stop()
            self._containerd = None
        remove_cgroup(self._cgroup)
        if shutil.which("ip"):
            subprocess.run(["ip", "link", "delete", self._bridge], check=False, capture_output=True)
        super().stop()

    def _delete_pods(self) -> None:
        if not any(program.name == "kubelet" for program in self._nodes):
            return
        for program in [p for p in self._nodes if p.name in ("controller-manager", "scheduler")]:
            program.stop()
            self._nodes.remove(program)
        try:
            places = self._network_places()
            self.kubectl("delete", "pods", "--all", "-A", "--grace-period=1", "--timeout=60s", check=False)
            # The namespace goes after the last task of its pod. What is left of ended containers goes with the folder:
            # the kubelet comes to it once a minute.
            self.until(
                lambda: not self._ctr("tasks", "ls", "-q").strip() and not any(map(Path.exists, places)), 60
            )
        except (NotReadyError, subprocess.TimeoutExpired):
            return

    def _network_places(self) -> list[Path]:
        """The files of the network namespaces of all pods."""
        found = []
        for container in self._ctr("containers", "ls", "-q").split():
            spec = json.loads(self._ctr("containers", "info", container) or "{}").get("Spec") or {}
            spaces = (spec.get("linux") or {}).get("namespaces") or ()
            found += [Path(one["path"]) for one in spaces if one["type"] == "network" and one.get("path")]
        return [path for path in found if path.parent.name == "netns"]

    def until(self, is_so: Callable[[], bool], seconds: float = 30.0) -> None:
        """Waits until ``is_so``; fails at once where one of the cluster's programs has ended."""

        def is_so_while_all_run() -> bool:
            for program in self._nodes:
                program.check_running()
            return is_so()

        super().until(is_so_while_all_run, seconds)

    def namespace(self, name: str) -> str:
        """A namespace whose default service account is there; the controllers make it a moment later."""
        self.kubectl("create", "namespace", name)
        self.until(lambda: "default" in self.kubectl("get", "serviceaccounts", "-n", name, "-o", "name"))
        return name

    @property
    def socket(self) -> str:
        return str(self.folder / "containerd.sock")

    def _program(self, name: str) -> list[str]:
        return [str(self.binaries / name), f"--kubeconfig={self.admin()}"]

    def _run(self, name: str, command: list[str]) -> Program:
        program = self._start(name, command)
        self._nodes.append(program)
        return program

    def _controller_flags(self) -> list[str]:
        return [
            "--service-account-private-key-file=sa.key",
            "--root-ca-file=ca.crt",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            "--secure-port=0",
        ]

    def _kubelet_command(self) -> list[str]:
        return [
            str(self.binaries / "kubelet"),
            f"--config={self.folder / 'kubelet.json'}",
            f"--kubeconfig={self.user(f'system:node:{NODE}', 'system:nodes')}",
            f"--hostname-override={NODE}",
            f"--root-dir={self.folder / 'kubelet'}",
            f"--cert-dir={self.folder / 'kubelet-pki'}",
        ]

    def _kubelet_settings(self) -> dict[str, object]:
        """cgroup v1 and swap are taken as they are; a full disk is no reason to evict pods, nor to delete the only image of pods."""
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "port": self._kubelet_port,
            "healthzPort": 0,
            # A kubelet deletes what is in there of pods that it does not know, such as those of another cluster.
            "podLogsDir": str(self.folder / "pod-logs"),
            "failCgroupV1": False,
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self._cgroup}",
            "enforceNodeAllocatable": [],
            "failSwapOn": False,
            "containerRuntimeEndpoint": f"unix://{self.socket}",
            "authentication": {
                "anonymous": {"enabled": False},
                "x509": {"clientCAFile": str(self.authority_file)},
            },
            "authorization": {"mode": "Webhook"},
            "imageGCHighThresholdPercent": 100,
            "evictionHard": {"memory.available": "50Mi"},
        }

    def _is_node_ready(self) -> bool:
        ready = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
        return self.kubectl("get", "node", NODE, "-o", ready, check=False) == "True"

    def _start_containerd(self) -> None:
        networks = self.folder / "networks"
        networks.mkdir()
        (networks / "10-bridge.conflist").write_text(json.dumps(self._network()))
        (self.folder / "containerd.toml").write_text(_containerd_settings(self.folder, self.socket))
        self._containerd = self._start("containerd", ["containerd", "--config", "containerd.toml"])
        self._containerd.wait_until(lambda: Path(self.socket).is_socket() and bool(self._ctr("version")))
        archive = self.folder / "busybox.tar"
        write_image(archive)
        self._ctr("images", "import", str(archive))

    def _network(self) -> dict[str, object]:
        ipam = {
            "type": "host-local",
            "ranges": [[{"subnet": self._subnet}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": str(self.folder / "ipam"),
        }
        plugin = {"type": "bridge", "bridge": self._bridge, "isGateway": True, "ipam": ipam}
        return {"cniVersion": "0.4.0", "name": "leadline", "plugins": [plugin]}

    def import_image(self, archive: Path) -> None:
        """Into the node's store."""
        self._ctr("images", "import", str(archive))

    def _ctr(self, *arguments: str) -> str:
        command = ["ctr", "--address", self.socket, "--namespace", "k8s.io", *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=330).stdout


def _containerd_settings(folder: Path, address: str) -> str:
    return f"""
version = 2
root = "{folder}/containerd"
state = "{folder}/containerd-state"
[grpc]
  address = "{address}"
[ttrpc]
  address = "{folder}/containerd-ttrpc.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{PLUGINS}"
    conf_dir = "{folder}/networks"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{folder}/registries"
"""


def write_image(archive: Path) -> None:
    """An image of busybox alone; needs no network to be had."""
    image_archive(IMAGE, _layer(), archive)


def image_archive(name: str, layer: bytes, archive: Path) -> None:
    """An image of one layer, as ``docker save`` writes it; its command sleeps for a day."""
    layer_digest = hashlib.sha256(layer).hexdigest()
    settings = json.dumps(
        {
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(
                os.uname().machine, os.uname().machine
            ),
            "os": "linux",
            "config": {"Cmd": ["/bin/sleep", "86400"], "Env": ["PATH=/bin:/usr/bin:/usr/sbin:/sbin"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
        }
    ).encode()
    settings_digest = hashlib.sha256(settings).hexdigest()
    manifest = [{"Config": f"{settings_digest}.json", "RepoTags": [name], "Layers": [f"{layer_digest}.tar"]}]
    with tarfile.open(archive, "w") as tar:
        _add(tar, f"{settings_digest}.json", settings)
        _add(tar, f"{layer_digest}.tar", layer)
        _add(tar, "manifest.json", json.dumps(manifest).encode())


def _layer() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name in ("bin", "etc", "tmp", "proc", "dev", "sys", "root", "var"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
        _add(tar, "bin/busybox", BUSYBOX.read_bytes(), mode=0o755)
        for applet in APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    return content.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))
