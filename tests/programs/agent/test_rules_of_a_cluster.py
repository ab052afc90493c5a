"""Rules and acceptances that are objects of a cluster, in an agent on the kernel: a rule fires, one is accepted, one is broken."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from kernel_access import needs_kernel

if shutil.which("runc") is None or not Path("/bin/busybox").exists():
    pytest.skip("runc and busybox are not installed", allow_module_level=True)

PROGRAM = "/bin/true; /bin/ls /"
TIMEOUT_S = 120.0


def rule(id: str, expression: str) -> dict[str, Any]:
    """Of a link, as the tools of busybox are, ``exepath`` is the file that it leads to."""
    expressions = {
        "message": "event.args[0] + ' ran'",
        "ruleExpression": [{"eventType": "exec", "expression": expression}],
    }
    return {"id": id, "name": id, "severity": 7, "expressions": expressions}


RULES = [
    rule("SHOP-1", "event.exepath == '/bin/busybox' && event.args[0].endsWith('/true')"),
    rule("SHOP-2", "("),
    rule("SHOP-3", "event.args.join(' ').matches('^/bin/ls /$')"),
]
ANSWERS = {
    "/apis/kubescape.io/v1/rules": [
        {"metadata": {"namespace": "shop", "name": "ours"}, "spec": {"rules": RULES}}
    ],
    "/apis/kubescape.io/v1beta1/clustersecurityexceptions": [
        {
            "metadata": {"name": "lists"},
            "spec": {
                "reason": "it lists its files",
                "posture": [{"controlID": "SHOP-3", "action": "ignore"}],
            },
        }
    ],
}


class Cluster(BaseHTTPRequestHandler):
    """As much of an API server as the agent asks: lists of objects, and a watch of pods on which nothing happens."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.send_response(200)
        self.end_headers()
        if path == "/api/v1/pods":
            self.wfile.flush()
            self.server.ended.wait()  # type: ignore[attr-defined]
        else:
            self.wfile.write(json.dumps({"items": ANSWERS.get(path, [])}).encode())

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Path]:
    """The kubeconfig."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Cluster)
    server.ended = threading.Event()  # type: ignore[attr-defined]
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = tmp_path / "kubeconfig"
    config.write_text(
        f"clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{server.server_port}'}}}}]\n"
        "contexts: [{name: c, context: {cluster: c}}]\ncurrent-context: c\n"
    )
    yield config
    server.ended.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    for name in ("bin", "proc", "dev", "sys"):
        (folder / "rootfs" / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", folder / "rootfs/bin/busybox")
    for name in ("sh", "ls", "true"):
        (folder / "rootfs/bin" / name).symlink_to("busybox")
    subprocess.run(["runc", "spec"], cwd=folder, check=True)
    config = json.loads((folder / "config.json").read_text())
    config["process"] |= {"terminal": False, "args": ["/bin/sh", "-c", PROGRAM]}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def until(lines: Path, *texts: str) -> str:
    end_s = time.monotonic() + TIMEOUT_S
    while True:
        found = lines.read_text()
        if all(text in found for text in texts):
            return found
        assert time.monotonic() < end_s, found[-2_000:]
        time.sleep(0.05)


@pytest.mark.kernel
@needs_kernel
def test_a_rule_of_an_object_fires_one_is_accepted_and_a_broken_one_is_named(
    cluster: Path, bundle: Path, tmp_path: Path
) -> None:
    pytest.importorskip("cel_expr_python")
    out, log = tmp_path / "out", tmp_path / "log"
    command = [sys.executable, "-m", "leadline.programs.cli.main", "agent", "--cri", "none", "--node", "n1"]
    environment = {**os.environ, "KUBECONFIG": str(cluster)}
    with out.open("w") as stdout, log.open("w") as stderr:
        agent = subprocess.Popen(command, stdout=stdout, stderr=stderr, env=environment)
    try:
        name = f"rules-{os.getpid()}"
        # The broken one is named, and takes no other with it.
        until(log, "watching", "Rules shop/ours: rule SHOP-2: invalid CEL: line 1, column 2")
        subprocess.run(["runc", "run", name], cwd=bundle, check=True, capture_output=True, timeout=60)
        until(out, '"SHOP-1"', '"SHOP-3"')
    finally:
        agent.terminate()
        assert agent.wait(timeout=60) == 0
    alerts = [json.loads(line) for line in out.read_text().splitlines()]
    mine = {one["rule"]: one for one in alerts if one["container"]["id"] == name}
    assert (mine["SHOP-1"]["severity"], mine["SHOP-1"]["message"]) == ("high", "/bin/true ran")
    assert "accepted" not in mine["SHOP-1"]
    assert mine["SHOP-3"]["accepted"]["reason"] == "it lists its files"
