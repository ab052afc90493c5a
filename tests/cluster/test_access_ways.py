"""The ways to cluster admin that are named can be taken on a real API server, and without one of their rights they cannot."""

import json
import subprocess
from base64 import b64encode
from typing import Any

import pytest
from control_plane import ControlPlane
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from leadline.scans.access.target import open_access
from leadline.scans.access.to_admin import to_admin
from leadline.scans.options import PostureOptions

pytestmark = pytest.mark.slow

GROUP = "rbac.authorization.k8s.io"
SPACE = "ways"


@pytest.fixture(scope="module")
def plane(api_server: ControlPlane) -> ControlPlane:
    api_server.namespace(SPACE)
    api_server.kubectl("create", "serviceaccount", "op", "-n", SPACE)
    api_server.kubectl(
        "create",
        "clusterrolebinding",
        "ways-op",
        "--clusterrole=cluster-admin",
        f"--serviceaccount={SPACE}:op",
    )
    api_server.kubectl(
        "create", "clusterrolebinding", "ways-changed", "--clusterrole=cluster-admin", "--user=x"
    )
    return api_server


def rule(verbs: str, resources: str, group: str = "", **more: Any) -> dict[str, Any]:
    return {"verbs": verbs.split(), "resources": resources.split(), "apiGroups": [group], **more}


def attempt(plane: ControlPlane, user: str, script: tuple[str, ...], content: str) -> bool:
    """Whether kubectl can do it as the user."""
    config = plane.user(user)
    run = subprocess.run(
        ["kubectl", f"--kubeconfig={config}", *script],
        input=content.replace("NAME", user),
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return run.returncode == 0


def object_text(kind: str, **fields: Any) -> str:
    return json.dumps({"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": "NAME-new"}, **fields})


EVERYTHING = rule("*", "*", "*")
BINDING = object_text(
    "ClusterRoleBinding",
    roleRef={"apiGroup": GROUP, "kind": "ClusterRole", "name": "cluster-admin"},
    subjects=[{"kind": "User", "apiGroup": GROUP, "name": "NAME"}],
)
ANYONE = {"kind": "User", "apiGroup": GROUP, "name": "NAME"}
POD = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "NAME"},
        "spec": {"serviceAccountName": "op", "containers": [{"name": "c", "image": "i"}]},
    }
)
TOKEN = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "NAME", "annotations": {"kubernetes.io/service-account.name": "op"}},
    }
)
WAYS: dict[str, tuple[list[dict[str, Any]], tuple[str, ...], str]] = {
    "impersonation": (
        [rule("impersonate", "serviceaccounts")],
        ("auth", "can-i", "*", "*", f"--as=system:serviceaccount:{SPACE}:op"),
        "",
    ),
    "token": ([rule("create", "serviceaccounts/token")], ("create", "token", "op", "-n", SPACE), ""),
    "pod": ([rule("create", "pods")], ("create", "-n", SPACE, "-f", "-"), POD),
    "secret": (
        [rule("create", "secrets"), rule("get", "secrets")],
        ("create", "-n", SPACE, "-f", "-"),
        TOKEN,
    ),
    "bind": (
        [rule("create", "clusterrolebindings", GROUP), rule("bind", "clusterroles", GROUP)],
        ("create", "-f", "-"),
        BINDING,
    ),
    "change": (
        [rule("get patch", "clusterrolebindings", GROUP), rule("bind", "clusterroles", GROUP)],
        ("patch", "clusterrolebinding", "ways-changed", "-p", json.dumps({"subjects": [ANYONE]})),
        "",
    ),
    "escalate": (
        [rule("get patch", "clusterroles", GROUP), rule("escalate", "clusterroles", GROUP)],
        ("patch", "clusterrole", "NAME", "-p", json.dumps({"rules": [EVERYTHING]})),
        "",
    ),
    "aggregation": (
        [rule("create", "clusterroles", GROUP), rule("escalate", "clusterroles", GROUP)],
        ("create", "-f", "-"),
        object_text("ClusterRole", rules=[EVERYTHING]),
    ),
    "certificate": (
        [
            rule("get create", "certificatesigningrequests", "certificates.k8s.io"),
            rule("update patch", "certificatesigningrequests/approval", "certificates.k8s.io"),
            rule("approve", "signers", "certificates.k8s.io", resourceNames=["kubernetes.io/*"]),
        ],
        ("certificate", "approve", "NAME"),
        "",
    ),
}


def test_commands_in_a_pod_take_more_than_get_on_this_server(plane: ControlPlane) -> None:
    """Since Kubernetes 1.35 a websocket takes ``create`` as well."""
    plane.apply({**json.loads(POD), "metadata": {"name": "target", "namespace": SPACE}})
    for user, verb, may in (("ways-get-exec", "get", False), ("ways-create-exec", "create", True)):
        give(plane, user, [rule(verb, "pods/exec"), rule("get", "pods")], is_aggregated=False)
        plane.until(lambda user=user: attempt(plane, user, ("get", "pod", "target", "-n", SPACE), ""))
        assert ways_found(plane, user) is may


def give(plane: ControlPlane, user: str, rules: list[dict[str, Any]], *, is_aggregated: bool) -> None:
    role: dict[str, Any] = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": user},
        "rules": rules,
    }
    if is_aggregated:
        role["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {user: "yes"}}]}
    plane.apply(role)
    plane.kubectl("create", "clusterrolebinding", user, f"--clusterrole={user}", f"--user={user}")


def ways_found(plane: ControlPlane, user: str) -> bool:
    with open_access((), PostureOptions(kubeconfig=plane.admin(), environ={}), with_accounts=True) as target:
        return any(one.subject.name == user for one in to_admin(target).found)


@pytest.mark.parametrize("way", WAYS)
def test_a_way_can_be_taken_and_not_without_its_last_right(plane: ControlPlane, way: str) -> None:
    rules, script, content = WAYS[way]
    for user, held, is_way in ((f"ways-{way}", rules, True), (f"ways-{way}-less", rules[:-1], False)):
        if way == "certificate":
            plane.kubectl("create", "-f", "-", content=certificate_request(user))
        give(plane, user, held, is_aggregated=way == "aggregation")
        words = tuple(word.replace("NAME", user) for word in script)
        if is_way:
            plane.until(
                lambda user=user, words=words: attempt(plane, user, words, content)
            )  # RBAC is seen a little later
        elif way != "secret":  # it may be created, but not read
            assert not attempt(plane, user, words, content)
        assert ways_found(plane, user) is is_way


def certificate_request(name: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"system:serviceaccount:{SPACE}:op")])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    content = b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()
    spec = {
        "request": content,
        "signerName": "kubernetes.io/kube-apiserver-client",
        "usages": ["client auth"],
    }
    kind = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
    return json.dumps({**kind, "metadata": {"name": name}, "spec": spec})
