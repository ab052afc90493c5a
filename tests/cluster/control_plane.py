"""A real API server over a real etcd, on loopback, with users made on demand."""

import http.client
import json
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml
from binaries import CONTROL_PLANE, kubernetes, on_path
from certificates import Authority, private_pem
from cryptography.hazmat.primitives.asymmetric import ec
from processes import Program, clear_leftovers, free_port, new_folder, remove

SERVICE_RANGE = "10.96.0.0/24"


class ControlPlane:
    """Started by ``start``; ``stop`` removes everything."""

    host = "127.0.0.1"
    """Where the servers listen, and are reached from the tests."""
    inside: tuple[str, ...] = ()
    """Words before each of the cluster's own commands, for a cluster in a network namespace of its own."""

    def __init__(self) -> None:
        on_path("etcd", "kubectl")
        self.binaries = kubernetes(CONTROL_PLANE)
        clear_leftovers()
        self.folder = new_folder()
        self.port = free_port()
        self._etcd_ports = free_port(), free_port()
        self._authority = Authority(self.folder, "ca")
        self._etcd: Program | None = None
        self._api: Program | None = None
        self._kubeconfigs: set[Path] = set()
        self._write_keys()

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.port}"

    @property
    def authority_file(self) -> Path:
        return self._authority.file

    def start(self) -> None:
        self._start_etcd()
        self.start_api()

    def stop(self) -> None:
        """The API server goes before etcd: without etcd its own goodbye takes over a minute."""
        for program in (self._api, self._etcd):
            if program is not None:
                program.stop()
        self._api = self._etcd = None
        remove(self.folder)

    def start_api(self) -> None:
        self._api = self._start("api", self._api_command())
        self._api.wait_until(self._is_ready)

    def stop_api(self) -> None:
        if self._api is not None:
            self._api.stop()

    def pause_api(self) -> None:
        """The server takes connections and answers nothing."""
        if self._api is not None:
            self._api.pause()

    def resume_api(self) -> None:
        if self._api is not None:
            self._api.resume()

    def compact(self) -> None:
        """Makes every older state of the store unreadable, as time would."""
        etcd = f"http://{self.host}:{self._etcd_ports[0]}/v3/kv"
        self.kubectl("annotate", "namespace", "default", "--overwrite", f"touched={time.monotonic_ns()}")
        revision = _posted(f"{etcd}/range", {"key": "AA=="})["header"]["revision"]
        _posted(f"{etcd}/compaction", {"revision": revision, "physical": True})

    def user(self, name: str, *groups: str, server: str = "") -> str:
        """The path of a kubeconfig for a user with a client certificate; ``server`` in place of the real address.

        Written once: a program that starts meanwhile would read a file that is being written again as empty.
        """
        label = name.replace(":", "-") + (f"-at-{server.rpartition(':')[2]}" if server else "")
        path = self.folder / f"{label}.conf"
        if path not in self._kubeconfigs:
            certificate, key = self._authority.issue(f"user-{label}", name, groups)
            entry = {"client-certificate": certificate.name, "client-key": key.name}
            path.write_text(self.kubeconfig(entry, server))
            self._kubeconfigs.add(path)
        return str(path)

    def kubeconfig(self, user: dict[str, Any], server: str = "") -> str:
        cluster = {"server": server or self.url, "certificate-authority": self.authority_file.name}
        return yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "real",
                "clusters": [{"name": "real", "cluster": cluster}],
                "users": [{"name": "someone", "user": user}],
                "contexts": [{"name": "real", "context": {"cluster": "real", "user": "someone"}}],
            }
        )

    def admin(self) -> str:
        return self.user("admin", "system:masters")

    def kubectl(self, *arguments: str, content: str | None = None, check: bool = True) -> str:
        """What kubectl prints; ``content`` is its standard input."""
        run = subprocess.run(
            ["kubectl", f"--kubeconfig={self.admin()}", *arguments],
            input=content,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if check and run.returncode:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {run.stderr.strip()}")
        return run.stdout

    def apply(self, *objects: dict[str, Any]) -> None:
        self.kubectl(
            "apply",
            "-f",
            "-",
            content=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}),
        )

    def create_config_maps(self, namespace: str, names: list[str]) -> None:
        """Empty ones, over four connections: kubectl takes its time between requests."""
        self.admin()
        tls = ssl.create_default_context(cafile=self.authority_file)
        tls.load_cert_chain(self.folder / "user-admin.crt", self.folder / "user-admin.key")

        def create(part: list[str]) -> None:
            connection = http.client.HTTPSConnection(self.host, self.port, context=tls, timeout=60)
            for name in part:
                body = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})
                headers = {"Content-Type": "application/json"}
                connection.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body, headers)
                answer = connection.getresponse()
                if answer.status != 201:
                    raise RuntimeError(answer.read().decode())
                answer.read()
            connection.close()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(create, [names[i::4] for i in range(4)]))

    def until(self, is_so: Callable[[], bool], seconds: float = 30.0) -> None:
        """Waits until ``is_so``; fails where it does not come about."""
        assert self._api is not None
        self._api.wait_until(is_so, seconds)

    def namespace(self, name: str) -> str:
        self.kubectl("create", "namespace", name)
        # The API server alone makes no default service account, and admits no pod without one.
        self.kubectl("create", "serviceaccount", "default", "-n", name, check=False)
        return name

    def _write_keys(self) -> None:
        (self.folder / "sa.key").write_bytes(private_pem(ec.generate_private_key(ec.SECP256R1())))
        hosts = {"127.0.0.1", "localhost", "10.96.0.1", self.host}
        self._authority.issue("server", "kube-apiserver", hosts=tuple(sorted(hosts)))
        self._authority.issue("kubelet-client", "kube-apiserver-kubelet-client", ("system:masters",))
        self.proxy_authority = Authority(self.folder, "proxy-ca")
        self.proxy_authority.issue("proxy", "front-proxy-client")

    def _start_etcd(self) -> None:
        client, peer = (f"http://{self.host}:{port}" for port in self._etcd_ports)
        self._etcd = self._start(
            "etcd",
            [
                "etcd",
                f"--data-dir={self.folder / 'etcd'}",
                f"--listen-client-urls={client}",
                f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
                "--unsafe-no-fsync",
            ],
        )
        self._etcd.wait_until(lambda: _answers(f"{client}/health"))

    def _api_command(self) -> list[str]:
        return [
            str(self.binaries / "kube-apiserver"),
            f"--etcd-servers=http://{self.host}:{self._etcd_ports[0]}",
            f"--secure-port={self.port}",
            f"--bind-address={self.host}",
            f"--cert-dir={self.folder / 'certs'}",
            "--tls-cert-file=server.crt",
            "--tls-private-key-file=server.key",
            "--client-ca-file=ca.crt",
            "--service-account-key-file=sa.key",
            "--service-account-signing-key-file=sa.key",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--api-audiences=api",
            "--authorization-mode=Node,RBAC",
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            "--allow-privileged=true",
            "--enable-aggregator-routing=true",
            "--requestheader-client-ca-file=proxy-ca.crt",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--proxy-client-cert-file=proxy.crt",
            "--proxy-client-key-file=proxy.key",
            "--kubelet-preferred-address-types=InternalIP,Hostname",
            "--kubelet-client-certificate=kubelet-client.crt",
            "--kubelet-client-key=kubelet-client.key",
            "--shutdown-delay-duration=0s",
        ]

    def _start(self, name: str, command: list[str]) -> Program:
        return Program(self.folder, name, [*self.inside, *command])

    def _is_ready(self) -> bool:
        return _answers(f"{self.url}/readyz", self.authority_file)


def _posted(url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        content: dict[str, Any] = json.load(response)
    return content


def _answers(url: str, ca: Path | None = None) -> bool:
    tls = ssl.create_default_context(cafile=ca) if ca else None
    try:
        with urllib.request.urlopen(url, timeout=5, context=tls) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
