"""Results that are stored in a file, and shown again."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from leadline.programs.cli import main as program

ROOT = Path(__file__).parents[3]
SHOP = str(ROOT / "examples" / "shop")
IMAGE = str(ROOT / "examples" / "image" / "web.tar")
Run = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.usefixtures("own_image_place")


def posture_numbers(text: str) -> object:
    summary = json.loads(text)["summaryDetails"]
    return (
        summary["controlsSeverityCounters"],
        summary["complianceScore"],
        {id: (control["status"], control["ResourceCounters"]) for id, control in summary["controls"].items()},
    )


def test_a_scan_and_its_stored_results_have_the_same_numbers(run: Run):
    code, scanned, told = run("scan", SHOP, "--store", "r.db", "-f", "json")
    assert code == 0
    assert "results stored as posture-" in told
    code, stored, _ = run("scan", "--from-store", "r.db", "-f", "json")
    assert code == 0
    assert posture_numbers(stored) == posture_numbers(scanned)
    assert run("get", "results", "--store", "r.db", "-f", "json")[1].count("C-0057") == stored.count("C-0057")


def test_gates_hold_for_stored_results(run: Run):
    run("scan", SHOP, "--store", "r.db", "-q")
    assert run("scan", "--from-store", "r.db", "--severity-threshold", "critical")[0] == 1
    assert (
        run("get", "results", "--store", "r.db", "control", "C-0057", "--severity-threshold", "critical")[0]
        == 1
    )
    assert run("scan", "--from-store", "r.db", "--include-namespaces", "nowhere")[0] == 3


def test_an_image_is_shown_as_it_was_scanned(run: Run):
    code, scanned, told = run("scan", "image", IMAGE, "--store", "r.db")
    assert code == 0
    assert "results of 1 image stored as images-" in told
    assert run("get", "image", IMAGE, "--store", "r.db")[:2] == (0, scanned)
    assert run("get", "image", "f3abc534", "--store", "r.db")[:2] == (0, scanned)
    (row,) = json.loads(run("get", "images", "--store", "r.db", "-f", "json")[1])
    match_count = len(
        json.loads(run("get", "image", IMAGE, "--store", "r.db", "-f", "json")[1])["vulnerabilities"]
    )
    assert sum(row["vulnerabilities"].values()) == match_count


def test_recorded_scans_are_listed(run: Run):
    run("scan", SHOP, "--store", "r.db", "-q")
    run("scan", "image", IMAGE, "--store", "r.db", "-q")
    rows = json.loads(run("get", "runs", "--store", "r.db", "-f", "json")[1])
    assert [(row["phase"], row["images"]) for row in rows] == [("Succeeded", 1), ("Succeeded", 0)]
    assert rows[1]["unread"] == 2
    assert "Succeeded" in run("get", "runs", "--store", "r.db")[1]


def test_a_backup_that_was_cut_to_nothing_is_not_put_into_a_cluster(run: Run):
    Path("cut.db").touch()
    code, _, told = run("store", "restore", "cut.db", "--to-cluster")
    assert (code, told) == (3, "leadline: cut.db is empty, and not a store of results\n")
    assert run("store", "backup", "cut.db", "copy.db")[0] == 3
    assert [path.name for path in Path().glob("*.db*")] == ["cut.db"]


def test_a_backup_has_a_folder_to_be_made_in(run: Run):
    run("scan", SHOP, "--store", "r.db", "-q")
    for words in (("r.db", "nowhere/b.db"), ("--from-cluster", "nowhere/b.db")):
        code, _, told = run("store", "backup", *words)
        assert (code, told) == (3, "leadline: the folder nowhere does not exist; make it first\n")


def test_what_is_not_there_is_said_and_not_made(run: Run):
    for words in (
        ("scan", "--from-store", "r.db"),
        ("get", "results", "--store", "r.db"),
        ("get", "runs", "--store", "r.db"),
        ("get", "image", "nginx", "--store", "r.db"),
    ):
        code, out, told = run(*words)
        assert (code, out) == (3, "")
        assert "there is no store r.db" in told
    assert not Path("r.db").exists()
    run("scan", SHOP, "--store", "r.db", "-q")
    assert "no results of nginx are stored" in run("get", "image", "nginx", "--store", "r.db")[2]
    assert run("get", "images", "--store", "r.db")[0] == 3


@pytest.mark.parametrize("more", [["deploy/"], ["--store", "x.db"], ["--watch"]])
def test_stored_results_are_not_scanned(run: Run, more: list[str]):
    code, _, told = run("scan", "--from-store", "r.db", *more)
    assert code == 2
    assert "--from-store shows results of earlier scans" in told


def test_a_file_that_is_no_store_is_left_alone(run: Run):
    Path("r.db").write_text("precious")
    code, _, told = run("scan", SHOP, "--store", "r.db", "-q")
    assert code == 3
    assert "damaged" in told
    assert Path("r.db").read_text() == "precious"


def test_every_command_is_one_of_kubectls_too(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.argv", ["kubectl-leadline", "get", "runs", "--store", "r.db"])
    assert program.main(["get", "runs", "--store", "r.db"]) == 3
    assert "there is no store" in capfd.readouterr().err


def test_a_store_is_backed_up_checked_and_restored(run: Run):
    run("scan", SHOP, "--store", "r.db", "-q")
    shown = run("get", "results", "--store", "r.db")[1]
    assert run("store", "check", "r.db")[0] == 0
    assert run("store", "backup", "r.db", "copy.db")[0] == 0
    assert run("store", "backup", "r.db", "copy.db")[0] == 3
    assert "r.db exists" in run("store", "restore", "copy.db", "r.db")[2]
    Path("r.db").unlink()
    assert run("store", "restore", "copy.db", "r.db")[0] == 0
    assert run("get", "results", "--store", "r.db")[1] == shown
    assert "there is no file x.db" in run("store", "check", "x.db")[2]
    assert not Path("x.db").exists()


def test_damage_is_found_and_said(run: Run):
    run("scan", SHOP, "--store", "r.db", "-q")
    content = bytearray(Path("r.db").read_bytes())
    for at in range(len(content) // 3, len(content), 977):
        content[at] ^= 0xFF
    Path("r.db").write_bytes(content)
    code, out, told = run("store", "check", "r.db")
    assert code == 3
    assert out
    assert "is damaged" in told
