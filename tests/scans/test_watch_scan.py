"""A scan that goes on, of files and of a cluster."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from leadline.errors import UsageError
from leadline.model.report import PostureReport
from leadline.scans.options import PostureOptions
from leadline.scans.posture.watch_scan import ScanChange, watch_scan
from list_server import Row
from watch_server import WatchServer, event

POD = """apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: shop}}
spec:
  containers:
  - {{name: c, image: "web:1", securityContext: {{privileged: {privileged}}}}}
"""
PRIVILEGED = PostureOptions(controls=("C-0057",))


def write(folder: Path, name: str, privileged: str = "true", file: str = "") -> None:
    (folder / (file or f"{name}.yaml")).write_text(POD.format(name=name, privileged=privileged))


class Edits:
    """Does one edit for each wait in which nothing else is waited for, instead of waiting."""

    def __init__(self, *edits) -> None:
        self.edits = list(edits)

    def __call__(self, seconds: float) -> None:
        if self.edits:
            self.edits.pop(0)()


def brief(report: PostureReport) -> list[str]:
    return [f"{one.control} {report.resource(one.resource).title}" for one in report.findings]


def told(change: ScanChange) -> tuple[list[str], list[str]]:
    return brief(change.went), brief(change.appeared)


def nothing() -> None:
    pass


def test_what_appears_and_what_goes_in_a_folder_is_told(tmp_path):
    write(tmp_path, "a")
    write(tmp_path, "b", "false")
    edits = Edits(
        lambda: write(tmp_path, "c"),
        nothing,
        lambda: write(tmp_path, "a", "false"),
        lambda: write(tmp_path, "b"),
        nothing,
        (tmp_path / "c.yaml").unlink,
        nothing,
    )
    with watch_scan([str(tmp_path)], PRIVILEGED, edits) as (watched, changes):
        assert brief(watched.scan.report) == ["C-0057 shop/Pod/a"]
        assert told(next(changes)) == ([], ["C-0057 shop/Pod/c"])
        both = told(next(changes))
        assert both == (["C-0057 shop/Pod/a"], ["C-0057 shop/Pod/b"]), "two edits at once are one change"
        assert told(next(changes)) == (["C-0057 shop/Pod/c"], [])
        assert brief(watched.scan.report) == ["C-0057 shop/Pod/b"]
        assert watched.scan.report.objects == 2


def test_a_change_without_a_consequence_is_passed_over(tmp_path):
    write(tmp_path, "a")
    edits = Edits(
        lambda: (tmp_path / "a.yaml").write_text("# a comment\n" + POD.format(name="a", privileged="true")),
        nothing,
        lambda: write(tmp_path, "b"),
        nothing,
    )
    with watch_scan([str(tmp_path)], PRIVILEGED, edits) as (_, changes):
        assert told(next(changes)) == ([], ["C-0057 shop/Pod/b"])


def test_what_can_no_longer_be_read_is_told(tmp_path):
    write(tmp_path, "a")
    write(tmp_path, "b")
    edits = Edits(lambda: (tmp_path / "b.yaml").write_text("kind: [\n"), nothing)
    with watch_scan([str(tmp_path)], PRIVILEGED, edits) as (_, changes):
        change = next(changes)
    assert told(change) == (["C-0057 shop/Pod/b"], [])
    assert [Path(one.where).name for one in change.unread] == ["b.yaml"]


def test_what_can_be_read_again_is_told_though_it_changes_no_finding(tmp_path):
    write(tmp_path, "a")
    (tmp_path / "b.yaml").write_text("kind: [\n")
    (tmp_path / "c.yaml").write_text("kind: [\n")
    edits = Edits(lambda: write(tmp_path, "b", "false"), nothing)
    with watch_scan([str(tmp_path)], PRIVILEGED, edits) as (watched, changes):
        change = next(changes)
        assert [Path(one.where).name for one in watched.scan.report.unread] == ["c.yaml"]
    assert told(change) == ([], [])
    assert change.unread == ()
    assert [Path(where).name for where in change.no_longer_unread] == ["b.yaml"]


def test_a_folder_that_comes_back_is_no_longer_unread(tmp_path):
    folder, aside = tmp_path / "here", tmp_path / "aside"
    folder.mkdir()
    write(folder, "a")
    edits = Edits(lambda: folder.rename(aside), nothing, lambda: aside.rename(folder), nothing)
    with watch_scan([str(folder)], PRIVILEGED, edits) as (_, changes):
        assert [one.where for one in next(changes).unread] == [str(folder)]
        assert next(changes).no_longer_unread == (str(folder),)


def test_only_the_chosen_namespaces_are_told_of(tmp_path):
    write(tmp_path, "a")
    other = POD.format(name="x", privileged="true").replace("shop", "other")
    edits = Edits(
        lambda: (tmp_path / "x.yaml").write_text(other), nothing, lambda: write(tmp_path, "b"), nothing
    )
    options = PostureOptions(controls=("C-0057",), include_namespaces=("shop",))
    with watch_scan([str(tmp_path)], options, edits) as (_, changes):
        assert told(next(changes)) == ([], ["C-0057 shop/Pod/b"])


@pytest.mark.parametrize("targets", [["-"], ["https://example.org/a.git"], ["git@example.org:a"]])
def test_what_cannot_be_watched_is_refused(targets):
    with pytest.raises(UsageError, match="only files, folders and clusters"), watch_scan(targets, PRIVILEGED):
        pass


def test_a_cluster_tells_its_changes_itself(tmp_path):
    def pod(name: str, is_privileged: bool, version: str) -> dict:
        metadata = {"name": name, "namespace": "shop", "uid": name, "resourceVersion": version}
        container = {"name": "c", "image": "web:1", "securityContext": {"privileged": is_privileged}}
        return {"metadata": metadata, "spec": {"containers": [container]}}

    with WatchServer((Row("", "v1", "Pod", "pods"),)) as server:
        server.add(Row("", "v1", "Pod", "pods"), pod("a", True, "1"))
        server.watches["pods"] = [
            (event("MODIFIED", pod("a", False, "2")), event("ADDED", pod("b", True, "3")))
        ]
        entries = {
            "current-context": "test",
            "clusters": [{"name": "c", "cluster": {"server": server.url}}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
        }
        (tmp_path / "kubeconfig").write_text(json.dumps(entries))
        options = PostureOptions(controls=("C-0057",), kubeconfig=str(tmp_path / "kubeconfig"))
        with watch_scan([], options) as (watched, changes):
            assert brief(watched.scan.report) == ["C-0057 shop/Pod/a"]
            went: list[str] = []
            came: list[str] = []
            for change in changes:
                went += brief(change.went)
                came += brief(change.appeared)
                if came:
                    break
            assert (went, came) == (["C-0057 shop/Pod/a"], ["C-0057 shop/Pod/b"])
            assert brief(watched.scan.report) == ["C-0057 shop/Pod/b"]


@pytest.mark.parametrize(("privileged", "code"), [("true", 1), ("false", 0)])
def test_the_command_ends_with_the_exit_code_of_the_last_verdict(tmp_path, privileged, code):
    """Begins with the other verdict, changes the file once the report is there, and ends it once that is told."""
    write(tmp_path, "a", "false" if privileged == "true" else "true", file="pod.yaml")
    words = ["scan", "control", "C-0057", str(tmp_path), "--watch", "--severity-threshold", "high"]
    command = [sys.executable, "-m", "leadline.programs.cli.main", *words]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = process.stderr.readline()
        assert ("failed" in said) == (privileged == "false"), "the first verdict"
        write(tmp_path, "a", privileged, file="pod.yaml")
        sign = "+ " if privileged == "true" else "- "
        line = next(line for line in process.stdout if line.startswith(("+ ", "- ")))
        assert line.startswith(sign)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == code


def test_a_watch_that_has_nothing_to_judge_in_the_end_has_not_passed(tmp_path):
    write(tmp_path, "a", file="pod.yaml")
    words = ["scan", "control", "C-0057", str(tmp_path), "--watch", "--severity-threshold", "high"]
    command = [sys.executable, "-m", "leadline.programs.cli.main", *words]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "failed" in process.stderr.readline()
        (tmp_path / "pod.yaml").unlink()
        assert next(line for line in process.stdout if line.startswith(("+ ", "- "))).startswith("- ")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 3
        assert process.stderr.read().startswith("leadline: nothing to judge in ")


def test_a_folder_without_objects_does_not_look_like_a_pass(tmp_path):
    command = [sys.executable, "-m", "leadline.programs.cli.main", "scan", str(tmp_path), "--watch"]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        write(tmp_path, "a")
        second = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert "no findings" not in first + process.stderr.read()
    assert first.startswith("nothing to judge in ")
    assert first.endswith("; waiting for changes\n")
    assert second.startswith("+ ")
