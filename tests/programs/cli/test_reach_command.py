"""``leadline reach``: who may connect to whom, by files."""

import json
from pathlib import Path

import pytest

from leadline.programs.cli.main import main

MANIFESTS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: web}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  selector: {matchLabels: {app: db}}
  serviceName: db
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
      - {name: c, image: db, ports: [{name: sql, containerPort: 5432}, {name: metrics, containerPort: 9187}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: db, namespace: shop}
spec:
  template:
    metadata: {labels: {app: job}}
    spec: {restartPolicy: Never, containers: [{name: c, image: db}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
  - {from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: sql}]}
  - {from: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: metrics}]}
"""
DATABASE = "shop/StatefulSet/db"


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "shop.yaml").write_text(MANIFESTS)

    def once(*words: str) -> tuple[int, str, str]:
        code = main(["reach", *words[:2], str(tmp_path), *words[2:]])
        return (code, *capfd.readouterr())

    return once


def test_every_declared_port_is_asked_and_each_side_answers(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    code, out, err = run("web", DATABASE)
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "shop/Deployment/web → shop/StatefulSet/db",
        "  5432/TCP  allowed",
        "    out  allowed: no policy isolates the pod",
        "    in   allowed by shop/NetworkPolicy/db spec.ingress[0]",
        "  9187/TCP  not known",
        "    out  allowed: no policy isolates the pod",
        "    in   not known: the address of the other end is not known (shop/NetworkPolicy/db spec.ingress[1])",
        "",
    ]


@pytest.mark.parametrize(
    ("source", "port", "verdict"),
    [
        ("shop/web", "5432", "allowed"),
        ("shop/web", "sql", "allowed"),
        ("shop/web", "sql/tcp", "allowed"),
        ("shop/web", "5432/UDP", "denied"),
        ("shop/web", "80", "denied"),
        ("shop/Deployment/web", "metrics", "unknown"),
        ("Job/db", "sql", "denied"),
        ("10.2.3.4", "metrics", "allowed"),
        ("203.0.113.4", "metrics", "denied"),
        ("fd00::1", "metrics", "denied"),
    ],
)
def test_the_answer_is_data_and_an_exit_code_as_well(run, source: str, port: str, verdict: str):
    code, out, _ = run(source, DATABASE, "--port", port, "-f", "json")
    (found,) = json.loads(out)["connections"]
    assert found["verdict"] == verdict
    assert code == (0 if verdict == "allowed" else 1)


def test_a_namespace_that_is_not_among_the_files_may_have_any_label(run, tmp_path: Path):
    policy = MANIFESTS.split("---")[-1].replace(
        "{podSelector: {matchLabels: {app: web}}}", "{namespaceSelector: {matchLabels: {team: shop}}}"
    )
    (tmp_path / "policy.yaml").write_text(policy.replace("name: db,", "name: other,"))
    words = ("Job/db", DATABASE, "--port", "sql")
    assert "not known: the labels of the namespace shop are not known" in run(*words)[1]
    space = "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: %s}}}"
    for team, code in (("shop", 0), ("lab", 1)):
        (tmp_path / "space.yaml").write_text(space % team)
        assert run(*words)[0] == code


def test_an_address_that_no_pod_has_may_be_the_destination(run):
    code, out, _ = run("shop/web", "169.254.169.254", "--port", "80")
    assert code == 0
    assert "no policy is about addresses outside of the cluster" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("web", "gone"), "no workload is called gone"),
        (("web", "db"), "db may be shop/StatefulSet/db, shop/Job/db"),
        (("web", "shop/Job/db"), "shop/Job/db declares no port"),
        (("web", DATABASE, "--port", "http"), "no container of shop/StatefulSet/db has such a port"),
        (("web", DATABASE, "--port", "65536"), "write a number from 1 to 65535"),
        (("web", DATABASE, "--port", "0"), "write a number from 1 to 65535"),
        (("web", DATABASE, "--port", "80/ICMP"), "the protocol is none of TCP, UDP, SCTP"),
    ],
)
def test_what_cannot_be_asked_gets_one_line(run, words: tuple[str, ...], said: str):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_what_was_not_read_may_hold_a_policy(run, tmp_path: Path):
    (tmp_path / "broken.yaml").write_text("kind: [")
    code, out, _ = run("shop/web", DATABASE, "--port", "sql")
    assert code == 1
    assert "5432/TCP  not known" in out
    assert "broken.yaml" in out
    found = json.loads(run("shop/web", DATABASE, "--port", "sql", "-f", "json")[1])
    assert [one["verdict"] for one in found["connections"]] == ["unknown"]
    assert found["notRead"]


def test_the_help_fits_a_narrow_terminal(capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["reach", "--help"]) == 0
    assert max(map(len, capfd.readouterr().out.splitlines())) <= 60


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_wider_than_the_terminal(run, monkeypatch, width: int):
    monkeypatch.setenv("COLUMNS", str(width))
    assert max(map(len, run("shop/web", DATABASE)[1].splitlines())) <= width


OUTSIDE = """
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop, annotations: {%s}}
spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}
"""


@pytest.mark.parametrize(
    ("annotation", "login"),
    [
        ("", "no login was found"),
        (
            "nginx.ingress.kubernetes.io/auth-url: 'http://authelia/api'",
            "behind Authelia, as far as its configuration was read",
        ),
        (
            "traefik.ingress.kubernetes.io/router.middlewares: 'auth-sso@kubernetescrd'",
            "counts as open: auth-sso, whose configuration was not read, is named in front of it",
        ),
    ],
)
def test_a_way_from_outside_is_shown_with_its_login(run, tmp_path, monkeypatch, annotation, login):
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "outside.yaml").write_text(OUTSIDE % annotation)
    _, out, _ = run(DATABASE, "web", "--port", "80")
    assert f"from outside: shop/Ingress/web → shop/Service/web, {login}" in out.splitlines()
    answer = json.loads(run(DATABASE, "web", "--port", "80", "-f", "json")[1])
    assert answer["fromOutside"] == [{"through": "shop/Ingress/web → shop/Service/web", "login": login}]


POD = """---
apiVersion: v1
kind: Pod
metadata:
  name: web-7f-{0}
  namespace: shop
  labels: {{app: web, pod-template-hash: 7f}}
  ownerReferences: [{{apiVersion: apps/v1, kind: {2}, name: web-7f, uid: u, controller: true}}]
spec: {{containers: [{{name: c, image: web}}]}}
status: {{phase: {3}, podIP: "{1}", podIPs: [{{ip: "{1}"}}]}}
"""


@pytest.mark.parametrize(
    ("pods", "verdict"),
    [
        ((("a", "10.1.0.4"), ("b", "10.2.0.4")), "allowed"),
        ((("a", "192.0.2.4"),), "denied"),
        ((("a", "10.1.0.4"), ("b", "192.0.2.4")), "unknown"),
        # Of another owner, and one that is over: neither says where the workload's pods are.
        (
            (
                ("a", "10.1.0.4"),
                ("b", "192.0.2.4", "DaemonSet"),
                ("c", "192.0.2.5", "ReplicaSet", "Succeeded"),
            ),
            "allowed",
        ),
        ((("a", "fd00::4"),), "denied"),
    ],
)
def test_rules_about_networks_are_held_against_the_addresses_of_pods(run, tmp_path: Path, pods, verdict: str):
    lines = [POD.format(*one, *("ReplicaSet", "Running")[len(one) - 2 :]) for one in pods]
    (tmp_path / "pods.yaml").write_text("".join(lines))
    _, out, err = run("shop/Deployment/web", DATABASE, "--port", "metrics", "-f", "json")
    found = json.loads(out)["connections"][0]
    assert (found["verdict"], err) == (verdict, "")
    if verdict == "unknown":
        assert found["ingress"]["why"] == "it depends on which of its pods has which address"
