"""``leadline rehearse``: files of policies against what was recorded."""

import json
from pathlib import Path
from typing import Any

import pytest

from leadline.programs.cli.main import main

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      volumes: [{name: tmp, emptyDir: {}}]
      containers:
      - name: web
        image: web
        volumeMounts: [{name: tmp, mountPath: /tmp}]
        securityContext: {SETTINGS}
"""
POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress, Egress]
  ingress:
  - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: edge}}}]
    ports: [{port: 8080}]
  egress:
  - {to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 5432}]}
  - {to: [{ipBlock: {cidr: 203.0.113.0/24}}], ports: [{port: 443}]}
"""
CLUSTER = """
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop}}}
- {apiVersion: v1, kind: Namespace, metadata: {name: edge, labels: {kubernetes.io/metadata.name: edge}}}
- apiVersion: v1
  kind: Pod
  metadata: {name: db-0, namespace: shop, labels: {app: db}}
  spec: {containers: [{name: db, image: db, ports: [{name: sql, containerPort: 5432}]}]}
  status: {podIP: 10.0.0.9, hostIP: 198.51.100.20, phase: Running}
- apiVersion: v1
  kind: Pod
  metadata: {name: gateway, namespace: edge}
  spec: {containers: [{name: gateway, image: gateway}]}
  status: {podIP: 10.0.0.3, phase: Running}
- apiVersion: v1
  kind: Service
  metadata: {name: db, namespace: shop}
  spec: {clusterIP: 10.96.0.10, selector: {app: db}, ports: [{port: 80, targetPort: sql}, {port: 81, targetPort: 9}]}
"""
USE = {"programs": ["/usr/bin/curl"], "firstS": 1777630000.0, "lastS": 1777633600.0, "times": 2}
PROFILE: dict[str, Any] = {
    "container": {
        "id": "c1", "name": "web", "namespace": "shop", "workloadKind": "Deployment", "workload": "web",
        "pod": "web-6d5f8-abcde",
    },
    "completion": "complete",
    "reasons": [],
    "sinceS": 1777630000.0,
    "untilS": 1777637200.0,
}  # fmt: skip


def peer(direction: str, address: str, port: int, protocol: str = "TCP") -> dict[str, Any]:
    return {"direction": direction, "address": address, "port": port, "protocol": protocol, "use": USE}


CONNECTIONS = [
    peer("connects", "203.0.113.7", 443),
    peer("connects", "2001:db8::7", 443),
    peer("connects", "10.96.0.10", 80),
    peer("connects", "10.96.0.10", 81),
    peer("connects", "10.0.0.9", 5432),
    peer("connects", "10.9.9.9", 5432),
    peer("connects", "127.0.0.1", 53, "UDP"),
    peer("listens", "", 8080),
    peer("accepts", "10.0.0.3", 8080),
]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)

    def once(policies: str, *words: str, **done: Any) -> tuple[int, str, str]:
        (tmp_path / "policies.yaml").write_text(policies)
        (tmp_path / "profiles.json").write_text(json.dumps(PROFILE | done) + "\n")
        code = main(["rehearse", "policies.yaml", "--profile", "profiles.json", *words])
        return (code, *capfd.readouterr())

    return once


def outcomes(out: str) -> dict[str, str]:
    (container,) = json.loads(out)["containers"]
    return {one["what"]: one["verdict"] for one in container["outcomes"]}


def deployment(settings: str = "{}") -> str:
    return DEPLOYMENT.replace("{SETTINGS}", settings)


def test_each_recorded_connection_is_judged_by_what_its_address_was(run):
    code, out, err = run("---".join((deployment(), POLICY, CLUSTER)), "-f", "json", peers=CONNECTIONS)
    assert (code, err) == (1, "")
    assert dict(outcomes(out).items()) == {
        "connects to 203.0.113.7:443/TCP": "allowed",
        "connects to [2001:db8::7]:443/TCP": "blocked",
        "connects to 10.96.0.10:80/TCP": "allowed",
        "connects to 10.96.0.10:81/TCP": "blocked",
        "connects to 10.0.0.9:5432/TCP": "allowed",
        "connects to 10.9.9.9:5432/TCP": "unknown",
        "is connected to from 10.0.0.3 at port 8080/TCP": "allowed",
    }


def test_what_comes_from_a_node_may_pass_whatever_its_address(run):
    """The kubelet of the pod's own node always may."""
    peers = [peer("accepts", address, 8080) for address in ("198.51.100.20", "198.51.100.21")]
    _, out, _ = run("---".join((deployment(), POLICY, CLUSTER)), "-f", "json", peers=peers)
    assert outcomes(out) == {
        "is connected to from 198.51.100.20 at port 8080/TCP": "unknown",
        "is connected to from 198.51.100.21 at port 8080/TCP": "blocked",
    }


def test_labels_of_a_recorded_pod_do_where_its_workload_was_not_read(run):
    labelled = {**PROFILE["container"], "labels": [["app", "web"]]}
    found = [
        run(POLICY, "-f", "json", peers=CONNECTIONS[1:2], container=one)[:2]
        for one in (labelled, PROFILE["container"])
    ]
    assert [(code, *outcomes(out).values()) for code, out in found] == [(1, "blocked"), (3, "unknown")]


def test_a_line_says_what_why_by_whom_how_often_and_when(run):
    code, out, _ = run(deployment() + "---" + POLICY, peers=CONNECTIONS[:2])
    assert code == 1
    assert out.splitlines() == [
        "shop/Deployment/web, container web",
        "  profile complete, recorded for 2 h until 2026-05-01 12:06 UTC",
        "  would be blocked: connects to [2001:db8::7]:443/TCP",
        "    no rule of shop/NetworkPolicy/web lets it through (shop/NetworkPolicy/web)",
        "    by /usr/bin/curl, 2 times or more, 2026-05-01T10:06:40Z to 2026-05-01T11:06:40Z",
        "  passes: 1 of 2 recorded things",
        "",
        "note: pods and Services were not read, so that it is not known whose the addresses of the cluster",
        "are",
        "2 recorded things: 1 would be blocked, 0 not known, 1 pass",
    ]


def test_settings_volumes_and_filter_of_a_workload_are_rehearsed(run):
    settings = (
        "{runAsNonRoot: true, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}, "
        "seccompProfile: {type: RuntimeDefault}}"
    )
    done = {
        "opened": [
            {"path": "/tmp/a", "flags": ["O_RDWR"]},
            {"path": "/var/a", "flags": ["O_RDWR"], "use": USE},
        ],
        "capabilities": ["CHOWN"],
        "users": [0],
        "syscalls": ["read", "keyctl"],
    }
    code, out, _ = run(deployment(settings), "-f", "json", **done)
    assert code == 1
    assert outcomes(out) == {
        "writes /tmp/a": "allowed",
        "writes /var/a": "blocked",
        "uses the capability CHOWN": "blocked",
        "runs as user 0": "blocked",
        "calls read": "allowed",
        "calls keyctl": "blocked",
    }


def test_nothing_that_would_be_blocked_is_a_success(run):
    opened = [{"path": "/tmp/a", "flags": ["O_RDWR"]}]
    code, out, _ = run(deployment("{readOnlyRootFilesystem: true}"), opened=opened)
    assert code == 0
    assert out.splitlines()[-1] == "1 recorded thing: 0 would be blocked, 0 not known, 1 pass"


def test_what_is_not_known_fails_where_that_is_asked_for(run):
    opened = [{"path": "/tmp/a", "flags": ["O_RDWR"]}]
    changed = [{"path": "cache", "how": "made"}]
    policies = deployment("{readOnlyRootFilesystem: true}")
    assert run(policies, opened=opened, changed=changed)[0] == 0
    assert run(policies, "--fail-on", "unknown", opened=opened, changed=changed)[0] == 1


def test_a_partial_profile_says_so(run):
    reasons = ["the container was started before the agent"]
    _, out, _ = run(
        deployment("{readOnlyRootFilesystem: true}"), completion="partial", reasons=reasons,
        opened=[{"path": "/tmp/a", "flags": ["O_RDWR"]}],
    )  # fmt: skip
    assert "profile partial (the container was started before the agent)" in out
    assert (
        "note: a partial profile lacks what was done before it began or was lost: that is not judged" in out
    )


def test_a_seccomp_profile_of_a_file_is_judged_and_calls_that_were_not_recorded_are_not(run, tmp_path: Path):
    filter = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}],
    }
    (tmp_path / "web.json").write_text(json.dumps(filter))
    code, out, _ = run(POLICY, "web.json", "-f", "json", syscalls=["read", "write"])
    assert (code, outcomes(out)) == (1, {"calls read": "allowed", "calls write": "blocked"})
    code, out, err = run(POLICY, "web.json")
    assert code == 3
    assert "its system calls were not recorded" in out
    assert err == "leadline: nothing could be judged; the reasons are above\n"


def test_a_container_of_runc_is_judged_as_the_workload_that_is_named(run):
    recorded = {"id": "leadline-web"}
    opened = [{"path": "/var/a", "flags": ["O_RDWR"]}]
    words = (deployment("{readOnlyRootFilesystem: true}"), "-f", "json")
    assert run(*words, opened=opened, container=recorded)[0] == 3
    assert run(*words, "--workload", "shop/Deployment/web", opened=opened, container=recorded)[0] == 1
    code, _, err = run(*words, "--workload", "web", opened=opened)
    assert (code, "write NAMESPACE/KIND/NAME" in err) == (2, True)


ROLES = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: api, namespace: shop}]
"""


def test_a_role_is_judged_by_audit_logs(run, tmp_path: Path):
    def event(verb: str) -> str:
        return json.dumps({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "stage": "ResponseComplete", "verb": verb,
            "requestURI": "/api/v1/namespaces/shop/pods", "user": {"username": "system:serviceaccount:shop:api"},
            "objectRef": {"resource": "pods", "namespace": "shop", "apiVersion": "v1"},
            "responseStatus": {"code": 200}, "annotations": {"authorization.k8s.io/decision": "allow"},
            "requestReceivedTimestamp": "2026-05-01T10:00:00.000000Z",
        })  # fmt: skip

    (tmp_path / "audit.log").write_text(event("get") + "\n" + event("list") + "\n")
    code, out, _ = run(ROLES, "--audit-log", "audit.log", "-f", "json")
    assert code == 1
    found = {one["what"]: one["verdict"] for row in json.loads(out)["containers"] for one in row["outcomes"]}
    assert found == {
        "shop/ServiceAccount/api asks to get pods in shop": "allowed",
        "shop/ServiceAccount/api asks to list pods in shop": "blocked",
    }
    code, out, _ = run(ROLES)
    assert code == 3
    assert "which requests were made is in audit logs only" in out


def test_a_line_that_is_no_profile_is_named_and_the_others_count(run, tmp_path: Path):
    (tmp_path / "other.json").write_text("{}\n\n[" + "\n")
    policies = deployment("{readOnlyRootFilesystem: true}")
    _, out, _ = run(policies, "--profile", "other.json", opened=[{"path": "/tmp/a", "flags": ["O_RDWR"]}])
    assert "other.json:1 the line holds no profile of a container" in out
    assert "other.json:3 the line holds no profile of a container" in out
    (tmp_path / "none.json").write_text("{}\n")
    assert main(["rehearse", "policies.yaml", "--profile", "none.json"]) == 3


STORED = {
    "kind": "List",
    "items": [
        {
            "kind": "NetworkNeighborhood",
            "metadata": {
                "name": "deployment-web",
                "namespace": "shop",
                "labels": {"kubescape.io/workload-kind": "Deployment", "kubescape.io/workload-name": "web"},
                "annotations": {"kubescape.io/status": "completed", "kubescape.io/completion": "complete"},
            },
            "spec": {
                "matchLabels": {"app": "web"},
                "containers": [
                    {
                        "name": "web",
                        "egress": [
                            {
                                "podSelector": {"matchLabels": {"app": "db"}},
                                "ports": [{"protocol": "TCP", "port": 5432}],
                            },
                            {
                                "podSelector": {"matchLabels": {"tier": "data"}},
                                "ports": [{"protocol": "TCP", "port": 5432}],
                            },
                            {
                                "dnsNames": ["api.pay.example."],
                                "ipAddresses": ["203.0.113.7", "2001:db8::7"],
                                "ports": [{"protocol": "TCP", "port": 443}],
                            },
                        ],
                        "ingress": [
                            {
                                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}},
                                "podSelector": {"matchLabels": {"app": "gateway"}},
                                "ports": [{"protocol": "TCP", "port": 8080}],
                            }
                        ],
                    }
                ],
            },
        },
        {
            "kind": "ApplicationProfile",
            "metadata": {"name": "deployment-web", "namespace": "shop", "labels": {"kubescape.io/workload-kind": "Deployment", "kubescape.io/workload-name": "web"}},
            "spec": {"containers": [{"name": "web", "opens": [{"path": "/var/a", "flags": ["O_RDWR"]}], "syscalls": None}]},
        },
    ],
}  # fmt: skip


def test_profiles_that_a_cluster_stores_are_rehearsed_by_the_labels_of_neighbours(run, tmp_path: Path):
    (tmp_path / "stored.json").write_text(json.dumps(STORED, indent=2))
    policies = deployment("{readOnlyRootFilesystem: true}") + "---" + POLICY
    code, out, _ = run(policies, "--profile", "stored.json", "-f", "json")
    assert code == 1
    rows = [one for one in json.loads(out)["containers"] if one["outcomes"]]
    assert {one["what"]: one["verdict"] for row in rows for one in row["outcomes"]} == {
        "connects to shop/app=db:5432/TCP": "allowed",
        "connects to shop/tier=data:5432/TCP": "unknown",
        "connects to 203.0.113.7:443/TCP (api.pay.example.)": "allowed",
        "connects to [2001:db8::7]:443/TCP (api.pay.example.)": "blocked",
        "is connected to from edge/app=gateway at port 8080/TCP": "allowed",
        "writes /var/a": "blocked",
    }
    assert {row["completion"] for row in rows} == {"partial"}
