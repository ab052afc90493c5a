"""What people type who come from another scanner: one line with the right command, never a silent pass."""

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import leadline.posture
from leadline.errors import UsageError
from leadline.posture.catalogue import load_controls
from leadline.programs.cli.lazy_group import COMMANDS, SERVERS
from leadline.programs.cli.options.habits import ELSEWHERE, command_of
from leadline.scans.posture.other_ids import chosen_controls, other_check, skipped_controls

Run = Callable[..., tuple[int, str, str]]
POD = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: a, securityContext: {privileged: true}}]}}"
TABLES = sorted((Path(leadline.posture.__path__[0]) / "other_scanners").glob("*.toml"))


@pytest.fixture(autouse=True)
def _alone(own_image_place: None) -> None:
    Path("deploy").mkdir()
    Path("deploy/a.yaml").write_text(POD)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("config .", "leadline config judges nothing: .; use leadline scan ., or leadline config show . for settings"),
        ("config deploy --severity HIGH", "leadline config judges nothing: deploy; use leadline scan deploy --severity HIGH, or"),
        ("lint deploy", "unknown command lint; use leadline scan deploy"),
        ("k8s --report summary", "unknown command k8s; use leadline scan, which scans the cluster of the current context"),
        ("fs --scanners vuln deploy", "unknown command fs; use leadline scan --scanners vuln deploy\n"),
        ("lint --strict", "unknown command lint; use leadline scan PATH\n"),
        ("fs .", "unknown command fs; use leadline scan ."),
        ("image nginx:1.27", "unknown command image nginx:1.27; use leadline scan image nginx:1.27; of leadline image"),
        ("kubernetes", "unknown command kubernetes; use leadline scan, which scans the cluster"),
        ("repo https://git.example/shop", "unknown command repo; use leadline scan https://git.example/shop, "),
        ("scann deploy", "unknown command scann; did you mean scan?"),
        ("deploy", "unknown command deploy; to scan it: leadline scan deploy"),
        ("-d deploy", "-d belongs to a command; leadline scan PATH"),
        ("wxyz", "unknown command wxyz; leadline --help shows the commands"),
    ],
)  # fmt: skip
def test_the_right_command_is_named_on_one_line(line: str, message: str, run: Run) -> None:
    code, out, err = run(*line.split())
    assert (code, out) == (2, "")
    assert err.startswith(f"leadline: {message}")
    assert err.count("\n") == 1


def test_no_command_of_ours_is_answered_as_that_of_another_tool() -> None:
    ours = {*COMMANDS, *SERVERS} - {"config"}
    assert not [name for name in ours if command_of([name])]


@pytest.mark.parametrize("foreign", sorted(ELSEWHERE))
def test_every_answer_begins_with_a_command_of_ours_and_says_what_it_does_apart(foreign: str) -> None:
    command, _, what = command_of([foreign]).partition(", which ")
    assert re.match(r"use leadline (\S+)", command)[1] in {*COMMANDS, *SERVERS}
    assert not re.search(r" (?:scans|fetches|edits|judges|serves) ", command)
    assert what == what.strip()


def test_a_folder_that_is_almost_there_is_named(run: Run) -> None:
    code, _, err = run("scan", "deplou")
    assert (code, err) == (3, "leadline: no such file: deplou; did you mean deploy?\n")


@pytest.mark.parametrize(
    "words", [("help",), ("help", "scan"), ("help", "waiver", "list"), ("help", "operator")]
)
def test_help_is_a_command(words: tuple[str, ...], run: Run) -> None:
    code, out, _ = run(*words)
    assert code == 0
    assert f"Usage: leadline {' '.join(words[1:])}".rstrip() in out.replace("\n", " ")


def test_flags_that_turn_off_what_is_not_done_are_taken(run: Run) -> None:
    assert run("scan", "deploy", "--submit=false", "--allow-empty")[0] == 0


@pytest.mark.parametrize("table", TABLES, ids=lambda one: one.stem)
def test_every_id_of_others_leads_to_controls_or_to_a_reason(table: Path) -> None:
    known = load_controls()
    written = tomllib.loads(table.read_text("utf-8"))
    for id in {**written["same"], **written.get("wider", {}), **written.get("none", {})}:
        check = other_check(id)
        assert check is not None
        assert check.scanner == written["scanner"] or list(check.same) == written["same"][id]
        if check.why_none:
            with pytest.raises(UsageError, match="no control asks what"):
                chosen_controls([id], known)
            continue
        chosen = {control.id for control in chosen_controls([id], known)}
        assert chosen == {*check.same, *check.wider}
        if check.same:
            assert {control.id for control in skipped_controls([id.upper()], known)} == set(check.same)
        else:
            with pytest.raises(UsageError, match="is only a part of"):
                skipped_controls([id], known)


@pytest.mark.parametrize("id", ["DS002", "AVD-DS-0002", "CKV_DOCKER_8", "DS-0031", "CKV_DOCKER_7"])
def test_rules_for_dockerfiles_are_asked_for_by_the_ids_of_others(id: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian\nENV PGPASSWORD=kJ3f9Qz7Lw2p\nUSER root\n")
    wanted = {"DS-0031": "L-0107", "CKV_DOCKER_7": "L-0108"}.get(id, "L-0106")
    code, out, err = run("scan", "-c", id, str(tmp_path / "Dockerfile"), "-f", "json")
    assert code == 0, err
    assert list(json.loads(out)["summaryDetails"]["controls"]) == [wanted]
    assert run("explain", id)[1].splitlines()[0].endswith(f": {wanted}")


@pytest.mark.parametrize(
    "id",
    [
        "KSV017",
        "ksv-0017",
        "AVD-KSV-0017",
        "CKV_K8S_16",
        "privileged-container",
        "runAsPrivileged",
        "Privileged Containers",
    ],
)
def test_a_scan_and_a_page_are_asked_for_by_the_ids_of_others(id: str, run: Run) -> None:
    code, out, _ = run("scan", "-c", id, "deploy")
    assert (code, "C-0057" in out) == (0, True)
    assert "C-0057" not in run("scan", "deploy", "--skip-check", id)[1]
    code, out, _ = run("explain", id)
    assert (code, out.splitlines()[0].endswith(": C-0057")) == (0, True)
