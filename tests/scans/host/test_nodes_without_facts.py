"""Facts of long ago, and nodes without any, never look like nodes that are right."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import open_posture_scan
from leadline.sources.cluster.trim import SharedParts, trim

HOST = "hostdata.kubescape.cloud/v1beta1"


def facts(node: str, at: str) -> dict[str, object]:
    status = {"status": {"lastSensed": at}} if at else {}
    return {"apiVersion": HOST, "kind": "KubeletInfo", "metadata": {"name": node}, "spec": {}, **status}


def unread(folder: Path, *objects: dict[str, object]) -> list[str]:
    nodes = [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}} for name in ("n1", "n2")]
    (folder / "all.yaml").write_text(yaml.safe_dump_all([*nodes, *objects]))
    with open_posture_scan((str(folder),), PostureOptions()) as scan:
        return [f"{one.where}: {one.why}" for one in scan.report.unread]


def days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (days_ago(30), "30 days ago, and not since"),
        (days_ago(-30), "dated in the future"),
        ("soon", "when they were read is not known"),
    ],
    # A time in a name differs from process to process.
    ids=("old", "future", "unreadable"),
)
def test_facts_of_another_time_are_not_read(tmp_path: Path, at: str, said: str):
    old, missing = unread(tmp_path, facts("n1", at))
    assert old.startswith("facts of the node n1: ")
    assert said in old
    assert missing == "facts of nodes: 1 of 2 nodes without facts: n2"


def test_facts_of_yesterday_of_every_node_are_read(tmp_path: Path):
    assert unread(tmp_path, facts("n1", days_ago(1)), facts("n2", days_ago(2))) == []


def test_facts_that_a_person_read_of_one_node_are_what_he_asked_for(tmp_path: Path):
    assert unread(tmp_path, facts("n1", "")) == []


def test_a_cluster_is_read_with_when_facts_were():
    body = facts("n1", "2026-01-01T00:00:00Z")
    trim(body, SharedParts())
    assert body["status"] == {"lastSensed": "2026-01-01T00:00:00Z"}
