"""Trees of nodes to read: the one that kubeadm made (``tests/cluster/kubeadm_tree.py`` records it), and documented layouts."""

import json
from pathlib import Path

RECORD = Path(__file__).parent / "kubeadm_tree.json"
UNIT = "usr/lib/systemd/system/kubelet.service"
DROP_IN = f"{UNIT}.d/10-kubeadm.conf"
# As the packages of kubeadm install them:
# https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/kubelet-integration/.
UNIT_TEXT = "[Service]\nExecStart=/usr/bin/kubelet\nRestart=always\n"
DROP_IN_TEXT = """[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
--kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
"""


def put(root: Path, path: str, content: str = "", mode: int = 0o600) -> Path:
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content)
    place.chmod(mode)
    return place


def kubeadm_tree(root: Path) -> Path:
    """Owners are whoever runs the test; what comes with packages and a running etcd is added."""
    rows = json.loads(RECORD.read_text())["files"]
    for row in rows:
        place = root / row["path"].lstrip("/")
        if row.get("isFolder"):
            place.mkdir(parents=True)
        else:
            place.write_text(row["content"])
    for row in reversed(rows):
        (root / row["path"].lstrip("/")).chmod(int(row["mode"], 8))
    put(root, UNIT, UNIT_TEXT)
    put(root, DROP_IN, DROP_IN_TEXT)
    put(root, "etc/hostname", "node1\n", 0o644)
    put(root, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\n", 0o644)
    put(root, "etc/cni/net.d/10-bridge.conflist", '{"plugins": [{"type": "bridge"}, {"type": "portmap"}]}')
    (root / "var/lib/etcd").mkdir(mode=0o700)
    (root / "var/lib/etcd").chmod(0o700)
    return root


def k3s_tree(root: Path) -> Path:
    """Synthetic, by https://docs.k3s.io/security/self-assessment-1.10: the kubelet is part of the one process."""
    base = "var/lib/rancher/k3s"
    put(root, "etc/hostname", "k3s-1\n", 0o644)
    put(root, "etc/systemd/system/k3s.service", "[Service]\nExecStart=/usr/local/bin/k3s server\n", 0o644)
    put(root, f"{base}/agent/kubelet.kubeconfig")
    put(root, f"{base}/agent/kubeproxy.kubeconfig", mode=0o644)
    put(root, f"{base}/agent/client-ca.crt")
    put(root, f"{base}/agent/etc/kubelet.conf.d/00-k3s-defaults.conf", "kind: KubeletConfiguration\n")
    put(root, f"{base}/server/cred/admin.kubeconfig")
    put(root, f"{base}/server/cred/scheduler.kubeconfig")
    put(root, f"{base}/server/cred/controller.kubeconfig")
    put(root, f"{base}/server/tls/server-ca.crt")
    put(root, f"{base}/server/tls/server-ca.key", mode=0o640)
    return root


def rke2_tree(root: Path) -> Path:
    """Synthetic, by https://docs.rke2.io/security/cis_self_assessment110: static Pods, and a kubelet as a child process."""
    base = "var/lib/rancher/rke2"
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {{name: {0}, namespace: kube-system}}\nspec:\n  containers:\n  - name: {0}\n"
    words = "    command: [{0}]\n    args: [{1}]\n"
    put(root, "etc/hostname", "rke2-1\n", 0o644)
    put(
        root,
        "etc/systemd/system/rke2-server.service",
        "[Service]\nExecStart=/usr/local/bin/rke2 server\n",
        0o644,
    )
    put(root, f"{base}/agent/kubelet.kubeconfig")
    put(root, f"{base}/agent/client-ca.crt")
    flag = f'"--client-ca-file=/{base}/server/tls/client-ca.crt"'
    name = "kube-apiserver"
    put(root, f"{base}/agent/pod-manifests/{name}.yaml", pod.format(name) + words.format(name, flag), 0o644)
    data = f'"--data-dir=/{base}/server/db/etcd"'
    put(root, f"{base}/agent/pod-manifests/etcd.yaml", pod.format("etcd") + words.format("etcd", data))
    put(root, f"{base}/server/tls/client-ca.key")
    put(root, f"{base}/server/cred/admin.kubeconfig")
    (root / base / "server/db/etcd").mkdir(parents=True)
    (root / base / "server/db/etcd").chmod(0o700)
    command = (
        "kubelet",
        "--anonymous-auth=false",
        "--read-only-port=0",
        f"--kubeconfig=/{base}/agent/kubelet.kubeconfig",
    )
    put(root, "proc/4711/cmdline", "\0".join(command) + "\0")
    return root
