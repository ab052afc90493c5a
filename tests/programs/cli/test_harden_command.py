"""``leadline harden workload``: a diff of the manifest that allows what was recorded, and nothing from partial profiles."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.model.container import Container
from leadline.model.profile import Profile
from leadline.programs.cli.main import main
from leadline.runtime.rehearsal.rights import Rights, rights_outcomes
from leadline.scans.options import PostureOptions
from leadline.scans.rehearsing.hardening import harden

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web  # the shop
        env:
        - {name: PASSWORD, value: hunter2secret}
        volumeMounts:
        - {name: data, mountPath: /data}
      volumes:
      - {name: data, emptyDir: {}}
"""
CLUSTER = """
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: edge}}
- apiVersion: v1
  kind: Pod
  metadata: {name: db-0, namespace: shop, labels: {app: db, controller-revision-hash: x}}
  spec: {containers: [{name: db, image: db, ports: [{name: sql, containerPort: 5432}]}]}
  status: {podIP: 10.0.0.9, hostIP: 198.51.100.20, hostIPs: [{ip: 198.51.100.20}, {ip: "2001:db8::20"}], phase: Running}
- apiVersion: v1
  kind: Pod
  metadata: {name: gateway, namespace: edge, labels: {app: gateway}}
  spec: {containers: [{name: gateway, image: gateway}]}
  status: {podIP: "fd00::3", phase: Running}
- apiVersion: v1
  kind: Pod
  metadata: {name: node, namespace: edge, labels: {app: node}}
  spec: {hostNetwork: true, containers: [{name: gateway, image: gateway}]}
  status: {podIP: 10.0.0.7, phase: Running}
- apiVersion: v1
  kind: Service
  metadata: {name: db, namespace: shop}
  spec: {clusterIP: 10.96.0.10, externalIPs: [198.51.100.31], selector: {app: db}, ports: [{port: 80, targetPort: sql}]}
  status: {loadBalancer: {ingress: [{ip: 198.51.100.30, ipMode: VIP}, {ip: 198.51.100.32, ipMode: Proxy}]}}
"""
PROFILE: dict[str, Any] = {
    "container": {
        "id": "c1",
        "name": "web",
        "namespace": "shop",
        "workloadKind": "Deployment",
        "workload": "web",
    },
    "completion": "complete",
    "reasons": [],
    "sinceS": 1777630000.0,
    "untilS": 1777637200.0,
    "syscalls": ["openat", "read"],
    "users": [101],
}


def file(path: str, *flags: str) -> dict[str, Any]:
    return {"path": path, "flags": flags or ("O_RDWR", "O_CREAT")}


def peer(direction: str, address: str, port: int, protocol: str = "TCP") -> dict[str, Any]:
    return {"direction": direction, "address": address, "port": port, "protocol": protocol}


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "web.yaml").write_text(MANIFEST)
    (tmp_path / "cluster.yaml").write_text(CLUSTER)

    def once(*words: str, more: tuple[dict[str, Any], ...] = (), **done: Any) -> tuple[int, str, str]:
        profiles = [PROFILE | done, *(PROFILE | one for one in more)]
        (tmp_path / "profiles.json").write_text("".join(json.dumps(one) + "\n" for one in profiles))
        code = main(
            ["harden", "workload", "shop/Deployment/web", "web.yaml", *words, "--profile", "profiles.json"]
        )
        return (code, *capfd.readouterr())

    return once


def suggested(out: str) -> dict[str, Any]:
    (container,) = json.loads(out)["containers"]
    return {one["path"]: one["value"] for one in container["suggestions"]}


def test_the_diff_makes_a_manifest_that_allows_what_was_recorded(run, tmp_path: Path):
    opened = [file("/tmp/a"), file("/data/x"), file("/etc/passwd", "O_RDONLY"), file("/var/cache/web/⋯")]
    code, out, err = run("-f", "json", opened=opened, capabilities=["NET_BIND_SERVICE"])
    assert (code, err) == (0, "")
    assert suggested(out) == {
        "securityContext.readOnlyRootFilesystem": True,
        "securityContext.capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
        "securityContext.allowPrivilegeEscalation": False,
        "securityContext.runAsNonRoot": True,
        "securityContext.seccompProfile": {"type": "RuntimeDefault"},
    }
    assert json.loads(out)["containers"][0]["suggestions"][0]["emptyVolumes"] == ["/tmp", "/var/cache/web"]
    added = [
        line[1:] for line in json.loads(out)["patch"].splitlines() if line.startswith("+") and line[1] == " "
    ]
    assert "        - name: web-tmp" in added
    assert "hunter2secret" not in out


def test_text_says_how_long_it_was_watched_why_and_what_fails(run):
    code, out, _ = run(opened=[file("/tmp/a")])
    assert code == 0
    assert out.splitlines()[:5] == [
        "shop/Deployment/web, container web",
        "  by 1 complete profile, the longest of 2 h",
        "  suggested: securityContext.readOnlyRootFilesystem: true",
        "    written were only /tmp and what is mounted",
        "    if the record is not all: what is written elsewhere fails with EROFS",
    ]
    assert "pod: suggested: automountServiceAccountToken: false" in out.splitlines()
    assert out.splitlines()[-1].startswith("7 suggestions, rehearsed against the same record")


def test_nothing_is_suggested_from_a_partial_profile(run):
    code, out, err = run(completion="partial", reasons=["records were lost"], opened=[file("/tmp/a")])
    assert code == 3
    assert (
        out.splitlines()[1] == "  nothing is suggested: all of its profiles are partial (records were lost)"
    )
    assert "+" not in out
    assert "no complete profile" in err


def test_what_a_partial_profile_saw_counts_beside_a_complete_one(run):
    partial = {"completion": "partial", "reasons": ["records were lost"], "opened": [file("/var/spool/x")]}
    _, out, _ = run("-f", "json", more=(partial,), opened=[file("/tmp/a")])
    assert json.loads(out)["containers"][0]["suggestions"][0]["emptyVolumes"] == ["/tmp", "/var/spool"]


@pytest.mark.parametrize(
    ("done", "left"),
    [
        (
            {"opened": [file("/etc/app/a"), file("/etc/app/b", "O_RDONLY")]},
            "/etc/app is written and holds files",
        ),
        ({"opened": [file("/x")]}, "/ is written and holds files"),
        (
            {"changed": [{"path": "cache", "how": "made"}]},
            "the folder that cache is relative to is not recorded",
        ),
        ({"syscalls": []}, "system calls were not recorded"),
        ({"syscalls": ["keyctl"]}, "it calls keyctl, which RuntimeDefault refuses"),
        ({"users": [0]}, "it ran as user 0"),
        ({"executed": [{"path": "/usr/bin/sudo", "arguments": []}]}, "it executes /usr/bin/sudo"),
    ],
)
def test_what_would_break_is_not_suggested_and_the_reason_is_said(run, done: dict[str, Any], left: str):
    _, out, _ = run("-f", "json", **done)
    (container,) = json.loads(out)["containers"]
    assert any(one["why"].startswith(left) for one in container["notSuggested"])


def test_a_network_policy_names_pods_behind_services_and_both_protocols_of_dns(run):
    peers = [
        peer("connects", "10.96.0.10", 80), peer("connects", "198.51.100.7", 443), peer("sends", "198.51.100.53", 53, "UDP"),
        peer("accepts", "fd00::3", 8080), peer("connects", "127.0.0.1", 9),
    ]  # fmt: skip
    _, out, _ = run("cluster.yaml", "-f", "json", peers=peers)
    assert json.loads(out)["networkPolicy"]["spec"] == {
        "podSelector": {"matchLabels": {"app": "web"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {
                "from": [
                    {
                        "podSelector": {"matchLabels": {"app": "gateway"}},
                        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}},
                    }
                ],
                "ports": [{"port": 8080, "protocol": "TCP"}],
            }
        ],
        "egress": [
            {
                "to": [{"ipBlock": {"cidr": "198.51.100.53/32"}}],
                "ports": [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}],
            },
            {"to": [{"ipBlock": {"cidr": "198.51.100.7/32"}}], "ports": [{"port": 443, "protocol": "TCP"}]},
            {
                "to": [{"podSelector": {"matchLabels": {"app": "db"}}}],
                "ports": [{"port": 5432, "protocol": "TCP"}],
            },
        ],
    }


@pytest.mark.parametrize("node", ["198.51.100.20", "2001:db8::20", "10.0.0.7"])
def test_the_address_of_a_node_is_never_one_of_the_world(run, node: str):
    """Probes come from there, and another node may ask tomorrow."""
    _, out, _ = run("cluster.yaml", "-f", "json", peers=[peer("accepts", node, 8080)])
    found = json.loads(out)
    assert found["networkPolicy"]["spec"]["policyTypes"] == ["Egress"]
    assert found["networkPolicyLeftOpen"][0].startswith(
        f"ingress stays open: {node} is on the network of a node"
    )


def test_a_load_balancer_of_the_cluster_leads_to_pods_unless_it_is_a_proxy(run):
    peers = [peer("connects", f"198.51.100.{number}", 80) for number in (30, 31, 32)]
    _, out, _ = run("cluster.yaml", "-f", "json", peers=peers)
    assert json.loads(out)["networkPolicy"]["spec"]["egress"] == [
        {"to": [{"ipBlock": {"cidr": "198.51.100.32/32"}}], "ports": [{"port": 80, "protocol": "TCP"}]},
        {
            "to": [{"podSelector": {"matchLabels": {"app": "db"}}}],
            "ports": [{"port": 5432, "protocol": "TCP"}],
        },
    ]


def test_a_direction_that_no_connection_was_recorded_in_is_closed_unless_it_listens(run):
    _, out, _ = run("cluster.yaml", "-f", "json", peers=[])
    closed = {"policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": []}
    assert json.loads(out)["networkPolicy"]["spec"] == {
        "podSelector": {"matchLabels": {"app": "web"}},
        **closed,
    }
    _, out, _ = run("cluster.yaml", "-f", "json", peers=[peer("listens", "", 8080)])
    assert json.loads(out)["networkPolicy"]["spec"]["policyTypes"] == ["Egress"]
    assert json.loads(out)["networkPolicyLeftOpen"] == [
        "ingress stays open: it listens at port 8080/TCP, and no connection was recorded"
    ]


def test_the_token_is_taken_away_where_no_container_opened_it(run):
    token = "/run/secrets/kubernetes.io/serviceaccount/..2026/token"
    _, out, _ = run("-f", "json", opened=[file(token, "O_RDONLY")])
    assert json.loads(out)["pod"] == []
    _, out, _ = run("-f", "json")
    assert [(one["path"], one["value"]) for one in json.loads(out)["pod"]] == [
        ("automountServiceAccountToken", False)
    ]
    assert "+      automountServiceAccountToken: false" in json.loads(out)["patch"]


def test_files_of_which_only_the_folder_is_known_are_no_hole(run):
    partial = {
        "completion": "partial",
        "reasons": ["more new things in a second than are recorded one by one"],
    }
    code, _, _ = run("-f", "json", collapsed={"open": 9, "alter": 1}, **partial)
    assert code == 0
    code, _, _ = run("-f", "json", collapsed={"open": 9, "socket": 1}, **partial)
    assert code == 3


def made(path: str, how: str = "made") -> dict[str, Any]:
    return {"path": path, "how": how}


def test_what_lies_in_a_folder_that_the_container_made_is_its_own(run):
    """As a database that is made at the start: of many of its files only the folder is known, and some are read by name."""
    done = {"opened": [file("/srv/db/base/⋯"), file("/srv/db/base/1", "O_RDONLY")]}
    for changed, is_suggested in (
        ([made("/srv/db"), made("/srv/db/base")], True),
        ([made("/srv/db")], True),
        ([], False),
        ([made("/srv/db"), made("/srv/db", "removed")], False),  # it may have been there before
        ([made("/srv/⋯")], False),
    ):
        _, out, _ = run("-f", "json", changed=changed, **done)
        assert ("securityContext.readOnlyRootFilesystem" in suggested(out)) is is_suggested


@pytest.mark.parametrize(
    ("done", "volumes"),
    [
        ({"changed": [made("/run/web.sock", "special")]}, ["/run"]),
        # An entry point that gives the folder of the image to its user, and writes there.
        ({"changed": [made("/srv/web", "owner")], "opened": [file("/srv/web/a")]}, ["/srv/web"]),
        (
            {"changed": [made("/srv/web", "owner")], "opened": [file("/srv/web/in/a")]},
            ["/srv/web", "/srv/web/in"],
        ),
        # A folder of the image within another one, which an empty volume over that would take away.
        ({"opened": [file("/srv/web/a"), file("/srv/web/in/a")]}, ["/srv/web", "/srv/web/in"]),
        (
            {"changed": [made("/srv/web/in")], "opened": [file("/srv/web/a"), file("/srv/web/in/a")]},
            ["/srv/web"],
        ),
        ({"changed": [made("/srv/web/⋯")], "opened": [file("/srv/web/⋯/a")]}, ["/srv/web"]),
        # What is there before it is changed came with the image.
        ({"changed": [made("/srv/web", "owner")]}, "/srv/web was there"),
        (
            {"changed": [made("/srv/web/seed", "times")], "opened": [file("/srv/web/a")]},
            "/srv/web/seed was there",
        ),
        ({"opened": [file("/srv/web/a"), file("/srv/web/seed", "O_RDWR")]}, "/srv/web/seed was there"),
        ({"opened": [file("/srv/web/⋯/a")]}, "/srv/web/⋯ was there"),
        ({"changed": [made("/srv/web/⋯", "owner")]}, "/srv/web/⋯ was there"),
    ],
)
def test_an_empty_volume_takes_nothing_away(run, done: dict[str, Any], volumes: list[str] | str):
    _, out, _ = run("-f", "json", **done)
    (container,) = json.loads(out)["containers"]
    if isinstance(volumes, str):
        assert "securityContext.readOnlyRootFilesystem" not in suggested(out)
        assert container["notSuggested"][0]["why"].startswith(volumes)
    else:
        assert container["suggestions"][0]["emptyVolumes"] == volumes


def test_a_kernel_that_does_not_tell_capabilities_leaves_them_alone(run):
    silent = {"completion": "partial", "reasons": ["this kernel does not say which capabilities are used"]}
    code, out, _ = run("-f", "json", opened=[file("/tmp/a")], syscalls=["chroot", "read"], **silent)
    assert code == 0
    assert set(suggested(out)) == {
        "securityContext.readOnlyRootFilesystem",
        "securityContext.allowPrivilegeEscalation",
        "securityContext.runAsNonRoot",
        "securityContext.seccompProfile",
    }
    (container,) = json.loads(out)["containers"]
    assert container["notSuggested"] == [{"what": "capabilities", "why": silent["reasons"][0]}]


def test_a_direction_stays_open_where_an_address_is_unknown(run):
    listening = peer("listens", "", 8080)
    _, out, _ = run("cluster.yaml", "-f", "json", peers=[listening, peer("connects", "10.9.9.9", 80)])
    found = json.loads(out)
    assert found["networkPolicy"] is None
    assert found["networkPolicyLeftOpen"] == [
        "ingress stays open: it listens at port 8080/TCP, and no connection was recorded",
        "egress stays open: it is not known whose the address 10.9.9.9 is",
    ]
    _, out, _ = run("cluster.yaml", "-f", "json", peers=[peer("accepts", "10.0.0.7", 80)])
    assert json.loads(out)["networkPolicyLeftOpen"][0].startswith(
        "ingress stays open: 10.0.0.7 is on the network of a node"
    )


def test_a_strict_list_has_the_recorded_calls_and_what_runtimes_and_probes_need(run):
    _, out, _ = run("-f", "json", syscalls=["openat", "read", "arch_prctl", "sendmmsg"])
    made = json.loads(out)["containers"][0]["strictSeccompProfile"]
    assert made["architectures"] == ["SCMP_ARCH_X86_64"]
    assert (made["defaultAction"], made["defaultErrnoRet"]) == ("SCMP_ACT_ERRNO", 1)
    allowed, newer = made["syscalls"]
    assert {"sendmmsg", "execve", "capset", "rt_sigreturn", "wait4"} <= set(allowed["names"])
    assert "mount" not in allowed["names"]
    assert newer["errnoRet"] == 38
    assert "clone3" in newer["names"]
    _, out, _ = run("-f", "json", syscalls=["clone3"])
    made = json.loads(out)["containers"][0]["strictSeccompProfile"]
    assert made["architectures"] == ["SCMP_ARCH_AARCH64"]
    assert "clone3" in made["syscalls"][0]["names"]


def test_for_cilium_names_take_the_place_of_addresses_outside(run):
    named = {**peer("connects", "198.51.100.7", 443), "names": ["api.example.org."]}
    _, out, _ = run("cluster.yaml", "-f", "json", peers=[named, peer("connects", "10.96.0.10", 80)])
    rules = json.loads(out)["ciliumNetworkPolicy"]["spec"]["egress"]
    assert rules[1] == {
        "toFQDNs": [{"matchName": "api.example.org"}],
        "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}]}],
    }
    assert rules[0]["toPorts"][0]["rules"] == {"dns": [{"matchPattern": "*"}]}
    _, out, _ = run("cluster.yaml", "-f", "json", peers=[peer("connects", "198.51.100.7", 443)])
    assert json.loads(out)["ciliumNetworkPolicy"] is None


def test_no_capability_is_added_that_the_container_does_not_have(run):
    """On overlayfs the kernel asks the one who mounted it, which is recorded like a use of the container."""
    _, out, _ = run("-f", "json", capabilities=["CHOWN", "DAC_READ_SEARCH", "SYS_ADMIN"])
    assert suggested(out)["securityContext.capabilities"] == {"drop": ["ALL"], "add": ["CHOWN"]}


def test_what_overlayfs_is_asked_for_is_unknown_in_a_rehearsal():
    rights = Rights(frozenset({"CHOWN"}))
    found = rights_outcomes(
        Profile(Container("c"), "complete", (), capabilities=("NET_RAW", "SYS_ADMIN")), rights
    )
    assert [one.verdict for one in found] == ["blocked", "unknown"]


def test_the_container_that_holds_the_network_of_a_pod_is_not_one_of_the_workload(run):
    of_pod = {"id": "p", "podUid": "u", "namespace": "shop", "workloadKind": "Deployment", "workload": "web"}
    partial = {"completion": "partial", "reasons": ["records were lost"]}
    code, out, _ = run(more=({"container": of_pod},), **partial)
    assert code == 3
    assert "nothing is suggested: all of its profiles are partial" in out


def test_roles_are_what_the_service_account_asked_for(run, tmp_path: Path):
    def event(verb: str, uri: str, **reference: str) -> str:
        return json.dumps({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "stage": "ResponseComplete", "verb": verb, "requestURI": uri,
            "requestReceivedTimestamp": "2026-01-01T00:00:00.000000Z", "responseStatus": {"code": 200},
            "user": {"username": "system:serviceaccount:shop:default", "groups": []},
            "objectRef": reference or None, "annotations": {"authorization.k8s.io/decision": "allow"},
        })  # fmt: skip

    maps = {"resource": "configmaps", "namespace": "shop", "name": "a", "apiVersion": "v1"}
    log = [
        event("get", "/api/v1/namespaces/shop/configmaps/a", **maps),
        event("list", "/api/v1/nodes", resource="nodes", apiVersion="v1"),
        event("get", "/version"),
    ]
    (tmp_path / "audit.log").write_text("\n".join(log) + "\n")
    _, out, _ = run("-f", "json", "--audit-log", "audit.log")
    nodes, maps_role = json.loads(out)["roles"]
    assert (nodes["kind"], nodes["rules"]) == (
        "ClusterRole",
        [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}],
    )
    assert maps_role["metadata"] == {"name": "web", "namespace": "shop"}
    assert maps_role["rules"] == [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
    assert any("other workloads of the namespace may use it too" in note for note in json.loads(out)["notes"])


def test_a_workload_that_is_not_there_is_one_line(capfd: pytest.CaptureFixture[str], run, tmp_path: Path):
    run()
    assert main(["harden", "workload", "shop/Deployment/no", "web.yaml", "--profile", "profiles.json"]) == 2
    assert capfd.readouterr().err.startswith("leadline: no workload is called shop/Deployment/no")
    assert main(["harden", "workload", "shop/deployment/web", "web.yaml", "--profile", "profiles.json"]) == 2
    assert "there is shop/Deployment/web" in capfd.readouterr().err
    assert main(["harden", "workload", "web", "--profile", "profiles.json"]) == 2
    assert capfd.readouterr().err == "leadline: web: not a workload; write NAMESPACE/KIND/NAME\n"


PATHS = st.sampled_from(
    ["/tmp/a", "/tmp/b/c", "/etc/app/x", "/var/lib/app/y", "/data/z", "/srv/⋯/q", "/run/p", "/usr/lib/k"]
)
FLAGS = st.sampled_from([("O_RDONLY",), ("O_RDWR",), ("O_WRONLY", "O_CREAT")])
PROFILES = st.fixed_dictionaries({
    "opened": st.lists(st.builds(lambda path, flags: file(path, *flags), PATHS, FLAGS), max_size=5),
    "changed": st.lists(
        st.builds(lambda path, how: {"path": path, "how": how}, PATHS, st.sampled_from(["made", "removed", "mode"])), max_size=3
    ),
    "capabilities": st.lists(st.sampled_from(["CHOWN", "SYS_ADMIN", "NET_RAW"]), unique=True, max_size=2),
    "syscalls": st.lists(st.sampled_from(["read", "keyctl", "mount", "chroot"]), unique=True, max_size=3),
    "users": st.lists(st.sampled_from([0, 33, 1000]), unique=True, max_size=2),
    "peers": st.lists(
        st.builds(
            peer, st.sampled_from(["connects", "sends", "accepts"]),
            st.sampled_from(["10.96.0.10", "10.0.0.9", "fd00::3", "10.0.0.7", "198.51.100.7", "10.9.9.9"]),
            st.sampled_from([53, 80, 5432]),
        ),
        max_size=3,
    ),
})  # fmt: skip


@given(PROFILES)
def test_nothing_that_is_suggested_would_block_what_was_recorded(
    tmp_path_factory: pytest.TempPathFactory, done: dict[str, Any]
):
    """``harden`` rehearses what it suggests, and fails where that is not safe."""
    folder = tmp_path_factory.getbasetemp()
    for name, text in (
        ("web.yaml", MANIFEST),
        ("cluster.yaml", CLUSTER),
        ("profiles.json", json.dumps(PROFILE | done)),
    ):
        (folder / name).write_text(text)
    targets = [str(folder / "web.yaml"), str(folder / "cluster.yaml")]
    found = harden("shop/Deployment/web", targets, [str(folder / "profiles.json")], PostureOptions())
    assert found.patch


CHART = {
    "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.2.3\n",
    "values.yaml": "image: web\nadmin:\n  password: hunter2secret\nsecurityContext: {}\nvolumes: []\nmounts: []\n",
    "templates/web.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  labels: {helm.sh/chart: web-1.2.3}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels:
        app: web
        helm.sh/chart: web-1.2.3
        app.kubernetes.io/version: "1.2.3"
    spec:
      containers:
        - name: web
          image: {{ .Values.image }}
          env:
            - name: PASSWORD
              value: {{ .Values.admin.password }}
          {{- with .Values.securityContext }}
          securityContext:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with .Values.mounts }}
          volumeMounts:
            {{- toYaml . | nindent 12 }}
          {{- end }}
      {{- with .Values.volumes }}
      volumes:
        {{- toYaml . | nindent 8 }}
      {{- end }}
""",
}


def of_chart(tmp_path: Path, **more: str) -> tuple[Path, PostureOptions, str]:
    for name, content in {**CHART, **more}.items():
        path = tmp_path / "chart" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    profiles = tmp_path / "profiles"
    written = {"path": "/var/cache/web/page", "flags": ["O_WRONLY", "O_CREAT"]}
    profiles.write_text(json.dumps({**PROFILE, "opened": [written]}) + "\n")
    return tmp_path / "chart", PostureOptions(), str(profiles)


def test_of_a_chart_the_values_are_shown_that_make_the_object_what_is_wanted(tmp_path: Path):
    chart, options, profiles = of_chart(tmp_path)
    found = harden("shop/Deployment/web", [str(chart)], [profiles], options)
    text = "\n".join(found.patch)
    assert f"+++ {chart}/values.yaml" in text
    assert "readOnlyRootFilesystem: true" in text
    assert "+  mountPath: /var/cache/web" in text
    assert "hunter2secret" not in text
    # No value and no plain line sets it.
    (note,) = (one for one in found.notes if "template" in one)
    assert "spec.template.spec.automountServiceAccountToken" in note
    assert (chart / "values.yaml").read_text() == CHART["values.yaml"]
    patch = tmp_path / "patch"
    patch.write_text(text + "\n")
    subprocess.run(["patch", "-p0", "-s", "-i", str(patch)], check=True, cwd="/")
    again = harden("shop/Deployment/web", [str(chart)], [profiles], options)
    assert [one.settings for one in again.containers] == [()]


def test_a_chart_without_such_values_shows_the_object_and_says_so(tmp_path: Path):
    template = CHART["templates/web.yaml"].replace(".Values.securityContext", ".Values.other")
    template = template.replace(".Values.mounts", ".Values.others").replace(".Values.volumes", ".Values.rest")
    plain = template.replace("toYaml .", "toYaml $.Values.none")
    chart, options, profiles = of_chart(
        tmp_path, **{"templates/web.yaml": plain, "values.yaml": "image: web\nadmin: {password: a}\n"}
    )
    found = harden("shop/Deployment/web", [str(chart)], [profiles], options)
    assert found.patch
    assert any("was found for" in note for note in found.notes)


def test_a_policy_selects_the_next_version_too(tmp_path: Path):
    chart, options, profiles = of_chart(tmp_path)
    found = harden("shop/Deployment/web", [str(chart)], [profiles], options)
    assert found.policy.body["spec"]["podSelector"] == {"matchLabels": {"app": "web"}}
