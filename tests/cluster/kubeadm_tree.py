"""Records the files of a control-plane node as kubeadm makes them: ``python tests/cluster/kubeadm_tree.py`` (as root, on Linux).

kubeadm is built from the pinned modules and run for its own folders alone, in mount and network namespaces of its own. What is
recorded is for ``tests/sources/host``: paths, modes, ids of owners, and the content of what holds no key.
"""

import json
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from binaries import MissingError, kubernetes, version

RECORD = Path(__file__).resolve().parents[1] / "sources" / "host" / "kubeadm_tree.json"
PHASES = ("certs all", "kubeconfig all", "control-plane all", "etcd local", "kubelet-start")
SECRET = (".key", ".conf", ".crt", ".pub")
CONFIGURATION = f"""
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {{advertiseAddress: 10.66.0.1, bindPort: 6443}}
nodeRegistration: {{name: node1, criSocket: "unix:///run/containerd/containerd.sock"}}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v{version()}
certificatesDir: /etc/kubernetes/pki
networking: {{podSubnet: 10.244.0.0/16}}
"""
# kubeadm refuses a loopback address, so that the namespace gets a link.
SCRIPT = """
set -e
mkdir -p /etc/kubernetes /var/lib/kubelet
ip link set lo up; ip link add d0 type veth peer name d1; ip addr add 10.66.0.1/24 dev d0
ip link set d0 up; ip link set d1 up; ip route add default via 10.66.0.2
mount --make-rprivate /
mount --bind "$ROOT/etc/kubernetes" /etc/kubernetes
mount --bind "$ROOT/var/lib/kubelet" /var/lib/kubelet
"""


def make_tree(root: Path) -> None:
    """Raises: ``MissingError``, ``subprocess.CalledProcessError``."""
    kubeadm = kubernetes(("kubeadm",)) / "kubeadm"
    for folder in ("etc/kubernetes", "var/lib/kubelet"):
        (root / folder).mkdir(parents=True)
    configuration = root / "kubeadm.yaml"
    configuration.write_text(CONFIGURATION)
    runs = "\n".join(f'"{kubeadm}" init phase {phase} --config "{configuration}"' for phase in PHASES)
    subprocess.run(
        ["unshare", "-mn", "bash", "-c", SCRIPT + runs],
        env={**os.environ, "ROOT": str(root)},
        check=True,
        timeout=300,
        stdout=subprocess.DEVNULL,
    )
    configuration.unlink()


def recorded(root: Path) -> list[dict[str, object]]:
    """What keys, certificates and kubeconfigs hold is left out."""
    rows = []
    for path in sorted(root.rglob("*")):
        status = path.stat()
        row: dict[str, object] = {
            "path": f"/{path.relative_to(root)}",
            "mode": f"{stat.S_IMODE(status.st_mode):o}",
            "uid": status.st_uid,
            "gid": status.st_gid,
        }
        if path.is_dir():
            row["isFolder"] = True
        else:
            row["content"] = "" if path.name.endswith(SECRET) else path.read_text()
        rows.append(row)
    return rows


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_tree(root)
        tree = {"kubeadm": version(), "files": recorded(root)}
        RECORD.write_text(json.dumps(tree, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except (MissingError, subprocess.CalledProcessError) as error:
        sys.exit(str(error))
