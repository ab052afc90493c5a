"""``leadline operator`` as a process of its own, with the rights that it asks for and no others."""

import json
import os
import signal
import subprocess
import sys
from typing import Any

from extension import PLACE, ROOT, Extension

ACCOUNT = "leadline-operator"
_ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "LEADLINE_IMAGES_ENABLED": "false"}


def prepare(extension: Extension) -> None:
    """Definitions, account and rights, as an installation brings them."""
    extension.kubectl("apply", "-f", str(ROOT / "deploy" / "crds"))
    for path in (ROOT / "deploy" / "crds").glob("*.yaml"):
        extension.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(path))
    program = "import sys; from leadline.programs.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "rbac", "--operator", "-n", PLACE]
    roles = subprocess.run(command, capture_output=True, text=True, check=True, env=_ENVIRONMENT).stdout
    extension.kubectl("apply", "-f", "-", content=roles)
    extension.kubectl("-n", PLACE, "create", "serviceaccount", ACCOUNT, check=False)
    account = f"--serviceaccount={PLACE}:{ACCOUNT}"
    extension.kubectl(
        "create", "clusterrolebinding", ACCOUNT, f"--clusterrole={ACCOUNT}", account, check=False
    )
    extension.kubectl(
        "-n", PLACE, "create", "rolebinding", ACCOUNT, f"--role={ACCOUNT}", account, check=False
    )


class OperatorProcess:
    """One replica."""

    def __init__(self, extension: Extension, name: str, *more: str) -> None:
        self._extension = extension
        self.log_file = extension.folder / f"operator-{name}.log"
        self.alive_file = extension.folder / f"operator-{name}.alive"
        config = extension.folder / f"operator-{name}.conf"
        config.write_text(extension.kubeconfig({"token": extension.token(ACCOUNT)}))
        command = [
            *(sys.executable, "-m", "leadline.programs.cli.main", "operator"),
            f"--kubeconfig={config}",
            f"--namespace={PLACE}",
            f"--identity={name}",
            f"--alive-file={self.alive_file}",
            *("--lease-duration-s=6", "--lease-renew-s=1"),
            *more,
        ]
        with self.log_file.open("ab") as log:
            self.child = subprocess.Popen(command, stdout=log, stderr=log, env=_ENVIRONMENT)

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def until(self, is_so: Any, seconds: float = 90.0) -> None:
        """Fails with the end of the log where it does not come about, or the process ends."""
        try:
            self._extension.until(lambda: self.child.poll() is not None or is_so(), seconds)
        except Exception as error:
            raise AssertionError(
                f"not so after {seconds} s; the operator wrote:\n{self.log[-3000:]}"
            ) from error
        assert self.child.poll() is None, self.log[-3000:]

    def is_following(self) -> bool:
        return "objects are followed" in self.log

    def end(self, number: signal.Signals = signal.SIGTERM, seconds: float = 20.0) -> int:
        """Its exit code."""
        self.child.send_signal(number)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise


def result(extension: Extension, namespace: str, name: str) -> dict[str, Any] | None:
    """The stored results about an object; ``None`` where there are none."""
    shown = extension.kubectl(
        *("-n", namespace, "get", "workloadconfigurationscans", name, "-o", "json", "--ignore-not-found")
    )
    found: dict[str, Any] | None = json.loads(shown) if shown.strip() else None
    return found


def status_of(extension: Extension, namespace: str, name: str, control: str) -> str:
    """``failed``, ``passed``, with ``w/exceptions`` where it is accepted; empty where nothing is stored."""
    found = result(extension, namespace, name)
    if found is None or control not in found["spec"]["controls"]:
        return ""
    status = found["spec"]["controls"][control]["status"]
    return " ".join(filter(None, (status["status"], status["subStatus"])))


def versions(extension: Extension) -> dict[str, str]:
    """The version of every stored result."""
    path = "/apis/spdx.softwarecomposition.kubescape.io/v1beta1/workloadconfigurationscans"
    items = json.loads(extension.kubectl("get", "--raw", path))["items"]
    return {
        f"{one['metadata']['namespace']}/{one['metadata']['name']}": one["metadata"]["resourceVersion"]
        for one in items
    }
