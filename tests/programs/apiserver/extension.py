"""A real Kubernetes with our server behind its aggregation layer."""

import base64
import os
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml
from binaries import kubernetes
from certificates import Authority
from control_plane import ControlPlane
from processes import Program, free_port

GROUPS = (("spdx.softwarecomposition.kubescape.io", "v1beta1"), ("leadline.dev", "v1alpha1"))
PLACE = "leadline"
SERVICE = "apiserver"
ROOT = Path(__file__).parents[3]


def outer_address() -> str:
    """Of this machine: an endpoint must not be a loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


class Extension(ControlPlane):
    """etcd, kube-apiserver, kube-controller-manager, and ours."""

    def __init__(self) -> None:
        kubernetes(("kube-apiserver", "kube-controller-manager"))
        super().__init__()
        self.address = outer_address()
        self.our_port = free_port()
        self.database = self.folder / "results.db"
        self.our_arguments: list[str] = []
        self._our_ca = Authority(self.folder, "our-ca")
        host = f"{SERVICE}.{PLACE}.svc"
        self._our_pair = self._our_ca.issue("ours", host, hosts=(host, self.address))
        self._ours: subprocess.Popen[bytes] | None = None
        self._controllers: Program | None = None

    def start(self) -> None:
        super().start()
        self._start_controllers()
        self._prepare()
        self.start_ours()
        self.register()

    def stop(self) -> None:
        self.stop_ours()
        if self._controllers is not None:
            self._controllers.stop()
        super().stop()

    @property
    def our_url(self) -> str:
        return f"https://{self.address}:{self.our_port}"

    @property
    def our_pid(self) -> int:
        assert self._ours is not None
        return self._ours.pid

    @property
    def our_log(self) -> str:
        return (self.folder / "ours.log").read_text()

    @property
    def controllers_log(self) -> str:
        return (self.folder / "controllers.log").read_text()

    def token(self, account: str, namespace: str = PLACE, seconds: int = 86400) -> str:
        return self.kubectl("-n", namespace, "create", "token", account, f"--duration={seconds}s").strip()

    def start_ours(self) -> None:
        certificate, key = self._our_pair
        # Beside the token, as a pod has it.
        (self.folder / "namespace").write_text(PLACE)
        command = [
            *(sys.executable, "-m", "leadline.programs.cli.main", "apiserver"),
            f"--database={self.database}",
            f"--certificate={certificate}",
            f"--key={key}",
            f"--host={self.address}",
            f"--port={self.our_port}",
            f"--kube={self.url}",
            f"--kube-ca={self.authority_file}",
            f"--token-file={self.folder / 'our-token'}",
            *self.our_arguments,
        ]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        with (self.folder / "ours.log").open("ab") as log:
            self._ours = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=self.folder)
        self.until(self._answers)

    def stop_ours(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._ours is not None:
            self._ours.send_signal(number)
            try:
                self._ours.wait(20)
            except subprocess.TimeoutExpired:
                self._ours.kill()
                self._ours.wait()
            self._ours = None

    def tls(self, certificate: tuple[Path, Path] | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._our_ca.file)
        if certificate:
            context.load_cert_chain(*certificate)
        return context

    def register(self) -> None:
        bundle = base64.b64encode(self._our_ca.file.read_bytes()).decode()
        self.apply(
            *(
                {
                    "apiVersion": "apiregistration.k8s.io/v1",
                    "kind": "APIService",
                    "metadata": {"name": f"{version}.{group}"},
                    "spec": {
                        "group": group,
                        "version": version,
                        "groupPriorityMinimum": 1000,
                        "versionPriority": 15,
                        "caBundle": bundle,
                        "service": {"name": SERVICE, "namespace": PLACE, "port": 443},
                    },
                }
                for group, version in GROUPS
            )
        )
        for group, version in GROUPS:
            self.kubectl(
                "wait", "--for=condition=Available", "--timeout=60s", "apiservice", f"{version}.{group}"
            )
        self.until(lambda: "knownservers" in self.kubectl("api-resources", "-o", "name", check=False), 60)

    def _start_controllers(self) -> None:
        self._controllers = Program(self.folder, "controllers", self._controllers_command())

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.our_url}/readyz", timeout=5, context=self.tls()) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            if self._ours is not None and self._ours.poll() is not None:
                raise RuntimeError(f"our server ended: {self.our_log[-3000:]}") from None
            return False

    def _prepare(self) -> None:
        manifest = (Path(__file__).parent / "rights.yaml").read_text()
        self.kubectl("create", "namespace", PLACE)
        self.kubectl("apply", "-f", "-", content=manifest)
        slice_: dict[str, Any] = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{SERVICE}-1",
                "namespace": PLACE,
                "labels": {"kubernetes.io/service-name": SERVICE},
            },
            "addressType": "IPv4",
            "ports": [{"name": "", "port": self.our_port, "protocol": "TCP"}],
            "endpoints": [{"addresses": [self.address], "conditions": {"ready": True}}],
        }
        self.kubectl("apply", "-f", "-", content=yaml.safe_dump(slice_))
        (self.folder / "our-token").write_text(self.token(SERVICE))

    def _controllers_command(self) -> list[str]:
        return [
            str(self.binaries / "kube-controller-manager"),
            f"--kubeconfig={self.admin()}",
            "--service-account-private-key-file=sa.key",
            "--root-ca-file=ca.crt",
            "--leader-elect=false",
            "--secure-port=0",
            "--v=2",
        ]
