"""``leadline risk`` and the views of a scan."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from leadline.programs.cli.main import main

SHOP = str(Path(__file__).parents[3] / "examples" / "shop")


@pytest.fixture(autouse=True)
def a_hundred_columns(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "100")


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    return (code, *capfd.readouterr())


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_no_line_of_the_ranks_is_wider_than_the_terminal(capfd, monkeypatch, width: int):
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, err = run(capfd, "risk", SHOP)
    assert (code, err) == (0, "7 of 7 workloads; 2 not read\n")
    assert max(map(len, out.splitlines())) <= width
    assert "→ privileged container" in out
    assert "legacy/svc.yaml:18" in out


def test_the_ranks_are_data_and_a_picture_as_well(capfd):
    _, out, _ = run(capfd, "risk", SHOP, "--format", "json", "--top", "2")
    rows = json.loads(out)
    assert (len(rows["workloads"]), rows["ranked"], len(rows["notRead"])) == (2, 7, 2)
    assert rows["workloads"][0]["title"] == "shop-ops/DaemonSet/agent"
    _, out, _ = run(capfd, "risk", SHOP, "--format", "svg")
    assert ElementTree.fromstring(out).tag.endswith("svg")


def test_what_cannot_be_judged_has_no_rank(capfd, tmp_path: Path):
    (tmp_path / "a.txt").write_text("nothing")
    code, out, err = run(capfd, "risk", str(tmp_path))
    assert (code, out) == (3, "")
    assert err.startswith("leadline: nothing to judge in ")


@pytest.mark.parametrize("view", ["object", "namespace", "fix"])
@pytest.mark.parametrize("width", [60, 100])
def test_findings_are_counted_by_what_is_asked(capfd, monkeypatch, view: str, width: int):
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, _ = run(capfd, "scan", SHOP, "-f", "pretty", "--by", view)
    assert code == 0
    assert view.upper() in out
    assert [line for line in out.splitlines() if len(line) > width and " " in line.strip()[33:]] == []


def test_fix_first_names_five_objects_and_a_command_that_works(capfd):
    _, out, _ = run(capfd, "scan", SHOP, "-f", "pretty")
    lines = out.splitlines()
    at = lines.index("fix first")
    assert lines[at + 1].startswith("  1  shop-ops/DaemonSet/agent")
    command = next(line.split() for line in lines[at:] if line.startswith("     leadline scan workload"))
    assert run(capfd, *command[1:])[0] == 0


def test_an_unknown_view_is_refused(capfd):
    code, _, err = run(capfd, "scan", SHOP, "--by", "colour")
    assert code == 2
    assert len(err.splitlines()) == 1


def test_vulnerabilities_of_images_count_and_images_that_are_not_known_are_named(capfd, tmp_path: Path):
    plain = json.loads(run(capfd, "risk", SHOP, "-f", "json")[1])["workloads"]
    last = plain[-1]
    resource = last["resource"]
    image = {
        "image": {"name": "x"},
        "names": ["x"],
        "usedBy": [{"id": resource}],
        "database": {"built": "2027-01-01"},
        "vulnerabilities": [
            {"id": "CVE-1", "severity": "critical", "fixedIn": ["2"], "exploited": {"since": "2027-01-01"}}
        ],
    }
    report = tmp_path / "images.json"
    report.write_text(json.dumps({"version": 1, "tool": {}, "images": [image]}))
    _, out, err = run(capfd, "risk", SHOP, "--images", str(report), "-f", "json")
    found = json.loads(out)
    (row,) = (one for one in found["workloads"] if one["resource"] == resource)
    assert row["score"] > last["score"]
    assert "1 exploited vulnerability (1 fixed in newer versions)" in row["sentence"]
    assert found["imagesNotKnown"]
    assert f"{len(found['imagesNotKnown'])} images of them not known" in err
    _, out, _ = run(capfd, "risk", SHOP, "--images", str(report))
    assert "images not known: " in out
    assert max(map(len, out.splitlines())) <= 100


def test_a_file_that_is_no_report_about_images_gets_a_line(capfd):
    code, _, err = run(capfd, "risk", SHOP, "--images", f"{SHOP}/web.yaml")
    assert code == 3
    assert "is not a JSON report about images" in err


def test_ranks_that_a_scan_stored_are_those_of_the_command(capfd, tmp_path: Path):
    store = str(tmp_path / "results.db")
    assert run(capfd, "scan", SHOP, "--store", store, "-f", "lines")[0] == 0
    live = json.loads(run(capfd, "risk", SHOP, "-f", "json")[1])
    code, out, err = run(capfd, "risk", "--from-store", store, "-f", "json")
    stored = json.loads(out)
    assert code == 0
    assert stored["workloads"] == live["workloads"]
    assert stored["ranked"] == live["ranked"]
    # No scan of a whole cluster is stored, and that is said.
    assert len(stored["notRead"]) == len(live["notRead"]) + 1
    assert "7 of 7 workloads; 3 not read" in err
    text = run(capfd, "risk", SHOP)[1].partition("not read")[0]
    assert run(capfd, "risk", "--from-store", store)[1].partition("not read")[0] == text
    svg = run(capfd, "risk", "--from-store", store, "-f", "svg")[1]
    assert svg == run(capfd, "risk", SHOP, "-f", "svg")[1]
    none = json.loads(run(capfd, "risk", "--from-store", store, "-f", "json", "-n", "nowhere")[1])
    assert none["workloads"] == []


def test_fix_first_of_a_store_is_that_of_the_scan(capfd, tmp_path: Path):
    store = str(tmp_path / "results.db")
    live = run(capfd, "scan", SHOP, "--store", store, "-f", "pretty")[1].splitlines()
    stored = run(capfd, "scan", "--from-store", store, "-f", "pretty")[1].splitlines()
    at, there = live.index("fix first"), stored.index("fix first")
    assert [line.strip() for line in stored[there : there + 6]] == [
        line.strip() for line in live[at : at + 6]
    ]


def test_a_store_without_ranks_says_what_to_do(capfd, tmp_path: Path):
    store = str(tmp_path / "results.db")
    assert run(capfd, "scan", "framework", "nsa", SHOP, "--store", store, "-f", "lines")[0] == 0
    code, out, err = run(capfd, "risk", "--from-store", store)
    assert (code, out) == (3, "")
    assert "the stored results have no ranks of workloads" in err
    code, _, err = run(capfd, "risk", SHOP, "--from-store", store)
    assert (code, len(err.splitlines())) == (2, 1)
    assert run(capfd, "risk", "--from-store", str(tmp_path / "no.db"))[0] == 3
