"""The whole cluster in a network namespace of its own, with Services: charts can be installed into it as into any other.

All that it needs of the network (rules of kube-proxy, the bridge of the pods) stays inside and goes with the namespace.
A pair of interfaces leads in, so that tests reach every address of it, and pods reach what a test serves at ``gateway``.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from binaries import SERVICES, kubernetes, on_path
from processes import Program, free_port, hold, is_held, release
from whole_cluster import NODE, WholeCluster

SPACES = Path("/run/netns")
LOCKS = Path("/run/lock")
_NAME = "llspace{}"


class ServiceCluster(WholeCluster):
    def __init__(self) -> None:
        on_path("ip", "nsenter", "iptables", "helm")
        kubernetes(SERVICES)
        clear_spaces()
        number = free_port()
        start = (number & 63) * 4
        self.gateway, self.host = (f"10.78.{number >> 6 & 255}.{start + i}" for i in (1, 2))
        self._space = _NAME.format(number)
        self._veth = f"llv{number}"
        self.inside = ("nsenter", f"--net={SPACES / self._space}", "--")
        super().__init__()
        # The usual one: in a network of its own nothing else listens there.
        self._kubelet_port = 10250

    def start(self) -> None:
        self._make_space()
        super().start()
        proxy = [*self._program_of("kube-proxy", "system:kube-proxy"), "--proxy-mode=iptables"]
        more = [f"--hostname-override={NODE}", f"--cluster-cidr={self._subnet}", "--conntrack-max-per-core=0"]
        self._run("proxy", [*proxy, *more])

    def stop(self) -> None:
        super().stop()
        subprocess.run(["ip", "netns", "delete", self._space], check=False, capture_output=True)
        release(LOCKS / self._space)

    def load(self, archive: Path, repository: str) -> None:
        """Puts the image of an OCI archive into the node's store."""
        self._ctr("images", "import", "--base-name", repository, str(archive))

    def pull(self, reference: str) -> None:
        """Onto the node, before anything runs it."""
        self._ctr("images", "pull", "--plain-http", reference)

    def helm(self, *arguments: str, check: bool = True) -> str:
        """What helm prints. Raises: ``RuntimeError`` with what it says where it fails."""
        environment = {**os.environ, "KUBECONFIG": self.admin(), "HELM_CACHE_HOME": str(self.folder / "helm")}
        run = subprocess.run(
            ["helm", *arguments], capture_output=True, text=True, env=environment, timeout=300, check=False
        )
        if check and run.returncode:
            raise RuntimeError(f"helm {' '.join(arguments)}: {run.stderr.strip()}")
        return run.stdout + run.stderr

    def get(self, *arguments: str, check: bool = True) -> Any:
        """The parsed answer of ``kubectl get``; empty where it fails and that is allowed."""
        answer = self.kubectl("get", *arguments, "-o", "json", check=check)
        return json.loads(answer) if answer.strip() else {}

    @property
    def outer(self) -> str:
        """The interface of this machine that leads into the network of the cluster."""
        return self._veth

    @property
    def pod_addresses(self) -> str:
        """``10.77.1.0/24``."""
        return self._subnet

    def run_inside(self, name: str, command: list[str]) -> Program:
        """A program of the cluster, in its network; its end is found by all that wait."""
        return self._run(name, command)

    def end(self, program: Program) -> None:
        self._nodes.remove(program)
        program.stop()

    def trust_registry(self, host: str) -> None:
        """The node pulls from ``host`` without TLS."""
        folder = self.folder / "registries" / host
        folder.mkdir(parents=True, exist_ok=True)
        hosts = f'[host."http://{host}"]\ncapabilities = ["pull", "resolve"]\n'
        (folder / "hosts.toml").write_text(hosts)

    def _make_space(self) -> None:
        def ip(*words: str) -> None:
            subprocess.run(["ip", *words], check=True, capture_output=True)

        hold(LOCKS / self._space)
        ip("netns", "add", self._space)
        ip("link", "add", self._veth, "type", "veth", "peer", "name", "outer", "netns", self._space)
        ip("address", "add", f"{self.gateway}/30", "dev", self._veth)
        ip("link", "set", self._veth, "up")
        within = f"""
            ip link set lo up
            ip address add {self.host}/30 dev outer
            ip link set outer up
            ip route add default via {self.gateway}
            echo 1 > /proc/sys/net/ipv4/ip_forward
            modprobe br_netfilter 2> /dev/null
            echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables
        """
        subprocess.run([*self.inside, "sh", "-ec", within.replace("null", "null || true")], check=True)

    def _program_of(self, name: str, user: str) -> list[str]:
        return [str(self.binaries / name), f"--kubeconfig={self.user(user)}"]

    def _api_command(self) -> list[str]:
        return [*super()._api_command(), f"--advertise-address={self.host}"]

    def _kubelet_command(self) -> list[str]:
        return [*super()._kubelet_command(), f"--node-ip={self.host}"]

    def _network(self) -> dict[str, Any]:
        network: dict[str, Any] = super()._network()
        # A pod that asks its own Service; and answers from outside of the namespace, which knows no pods.
        network["plugins"][0] |= {"hairpinMode": True, "ipMasq": True}
        return network


def clear_spaces() -> None:
    """Removes the network namespaces of runs that have ended."""
    for lock in LOCKS.glob(_NAME.format("*")):
        if not is_held(lock):
            subprocess.run(["ip", "netns", "delete", lock.name], check=False, capture_output=True)
            lock.unlink(missing_ok=True)
