"""What is used, by the audit log of a real API server; the smaller role is put in, and what was done can be done again."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from control_plane import ControlPlane
from running import running

from leadline.programs.cli.main import main

pytestmark = pytest.mark.slow

POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"
MANIFEST = """# The rights of the api.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: api
  namespace: use
rules:
  # settings
  - apiGroups: [""]
    resources:
      - configmaps
      - secrets
    verbs: [get, list, watch, create]
  - apiGroups: [apps]
    resources: ["*"]
    verbs: ["*"]
  - apiGroups: [batch]
    resources: [jobs]
    verbs: [delete]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: api, namespace: use}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: api}
subjects: [{kind: ServiceAccount, name: api, namespace: use}]
"""


class Audited(ControlPlane):
    """Writes an audit log of every request."""

    def _api_command(self) -> list[str]:
        (self.folder / "policy.yaml").write_text(POLICY)
        return [*super()._api_command(), "--audit-policy-file=policy.yaml", "--audit-log-path=audit.log"]


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with running(Audited) as cluster:
        yield cluster


DONE = (
    ("get", "configmap", "kube-root-ca.crt", "-n", "use", "--ignore-not-found"),
    ("get", "secrets", "-n", "use"),
    ("create", "configmap", "x", "-n", "use"),
    ("create", "deployment", "d", "--image=i", "-n", "use"),
    ("scale", "deployment", "d", "--replicas=2", "-n", "use"),
)
REFUSED = ("get", "pods", "-n", "use")


def do_as_account(plane: ControlPlane, token: str, words: tuple[str, ...]) -> int:
    config = plane.folder / "account.conf"
    config.write_text(plane.kubeconfig({"token": token}))
    run = subprocess.run(
        ["kubectl", f"--kubeconfig={config}", *words], capture_output=True, text=True, timeout=60, check=False
    )
    return run.returncode


def test_the_smallest_role_covers_what_was_done(
    plane: ControlPlane, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    plane.namespace("use")
    plane.kubectl("create", "serviceaccount", "api", "-n", "use")
    plane.kubectl("apply", "-f", "-", content=MANIFEST)
    token = plane.kubectl("create", "token", "api", "-n", "use")
    plane.until(lambda: do_as_account(plane, token, DONE[1]) == 0)
    for words in DONE:
        assert do_as_account(plane, token, words) == 0
    assert do_as_account(plane, token, REFUSED) != 0
    file = tmp_path / "api.yaml"
    file.write_text(MANIFEST)
    log = str(plane.folder / "audit.log")
    assert main(["access", "unused", "--audit-log", log, str(file), "-q", "-f", "json"]) == 0
    answer = json.loads(capfd.readouterr().out)
    (role,) = answer["roles"]
    assert role["whyNoPatch"] == ""
    assert answer["observed"]["refused"] > 0
    subprocess.run(["patch", "-p0", str(file)], input=patch_text(role), text=True, check=True, timeout=10)
    after = file.read_text()
    assert "# settings" in after
    rules = next(yaml.safe_load_all(after))["rules"]
    assert all("*" not in json.dumps(rule) for rule in rules)
    assert "jobs" not in json.dumps(rules)
    plane.kubectl("delete", "configmap", "x", "-n", "use")
    plane.kubectl("delete", "deployment", "d", "-n", "use")
    plane.kubectl("replace", "-f", "-", content=after)
    plane.until(
        lambda: do_as_account(plane, token, ("get", "deployment", "-n", "use", "--watch-only=false")) != 0, 5
    )
    for words in DONE:
        assert do_as_account(plane, token, words) == 0, words


def patch_text(role: dict[str, Any]) -> str:
    return "".join(f"{line}\n" for line in role["patch"])
