"""The store of a cluster in a file, and that file in the store of another cluster."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from asgi import summary
from extension import ROOT, Extension
from lone_server import LoneServer

from leadline.api.carriers.local_reading import LocalReader
from leadline.api.catalogue import KINDS
from leadline.api.protocol import Paging
from leadline.api.selection import Selection

pytestmark = pytest.mark.cluster
SUMMARIES = "workloadconfigurationscansummaries"
HISTORY = {
    "apiVersion": "leadline.dev/v1alpha1",
    "kind": "FindingHistory",
    "metadata": {"name": "deployment-backed-up", "namespace": "default"},
    "spec": {
        "object": {"kind": "Deployment", "name": "backed-up", "namespace": "default"},
        "findings": {
            "C-0057": {"severity": "high", "changes": [{"at": "2026-01-02T03:04:05Z", "state": "failed"}]}
        },
    },
}


def leadline(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "leadline.programs.cli.main", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=ROOT / "src")


def kubeconfig_of(server: LoneServer) -> str:
    cluster = {
        "server": f"https://{server.host}:{server.port}",
        "certificate-authority": str(server.authority.file),
    }
    whole = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "other",
        "clusters": [{"name": "other", "cluster": cluster}],
        "users": [{"name": "writer", "user": {"token": "writer"}}],
        "contexts": [{"name": "other", "context": {"cluster": "other", "user": "writer"}}],
    }
    path = server.folder / "kubeconfig"
    path.write_text(yaml.safe_dump(whole))
    return str(path)


def test_what_one_cluster_stored_is_found_in_another(extension: Extension, tmp_path: Path):
    gone = extension.namespace("only-here")
    for namespace in ("default", gone):
        extension.kubectl("-n", namespace, "create", "-f", "-", content=json.dumps(summary("backed-up", 7)))
    extension.kubectl("create", "-f", "-", content=json.dumps(HISTORY))
    backup = str(tmp_path / "backup.db")
    run = leadline("store", "backup", "--from-cluster", backup, "--kubeconfig", extension.admin())
    assert run.returncode == 0, run.stderr
    assert "backed up in" in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["backup.db"]
    assert leadline("store", "check", backup).returncode == 0
    again = leadline("store", "backup", "--from-cluster", backup, "--kubeconfig", extension.admin())
    assert again.returncode == 3
    assert "exists" in again.stderr
    life = leadline(
        "history", "default/Deployment/backed-up", "--since", "2026-01-01", "--from-store", backup
    )
    assert "2026-01-02" in life.stdout
    with LoneServer() as other:
        back = leadline("store", "restore", backup, "--to-cluster", "--kubeconfig", kubeconfig_of(other))
        # It has no such namespace, which is said; all else is there.
        assert back.returncode == 3
        assert "not copied" in back.stderr
        kept = str(tmp_path / "kept.db")
        run = leadline("store", "backup", "--from-cluster", kept, "--kubeconfig", kubeconfig_of(other))
        assert run.returncode == 0, run.stderr
    # The cluster is shared: others may have stored something meanwhile.
    before, after = stored(backup), stored(kept)
    for key in (
        "workloadconfigurationscansummaries default/backed-up",
        "findinghistories default/deployment-backed-up",
    ):
        assert after[key] == before[key]
    assert f"workloadconfigurationscansummaries {gone}/backed-up" in before.keys() - after.keys()
    for plural, name in (("findinghistories", "deployment-backed-up"), (SUMMARIES, "backed-up")):
        extension.kubectl("-n", "default", "delete", plural, name)


def stored(file: str) -> dict[str, Any]:
    """Bodies by kind and place."""

    async def read() -> dict[str, Any]:
        store = LocalReader(Path(file))
        found = {}
        try:
            for kind in KINDS:
                token, is_first = "", True
                while token or is_first:
                    page = await store.list(Selection(kind.plural), Paging(token))
                    token, is_first = page.token, False
                    found |= {str(one.key): json.loads(one.content.body) for one in page.entries}
        finally:
            await store.close()
        return found

    return asyncio.run(read())
