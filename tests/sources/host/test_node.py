"""What is read of a node, and that each control about nodes follows the one thing it is about."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from node_trees import DROP_IN, k3s_tree, kubeadm_tree, put, rke2_tree

from leadline.errors import SourceError
from leadline.kube.kubelet_settings import SETTINGS
from leadline.model.resource import Origin, resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.engine import judge
from leadline.scans.host.collecting import collect, facts_document
from leadline.sources.host.commands import processes
from leadline.sources.host.node import host_facts
from leadline.sources.host.root_tree import RootTree

CONTROLS = [c for c in load_controls() if any(kind.endswith(".hostdata.kubescape.cloud") for kind in c.kinds)]
OWNED = frozenset(c.id for c in CONTROLS if "owner" in c.problem)
MODE = {c.id for c in CONTROLS if "permissions" in c.title}
AS_KUBEADM_MAKES_IT = {
    *("C-0111", "C-0168", "C-0170"),  # modes of what holds no key
    *("C-0142", "C-0161", "C-0208"),  # no encryption, no audit policy
    *("C-0177", "C-0179", "C-0181", "C-0183", "C-0184", "C-0284", "L-0037"),
}
"""What fails on a node that nobody touched; the owner is whoever runs the test, so that controls of owners stay out."""
ELSEWHERE = {"C-0079", "L-0097", "L-0098", "L-0099"}
"""Kernels, ports, workers, and a file that AKS alone has: their fixtures show them."""
PKI = "etc/kubernetes/pki"
MANIFESTS = "etc/kubernetes/manifests"
CONFIG = "var/lib/kubelet/config.yaml"
Change = Callable[[Path], None]


def failing(root: Path) -> set[str]:
    return failing_in(facts_document(collect(str(root))))


def failing_in(document: bytes) -> set[str]:
    bodies = orjson.loads(document)["items"]
    resources = [resource_of(b, Origin(document=i)) for i, b in enumerate(bodies)]
    asked = [control for control in CONTROLS if control.id not in OWNED]
    return {finding.control for finding in judge(resources, asked).findings}


def mode(path: str, value: int) -> Change:
    return lambda root: (root / path).chmod(value)


def line(path: str, old: str, new: str) -> Change:
    def change(root: Path) -> None:
        text = (root / path).read_text()
        assert old in text
        (root / path).write_text(text.replace(old, new, 1))

    return change


def flag(words: str) -> Change:
    return lambda root: (put(root, "etc/default/kubelet", f"KUBELET_EXTRA_ARGS={words}\n"), None)[1]


CHANGES: list[tuple[str, Change, set[str]]] = [
    ("api server manifest", mode(f"{MANIFESTS}/kube-apiserver.yaml", 0o644), {"C-0092"}),
    ("controller manager manifest", mode(f"{MANIFESTS}/kube-controller-manager.yaml", 0o640), {"C-0094"}),
    ("scheduler manifest", mode(f"{MANIFESTS}/kube-scheduler.yaml", 0o644), {"C-0096"}),
    ("etcd manifest", mode(f"{MANIFESTS}/etcd.yaml", 0o604), {"C-0098"}),
    ("cni file", mode("etc/cni/net.d/10-bridge.conflist", 0o644), {"C-0100"}),
    ("etcd data", mode("var/lib/etcd", 0o750), {"C-0102"}),
    ("admin kubeconfig", mode("etc/kubernetes/admin.conf", 0o644), {"C-0104"}),
    ("super admin kubeconfig", mode("etc/kubernetes/super-admin.conf", 0o640), {"C-0104"}),
    ("scheduler kubeconfig", mode("etc/kubernetes/scheduler.conf", 0o644), {"C-0106"}),
    ("controller manager kubeconfig", mode("etc/kubernetes/controller-manager.conf", 0o644), {"C-0108"}),
    ("key", mode(f"{PKI}/etcd/peer.key", 0o640), {"C-0112"}),
    ("kubelet unit", mode(DROP_IN, 0o644), {"C-0162"}),
    ("kubelet kubeconfig", mode("etc/kubernetes/kubelet.conf", 0o640), {"C-0166"}),
    ("kubelet kubeconfig for all", mode("etc/kubernetes/kubelet.conf", 0o646), {"C-0166", "C-0238"}),
    ("kubelet configuration for all", mode(CONFIG, 0o646), {"C-0235"}),
    (
        "proxy kubeconfig",
        lambda root: (put(root, "var/lib/kube-proxy/kubeconfig", mode=0o644), None)[1],
        {"C-0164"},
    ),
    (
        "proxy kubeconfig for all",
        lambda root: (put(root, "var/lib/kube-proxy/kubeconfig", mode=0o646), None)[1],
        {"C-0164", "L-0103"},
    ),
    ("anonymous in the file", line(CONFIG, "    enabled: false", "    enabled: true"), {"C-0069", "C-0172"}),
    ("anonymous as a flag", flag("--anonymous-auth=true"), {"C-0069", "C-0172"}),
    (
        "no client CA",
        line(CONFIG, "    clientCAFile: /etc/kubernetes/pki/ca.crt", "    unused: x"),
        {"C-0070", "C-0174"},
    ),
    ("authorization", line(CONFIG, "  mode: Webhook", "  mode: AlwaysAllow"), {"C-0173"}),
    ("read-only port", line(CONFIG, "healthzPort:", "readOnlyPort: 10255\nhealthzPort:"), {"C-0175"}),
    ("no time-out as a flag", flag("--streaming-connection-idle-timeout=0"), {"C-0176"}),
    ("iptables", line(CONFIG, "kind:", "makeIPTablesUtilChains: false\nkind:"), {"C-0178"}),
    ("events", line(CONFIG, "kind:", "eventRecordQPS: 1\nkind:"), {"C-0180"}),
    ("renewal", line(CONFIG, "rotateCertificates: true", "rotateCertificates: false"), {"C-0182"}),
]
FIXES: list[tuple[str, Change, set[str]]] = [
    ("kernel settings", line(CONFIG, "kind:", "protectKernelDefaults: true\nkind:"), {"C-0177"}),
    ("host name", line("var/lib/kubelet/kubeadm-flags.env", "--hostname-override=node1", ""), {"C-0179"}),
    ("server certificate", line(CONFIG, "kind:", "serverTLSBootstrap: true\nkind:"), {"C-0181", "C-0183"}),
    (
        "ciphers",
        line(CONFIG, "kind:", "tlsCipherSuites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\nkind:"),
        {"C-0184"},
    ),
    ("processes", line(CONFIG, "kind:", "podPidsLimit: 4096\nkind:"), {"C-0284"}),
    ("seccomp", flag("--seccomp-default"), {"L-0037"}),
    ("client CA file", mode(f"{PKI}/ca.crt", 0o600), {"C-0168"}),
    ("kubelet configuration", mode(CONFIG, 0o600), {"C-0170"}),
]


OWNED_FILES: dict[str, set[str]] = {
    "C-0093": {"etc/kubernetes/manifests/kube-apiserver.yaml"},
    "C-0095": {"etc/kubernetes/manifests/kube-controller-manager.yaml"},
    "C-0097": {"etc/kubernetes/manifests/kube-scheduler.yaml"},
    "C-0099": {"etc/kubernetes/manifests/etcd.yaml"},
    "C-0101": {"etc/cni/net.d/10-bridge.conflist"},
    "C-0103": {"var/lib/etcd"},
    "C-0105": {"etc/kubernetes/admin.conf", "etc/kubernetes/super-admin.conf"},
    "C-0107": {"etc/kubernetes/scheduler.conf"},
    "C-0109": {"etc/kubernetes/controller-manager.conf"},
    "C-0163": {
        "usr/lib/systemd/system/kubelet.service",
        "usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
    },
    "C-0165": {"var/lib/kube-proxy/kubeconfig"},
    "C-0167": {"etc/kubernetes/kubelet.conf"},
    "C-0169": {"etc/kubernetes/pki/ca.crt"},
    "C-0171": {"var/lib/kubelet/config.yaml"},
}
"""What each control is about, but for C-0110: the folder of the keys and all that is in it."""


@pytest.fixture
def node(tmp_path: Path) -> Path:
    return kubeadm_tree(tmp_path)


def test_a_node_as_kubeadm_makes_it_fails_what_its_defaults_leave_open(node):
    assert failing(node) == AS_KUBEADM_MAKES_IT


@contextmanager
def undone(root: Path) -> Iterator[None]:
    """Afterwards every file and folder has the content and the mode that it had, in its place; what is new is gone."""
    before = {path: path.stat().st_mode for path in root.rglob("*")}
    contents = {path: path.read_bytes() for path in before if path.is_file()}
    yield
    for path in sorted(set(root.rglob("*")) - before.keys(), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    for path, content in contents.items():
        path.write_bytes(content)
    for path, mode_before in before.items():
        path.chmod(mode_before & 0o7777)


@pytest.mark.parametrize(("change", "expected"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES])
def test_one_change_makes_the_controls_about_it_fail_and_no_other_until_it_is_undone(node, change, expected):
    with undone(node):
        change(node)
        assert failing(node) ^ AS_KUBEADM_MAKES_IT == expected
    assert failing(node) == AS_KUBEADM_MAKES_IT


@pytest.mark.parametrize(("change", "expected"), [c[1:] for c in FIXES], ids=[c[0] for c in FIXES])
def test_one_fix_makes_the_controls_about_it_pass_and_no_other_until_it_is_undone(node, change, expected):
    with undone(node):
        change(node)
        assert failing(node) ^ AS_KUBEADM_MAKES_IT == expected
    assert failing(node) == AS_KUBEADM_MAKES_IT


def failing_about_owners(root: Path) -> set[str]:
    bodies = orjson.loads(facts_document(collect(str(root))))["items"]
    resources = [resource_of(b, Origin(document=i)) for i, b in enumerate(bodies)]
    return {f.control for f in judge(resources, [c for c in CONTROLS if c.id in OWNED]).findings}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_another_owner_of_one_file_on_the_disk_makes_the_control_about_it_fail_until_it_is_roots_again(node):
    put(node, "var/lib/kube-proxy/kubeconfig")
    assert failing_about_owners(node) == set()
    found: dict[str, set[str]] = {}
    for path in sorted(node.rglob("*")):
        os.chown(path, 1000, 1000)
        for id in failing_about_owners(node):
            found.setdefault(id, set()).add(str(path.relative_to(node)))
        os.chown(path, 0, 0)
    assert failing_about_owners(node) == set()
    keys = {str(path.relative_to(node)) for path in [node / PKI, *(node / PKI).rglob("*")]}
    assert found == {**OWNED_FILES, "C-0110": keys}


def test_certificates_with_a_strict_mode_pass(node):
    for path in (node / PKI).rglob("*.crt"):
        path.chmod(0o600)
    assert failing(node) ^ AS_KUBEADM_MAKES_IT == {"C-0111", "C-0168"}


def test_every_control_about_a_mode_or_a_setting_is_in_one_of_the_cases():
    asked = {id for _, _, ids in (*CHANGES, *FIXES) for id in ids} | {"C-0111", "C-0142", "C-0161", "C-0208"}
    assert {c.id for c in CONTROLS if c.id not in OWNED} - asked - ELSEWHERE == set()


@pytest.mark.parametrize(
    "control", [c for c in CONTROLS if c.id in OWNED and "azure" not in c.title], ids=lambda c: c.id
)
def test_another_owner_of_the_files_a_control_is_about_makes_it_fail(node, control):
    put(node, "var/lib/kube-proxy/kubeconfig")
    document = orjson.loads(facts_document(collect(str(node))))
    owned_by(document, 0)
    assert findings(document, control) == set()
    owned_by(document, 1000)
    assert findings(document, control)


def owned_by(value: object, id: int) -> None:
    match value:
        case {"ownership": dict() as ownership}:
            ownership.update(uid=id, gid=id, username="", groupname="")
        case dict():
            for inner in value.values():
                owned_by(inner, id)
        case list():
            for inner in value:
                owned_by(inner, id)


def findings(document: dict, control: object) -> set[str]:
    resources = [resource_of(b, Origin(document=i)) for i, b in enumerate(document["items"])]
    return {f.path for f in judge(resources, [control]).findings}


def test_encryption_and_audit_are_read_from_the_files_that_the_flags_name_and_no_key_is_kept(node):
    put(
        node,
        f"{PKI}/encryption.yaml",
        "resources:\n- resources: [secrets]\n  providers:\n  - aescbc: {keys: [{name: a, secret: c2VjcmV0LWtleQ==}]}\n",
    )
    put(node, f"{PKI}/audit.yaml", "rules:\n- level: Metadata\n")
    flags = f"--encryption-provider-config=/{PKI}/encryption.yaml\n    - --audit-policy-file=/{PKI}/audit.yaml\n    - "
    line(f"{MANIFESTS}/kube-apiserver.yaml", "--authorization-mode", f"{flags}--authorization-mode")(node)
    document = facts_document(collect(str(node)))
    assert failing_in(document) ^ AS_KUBEADM_MAKES_IT == {"C-0142", "C-0161"}
    assert b"c2VjcmV0" not in document


def test_a_path_of_the_container_is_found_where_the_pod_mounts_it_from(node):
    put(node, "opt/audit/policy.yaml", "rules:\n- level: Metadata\n")
    manifest = f"{MANIFESTS}/kube-apiserver.yaml"
    line(
        manifest, "--authorization-mode", "--audit-policy-file=/audit/policy.yaml\n    - --authorization-mode"
    )(node)
    line(manifest, "    volumeMounts:\n", "    volumeMounts:\n    - {name: audit, mountPath: /audit}\n")(node)
    line(manifest, "  volumes:\n", "  volumes:\n  - {name: audit, hostPath: {path: /opt/audit}}\n")(node)
    assert failing(node) ^ AS_KUBEADM_MAKES_IT == {"C-0161"}


def test_a_drop_in_goes_before_the_file_and_a_flag_before_both(node):
    put(node, "etc/default/kubelet", "KUBELET_EXTRA_ARGS=--config-dir=/etc/kubelet.d --event-qps=9\n")
    put(node, "etc/kubelet.d/10-more.conf", "podPidsLimit: 100\neventRecordQPS: 7\n")
    settings = {s.name: (s.value, s.origin, s.given_by) for s in kubelet_of(node).settings}
    assert settings["podPidsLimit"] == (100, "drop-in", "/etc/kubelet.d/10-more.conf")
    assert settings["eventRecordQPS"] == (9, "flag", "--event-qps")
    assert settings["rotateCertificates"] == (True, "file", f"/{CONFIG}")
    assert settings["streamingConnectionIdleTimeout"] == ("4h0m0s", "default", "kubelet")


def test_the_kubelets_own_answer_goes_before_its_files(node, tmp_path_factory):
    configz = tmp_path_factory.mktemp("said") / "configz.json"
    configz.write_text('{"kubeletconfig": {"readOnlyPort": 10255, "rotateCertificates": true}}')
    settings = {s.name: s for s in kubelet_of(node, configz=str(configz)).settings}
    assert (settings["readOnlyPort"].value, settings["readOnlyPort"].origin) == (10255, "configz")
    assert settings["rotateCertificates"].origin == "file"
    assert set(settings) == {rule.name for rule in SETTINGS}


def test_settings_are_not_known_where_nothing_says_how_the_kubelet_was_started(node):
    (node / DROP_IN).unlink()
    (node / "usr/lib/systemd/system/kubelet.service").unlink()
    kubelet = kubelet_of(node)
    assert kubelet.settings == ()
    assert [(one.field, one.path) for one in kubelet.unread] == [("settings", "/proc")]


def test_a_configuration_that_is_not_there_is_named_and_leaves_settings_open(node):
    (node / CONFIG).unlink()
    kubelet = kubelet_of(node)
    assert [(one.field, one.path) for one in kubelet.unread] == [("configFile", f"/{CONFIG}")]
    assert {one.name for one in kubelet.settings} == {"hostnameOverride"}
    assert "C-0172" not in failing(node)


def kubelet_of(root: Path, **how: str):
    return dict(collect(str(root), **how).objects)["KubeletInfo"]


def test_a_link_out_of_the_root_is_followed_within_it(node, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "admin.conf"
    outside.write_text("")
    outside.chmod(0o644)
    (node / "etc/kubernetes/admin.conf").unlink()
    (node / "etc/kubernetes/admin.conf").symlink_to(outside)
    facts = dict(collect(str(node)).objects)["ControlPlaneInfo"]
    assert facts.admin_config_file is None
    inside = put(node, "srv/admin.conf", mode=0o640)
    (node / "etc/kubernetes/admin.conf").unlink()
    (node / "etc/kubernetes/admin.conf").symlink_to(f"/{inside.relative_to(node)}")
    facts = dict(collect(str(node)).objects)["ControlPlaneInfo"]
    assert facts.admin_config_file.permissions == 0o640


def test_a_pipe_in_place_of_a_file_neither_blocks_nor_passes(node):
    (node / CONFIG).unlink()
    os.mkfifo(node / CONFIG)
    assert [one.why for one in kubelet_of(node).unread] == ["it is not a regular file"]


def test_a_folder_that_cannot_be_read_leaves_what_is_in_it_open_and_is_never_taken_for_empty(node):
    for path in (node / MANIFESTS).iterdir():
        path.unlink()
    (node / MANIFESTS).rmdir()
    # Root reads everything but a link to itself.
    (node / MANIFESTS).symlink_to("manifests")
    document = orjson.loads(facts_document(collect(str(node))))
    resources = [resource_of(b, Origin(document=i)) for i, b in enumerate(document["items"])]
    judgement = judge(resources, CONTROLS)
    kinds = {skip.control: skip.kind for skip in judgement.skips}
    assert {kinds[id] for id in ("C-0092", "C-0093", "C-0094", "C-0096", "C-0098", "C-0142", "C-0161")} == {
        "not read"
    }
    assert any(one.where.endswith(f"/{MANIFESTS}") for one in judgement.unread)


def test_what_is_known_fails_beside_what_could_not_be_read(node):
    (node / PKI / "loop.key").symlink_to("loop.key")
    (node / PKI / "sa.key").chmod(0o644)
    document = facts_document(collect(str(node)))
    assert "C-0112" in failing_in(document)
    (node / PKI / "sa.key").chmod(0o600)
    resources = [resource_of(b) for b in orjson.loads(facts_document(collect(str(node))))["items"]]
    (key,) = [control for control in CONTROLS if control.id == "C-0112"]
    judgement = judge(resources, [key])
    assert (judgement.findings, [skip.kind for skip in judgement.skips]) == ((), ["not read"])


def test_a_folder_without_a_node_says_so(tmp_path):
    with pytest.raises(SourceError, match="no kubelet and no control plane"):
        collect(str(tmp_path))
    with pytest.raises(SourceError, match="cannot read the root"):
        collect(str(tmp_path / "missing"))


def test_the_documented_layout_of_k3s_is_found(tmp_path):
    facts = dict(collect(str(k3s_tree(tmp_path))).objects)
    kubelet, plane = facts["KubeletInfo"], facts["ControlPlaneInfo"]
    assert (kubelet.distribution, kubelet.node_name) == ("k3s", "k3s-1")
    assert kubelet.settings == ()
    assert [one.path for one in kubelet.drop_in_files] == [
        "/var/lib/rancher/k3s/agent/etc/kubelet.conf.d/00-k3s-defaults.conf"
    ]
    assert [oct(one.permissions) for one in plane.pki_files] == ["0o600", "0o640"]
    assert {"C-0112", "C-0164", "C-0162"} <= failing(tmp_path)


def test_the_documented_layout_of_rke2_is_found(tmp_path):
    facts = dict(collect(str(rke2_tree(tmp_path))).objects)
    assert facts["KubeletInfo"].distribution == "RKE2"
    settings = {one.name: one.origin for one in facts["KubeletInfo"].settings}
    assert settings["readOnlyPort"] == settings["authentication.anonymous.enabled"] == "flag"
    assert facts["ControlPlaneInfo"].etcd_data_dir.path == "/var/lib/rancher/rke2/server/db/etcd"
    assert "C-0092" in failing(tmp_path)
    assert "C-0098" not in failing(tmp_path)


def test_a_process_of_a_container_that_calls_itself_a_kubelet_is_not_the_nodes(node):
    put(node, "proc/1000/cmdline", "kubelet\0--anonymous-auth=false\0--config=/nowhere.yaml")
    put(node, "proc/1000/status", "Name:\tkubelet\nNSpid:\t1000\t1\n")
    put(node, "proc/2000/cmdline", "kubelet\0--read-only-port=10255")
    put(node, "proc/2000/status", "Name:\tkubelet\nNSpid:\t2000\n")
    tree = RootTree(str(node))
    try:
        assert processes(tree)["kubelet"] == ("kubelet", "--read-only-port=10255")
    finally:
        tree.close()


def test_what_listens_is_read_of_both_protocols_and_families(node):
    head = "  sl  local_address rem_address   st tx_queue\n"
    put(
        node,
        "proc/1/net/tcp",
        f"{head}   0: 00000000:1F90 00000000:0000 0A 0\n   1: 0100007F:0016 0:0 01 0\n",
    )
    put(
        node,
        "proc/1/net/udp",
        f"{head}   0: 00000000:0035 00000000:0000 07 0\n   1: 0100007F:1000 0:0 01 0\n",
    )
    put(node, "proc/1/net/udp6", f"{head}   0: {'0' * 32}:14E9 {'0' * 32}:0000 07 0\n")
    (found,) = [one for kind, one in host_facts(str(node), "n").objects if kind == "OpenPortsList"]
    assert [(one.transport, one.local_port) for one in found.tcp_ports] == [("tcp", 8080)]
    assert [(one.transport, one.local_port) for one in found.udp_ports] == [("udp", 53), ("udp6", 5353)]
