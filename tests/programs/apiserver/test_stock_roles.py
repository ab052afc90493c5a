"""What users see and may do who have exactly one of the stock roles in one namespace, on a real cluster."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from asgi import ROOT as RESULTS
from extension import ROOT, Extension

pytestmark = pytest.mark.cluster
CHART = ROOT / "deploy" / "chart"
ROLES = ("view", "edit", "admin", "leadline-accept")
STORED = RESULTS.removeprefix("/apis/")
EXCEPTION = {
    "apiVersion": "kubescape.io/v1beta1",
    "kind": "SecurityException",
    "metadata": {"name": "known"},
    "spec": {"reason": "known", "posture": [{"controlID": "C-0057", "action": "ignore"}]},
}


@pytest.fixture(scope="module")
def shop(extension: Extension) -> Iterator[str]:
    """A namespace with results and a user for each role; ``bank`` has the same results and none of the users."""
    shown = subprocess.run(
        ["helm", "template", "leadline", str(CHART), "-n", "leadline"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    chart = [one for one in yaml.safe_load_all(shown) if one]
    kinds = [
        one
        for one in chart
        if one["kind"] == "CustomResourceDefinition" and "exceptions" in one["metadata"]["name"]
    ]
    roles = [one for one in chart if one["metadata"]["name"] in ("leadline-view", "leadline-accept")]
    policies = [one for one in chart if one["kind"].startswith("ValidatingAdmissionPolicy")]
    extension.apply(*kinds, *(one for one in roles if one["kind"] == "ClusterRole"), *policies)
    for one in kinds:
        extension.kubectl(
            "wait", "--for=condition=Established", "crd", one["metadata"]["name"], "--timeout=60s"
        )
    extension.namespace("role-shop")
    extension.namespace("role-bank")
    for role in ROLES:
        extension.kubectl("-n", "role-shop", "create", "serviceaccount", role)
        extension.kubectl(
            *("-n", "role-shop", "create", "rolebinding", role, f"--clusterrole={role}"),
            f"--serviceaccount=role-shop:{role}",
        )
    create(extension, "leadline", "VulnerabilityManifest", "of-roles", {"payload": {"matches": [MATCH]}})
    for namespace in ("role-shop", "role-bank"):
        create(extension, namespace, "WorkloadConfigurationScan", "web", {"controls": {"C-0057": CONTROL}})
        reference = {"all": {"namespace": "leadline", "name": "of-roles"}}
        create(
            extension,
            namespace,
            "VulnerabilityManifestSummary",
            "web-nginx",
            {"vulnerabilitiesRef": reference},
        )
    extension.until(lambda: may(extension, "view", "list", "imagefindings.leadline.dev"), 60)
    yield "role-shop"
    extension.kubectl("-n", "leadline", "delete", "vulnerabilitymanifests", "of-roles")
    # Nothing in this cluster ends namespaces, and what is ending takes no results.
    for namespace in ("role-shop", "role-bank"):
        extension.kubectl("-n", namespace, "delete", "workloadconfigurationscans", "web")
        extension.kubectl("-n", namespace, "delete", "vulnerabilitymanifestsummaries", "web-nginx")


MATCH = {"vulnerability": {"id": "CVE-2024-1", "severity": "High"}, "artifact": {"name": "openssl"}}
CONTROL = {
    "controlID": "C-0057",
    "name": "n",
    "status": {"status": "failed"},
    "severity": {"severity": "High"},
}


def create(extension: Extension, namespace: str, kind: str, name: str, spec: dict[str, Any]) -> None:
    whole = {"apiVersion": STORED, "kind": kind, "metadata": {"name": name}, "spec": spec}
    extension.kubectl("-n", namespace, "create", "-f", "-", content=json.dumps(whole))


def may(extension: Extension, role: str, verb: str, resource: str, namespace: str = "role-shop") -> bool:
    asked = ("auth", "can-i", verb, resource, "-n", namespace, f"--as=system:serviceaccount:role-shop:{role}")
    return extension.kubectl(*asked, check=False).strip() == "yes"


def ask(extension: Extension, role: str, *words: str, content: str | None = None) -> str:
    return extension.kubectl(f"--as=system:serviceaccount:role-shop:{role}", *words, content=content)


@pytest.mark.parametrize("role", ["view", "edit", "admin"])
def test_who_may_view_a_namespace_sees_its_findings_and_those_of_no_other(
    role: str, extension: Extension, shop: str
):
    assert "web.c-0057" in ask(extension, role, "-n", shop, "get", "findings")
    assert "CVE-2024-1" in ask(extension, role, "-n", shop, "get", "imagefindings")
    assert ask(extension, role, "-n", shop, "get", "securityexceptions") == ""
    for namespace, resource in (
        ("role-bank", "findings"),
        ("role-bank", "imagefindings"),
        ("leadline", "vulnerabilitymanifests"),
    ):
        with pytest.raises(RuntimeError, match="orbidden"):
            ask(extension, role, "-n", namespace, "get", resource)
    with pytest.raises(RuntimeError, match="forbidden"):
        ask(extension, role, "-n", shop, "create", "-f", "-", content=json.dumps(EXCEPTION))
    for resource in (f"workloadconfigurationscans.{STORED.partition('/')[0]}", "suggestions.leadline.dev"):
        assert may(extension, role, "list", resource)
        assert not may(extension, role, "create", resource)


def test_who_is_bound_to_accepting_accepts_in_that_namespace_alone(extension: Extension, shop: str):
    exception = json.dumps(EXCEPTION)
    assert "created" in ask(extension, "leadline-accept", "-n", shop, "create", "-f", "-", content=exception)
    assert "known" in ask(extension, "view", "-n", shop, "get", "securityexceptions", "-o", "name")
    for words in (("-n", "role-bank"), ()):
        kind = EXCEPTION if words else {**EXCEPTION, "kind": "ClusterSecurityException"}
        with pytest.raises(RuntimeError, match="forbidden"):
            ask(extension, "leadline-accept", *words, "create", "-f", "-", content=json.dumps(kind))
    with pytest.raises(RuntimeError, match="forbidden"):
        ask(extension, "leadline-accept", "-n", shop, "get", "secrets")


def test_an_exception_for_a_control_that_there_is_not_is_taken_with_a_warning(
    extension: Extension, shop: str
):
    def said(*controls: str) -> str:
        spec = {"reason": "known", "posture": [{"controlID": one, "action": "ignore"} for one in controls]}
        run = subprocess.run(
            ["kubectl", f"--kubeconfig={extension.admin()}", "-n", shop, "create", "--dry-run=server", "-f", "-"],
            input=json.dumps({**EXCEPTION, "metadata": {"name": "some"}, "spec": spec}),
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return run.stderr

    # A policy is in force some moments after it was written.
    extension.until(lambda: "no such control" in said("C-9999"), 60)
    warning = "leadline: no such control: C-9999, C-0000; leadline list controls names all"
    assert warning in said("C-9999", "C-0057", "C-0000")
    assert said("C-0057", "OWN-1", "*") == ""


def test_a_watch_of_findings_shows_what_comes(extension: Extension, shop: str):
    command = ["kubectl", f"--kubeconfig={extension.admin()}", "--as=system:serviceaccount:role-shop:view"]
    watch = [*command, "-n", shop, "get", "findings", "--watch", "-o", "name"]
    with subprocess.Popen(watch, stdout=subprocess.PIPE, text=True) as watching:
        try:
            assert watching.stdout is not None
            assert watching.stdout.readline().strip() == "finding.leadline.dev/web.c-0057"
            create(extension, shop, "WorkloadConfigurationScan", "db", {"controls": {"C-0057": CONTROL}})
            assert watching.stdout.readline().strip() == "finding.leadline.dev/db.c-0057"
        finally:
            watching.kill()
