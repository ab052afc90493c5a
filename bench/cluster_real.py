"""A scan of 5,000 objects on a real API server, as a whole process: seconds and peak memory for each of three formats.

    python -m compileall -q src && python bench/cluster_real.py

For comparison, on two cores Kubescape 4.0.10 took 187 s and 1.05 GB for 5,089 objects on such a server.
"""

import http.client
import json
import os
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests"), str(ROOT / "tests" / "cluster"), str(ROOT / "bench")]

from cluster_scale import SHARES, objects, rows  # noqa: E402
from control_plane import ControlPlane  # noqa: E402

TOTAL = 5000
CONNECTIONS = 4
_MADE_BY_SERVER = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "ownerReferences")


def bodies() -> list[tuple[str, dict[str, Any]]]:
    """(path to create at, object); the namespaces first."""
    found: list[tuple[str, dict[str, Any]]] = []
    for key, share in sorted(SHARES.items(), key=lambda item: not item[0].startswith("Namespace")):
        kind, _, api_version = key.partition(".")
        row = rows()[kind]
        for body in objects(kind, max(1, TOTAL * share // 1000), TOTAL):
            metadata = {k: v for k, v in body["metadata"].items() if k not in _MADE_BY_SERVER}
            metadata["name"] = (
                f"ll-{metadata['name']}"
                if kind in ("Node", "ClusterRole", "ClusterRoleBinding")
                else metadata["name"]
            )
            if kind == "Namespace":
                metadata["name"] = metadata["name"].replace("namespace-", "team-")
            within = f"/namespaces/{metadata['namespace']}" if row.namespaced else ""
            content = {"apiVersion": api_version, "kind": kind, **body, "metadata": metadata}
            content.pop("status", None)
            found.append((f"{row.path}{within}/{row.plural}", _valid(content)))
    return found


def _valid(body: dict[str, Any]) -> dict[str, Any]:
    """What the stand-in server does not check: labels of templates, cluster addresses, restart policies, accounts."""
    spec = body.get("spec", {})
    spec.pop("clusterIP", None)
    if body["kind"] in ("Job", "CronJob"):
        job = spec if body["kind"] == "Job" else spec["jobTemplate"]["spec"]
        job["template"]["spec"]["restartPolicy"] = "Never"
    if body["kind"] == "StatefulSet":
        spec["serviceName"] = "any"
    if body["kind"] == "Pod":
        spec["serviceAccountName"] = "default"
    if body["kind"] == "Ingress":
        spec["rules"][0]["http"]["paths"][0]["pathType"] = "Prefix"
    return body


def create(plane: ControlPlane) -> int:
    plane.admin()
    tls = ssl.create_default_context(cafile=plane.authority_file)
    tls.load_cert_chain(plane.folder / "user-admin.crt", plane.folder / "user-admin.key")

    def post(part: list[tuple[str, dict[str, Any]]]) -> int:
        connection = http.client.HTTPSConnection("127.0.0.1", plane.port, context=tls, timeout=60)
        made = 0
        for path, body in part:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
            made += answer.status == 201
            if answer.status != 201 and made == 0:
                print(content.decode()[:300], file=sys.stderr)
        connection.close()
        return made

    everything = bodies()
    spaces = [item for item in everything if item[0].endswith("/namespaces")]
    made = post(spaces)
    made += post(
        [
            (f"/api/v1/namespaces/{b['metadata']['name']}/serviceaccounts", {"metadata": {"name": "default"}})
            for _, b in spaces
        ]
    )
    rest = everything[len(spaces) :]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return made + sum(pool.map(post, [rest[i::CONNECTIONS] for i in range(CONNECTIONS)]))


def scan(kubeconfig: str, form: str) -> None:
    command = [
        sys.executable,
        "-m",
        "leadline.programs.cli.main",
        "scan",
        "--kubeconfig",
        kubeconfig,
        "--format",
        form,
    ]
    started = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, text=True
    ) as child:
        assert child.stdout is not None
        size = sum(map(len, iter(lambda: child.stdout.read(1 << 20), "")))
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    print(
        f"{form:6} {seconds:.1f} s, CPU {usage.ru_utime + usage.ru_stime:.1f} s, {usage.ru_maxrss // 1024} MiB, "
        f"{size:,} characters, exit code {child.returncode}",
        flush=True,
    )


def main() -> None:
    plane = ControlPlane()
    try:
        plane.start()
        # In a process of its own: a child's peak counts what its parent held when it was started.
        maker = get_context("fork").Process(
            target=lambda: print(f"{create(plane):,} objects made", flush=True)
        )
        maker.start()
        maker.join()
        kubeconfig = plane.admin()
        for _ in range(2):
            for form in ("lines", "pretty", "json"):
                scan(kubeconfig, form)
    finally:
        plane.stop()


if __name__ == "__main__":
    main()
