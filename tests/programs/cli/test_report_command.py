"""``leadline report``: several sources in one report, in every format, compared with the last one."""

import csv
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import leadline
from leadline.outputs.documents.joint_report import TrendPoint, decoded_joint_report
from leadline.outputs.text.joint_report_text import trend_picture
from leadline.programs.cli.main import main

SHOP = Path(__file__).parents[3] / "examples" / "shop"
WAIVERS = """waivers:
- {name: known, reason: looked at, owner: ops, expires: 2199-01-31, match: {controls: [C-0012]}}
- {name: past, reason: for a while, expires: 2020-01-31, match: {controls: [C-0057]}}
"""
POD = (
    "apiVersion: v1\nkind: Pod\nmetadata: {name: NAME, namespace: a}\n"
    "spec: {containers: [{name: c, image: x:1, securityContext: {privileged: true}}]}\n"
)


def pod(name: str) -> str:
    return POD.replace("NAME", json.dumps(name))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(SHOP, tmp_path / "shop")
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "pod.yaml").write_text(pod("one"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["report", *words, "-q"])
    return (code, *capfd.readouterr())


def as_json(capfd: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    code, out, err = run(capfd, *words, "-f", "json")
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    return found


def test_each_source_has_the_numbers_of_its_scan_and_every_format_has_them(capfd, here):
    (here / "waivers.yaml").write_text(WAIVERS)
    words = ("shop", "little=small", "--waivers", "waivers.yaml")
    assert run(capfd, *words, "-f", "json,html,markdown,csv,text,pdf", "-o", "all")[0] == 0
    options = leadline.PostureOptions(waivers=("waivers.yaml",))
    found = decoded_joint_report((here / "all.json").read_bytes(), "all.json")
    assert [one.name for one in found.sources] == ["shop", "little"]
    pages = {name: (here / f"all{name}").read_text("utf-8") for name in (".html", ".md", ".txt")}
    for source, folder in zip(found.sources, ("shop", "small"), strict=True):
        report = leadline.scan(folder, options)
        assert dict(source.severities) == {k: v for k, v in report.severities().items() if v}
        assert (source.findings, source.edits) == (report.numbers.findings, report.numbers.edits)
        assert (source.score, len(source.unread)) == (report.compliance(), len(report.unread))
        counts = [report.severities()[name] for name in ("critical", "high", "medium", "low")]
        numbers = [
            *map(str, counts),
            str(report.numbers.edits),
            f"{report.compliance():.0f} %",
            str(len(report.unread)),
        ]
        assert re.search(r"\| " + r" \| ".join([re.escape(source.name), *numbers]), pages[".md"])
        assert re.search(r"\s+".join([re.escape(source.name), *numbers]), pages[".txt"])
        cells = "</td><td[^>]*>".join([re.escape(source.name), *numbers])
        assert re.search(cells, pages[".html"])
    rows = list(csv.DictReader(io.StringIO((here / "all.csv").read_text())))
    pairs = {
        (row["Control"], row["Object"], row["File"])
        for row in rows
        if row["Source"] == "little" and row["Control"]
    }
    assert len(pairs) == found.sources[1].findings
    assert (here / "all.pdf").read_bytes().startswith(b"%PDF")
    accepted = {one.what.partition(" in ")[0]: one for one in found.sources[0].accepted}
    assert (accepted["waiver known"].owner, accepted["waiver known"].until) == ("ops", "2199-01-31")
    assert accepted["waiver past"].is_expired
    for page in pages.values():
        assert "2199-01-31" in page
        assert "ended 2020-01-31" in page
        assert "legacy/svc.yaml:18" in page


def test_the_settings_and_flags_of_a_scan_hold(capfd, here):
    (here / "leadline.toml").write_text('exclude-path = ["payments.yaml"]\n')
    assert main(["scan", "shop", "-q", "-f", "report", "-o", "scan.json"]) == 0
    capfd.readouterr()
    shop, scan = as_json(capfd, "shop", "scan.json")["sources"]
    assert shop["severities"] == scan["severities"]
    files = {row["file"] for row in shop["baseline"]["findings"]}
    assert "payments.yaml" not in files
    assert "web.yaml" in files
    (narrow,) = as_json(capfd, "shop", "--include-namespaces", "shop-ops")["sources"]
    assert 0 < sum(narrow["severities"].values()) < sum(shop["severities"].values())


def test_a_source_that_cannot_be_read_is_named_everywhere_and_compared_again_once_it_can(capfd, here):
    (here / "first.json").write_text(json.dumps(as_json(capfd, "small", "shop")))
    (here / "small").rename(here / "away")
    code, _, err = run(
        capfd, "small", "shop", "--last", "first.json", "-f", "json,html,markdown,text", "-o", "second"
    )
    assert code == 3
    assert "leadline: could not read small: " in err
    for suffix in (".html", ".md", ".txt"):
        assert "small: could not be read" in (here / f"second{suffix}").read_text()
        assert "1 source could not be read" in (here / f"second{suffix}").read_text()
    (here / "away").rename(here / "small")
    (here / "small" / "more.yaml").write_text(pod("two"))
    third = as_json(capfd, "small", "shop", "--last", "second.json")
    small, shop = third["sources"]
    assert small["since"]["new"] > 0 == small["since"]["gone"]
    assert shop["since"]["new"] == shop["since"]["gone"] == 0
    assert {one["object"] for one in small["fresh"]} == {"/Pod/a/two"}
    assert third["failed"] == []


def test_what_changed_is_counted_named_and_dated(capfd, here):
    first = as_json(capfd, "small")
    (here / "first.json").write_text(json.dumps(first))
    (here / "small" / "pod.yaml").write_text(pod("one").replace("privileged: true", "privileged: false"))
    (here / "small" / "more.yaml").write_text(pod("two"))
    code, out, _ = run(capfd, "small", "--last", "first.json")
    assert code == 0
    assert "PRIVILEGED CONTAINER" not in out.partition("ATTACK")[0].upper().partition("NEW SINCE")[0]
    assert "a/Pod/two" in out.partition("NEW SINCE")[2]
    assert re.search(r"[1-9]\d* new and [1-9]\d* gone since ", out)
    second = as_json(capfd, "small", "--last", "first.json")
    dates = {row["first_seen"] for row in second["sources"][0]["baseline"]["findings"]}
    assert first["at"] in dates
    assert len(second["sources"][0]["trend"]) == 2


def test_reports_baselines_and_revisions_are_sources(capfd, here):
    assert main(["scan", "small", "-q", "-f", "report", "-o", "scan.json"]) == 0
    assert main(["baseline", "save", "small", "-o", "base.json", "-q"]) == 0
    capfd.readouterr()
    found = as_json(capfd, "live=small", "report=scan.json", "base=base.json")
    live, report, base = found["sources"]
    assert live["severities"] == report["severities"] == base["severities"]
    assert live["paths"]
    assert "paths" not in report
    assert "paths" not in base
    _, out, _ = run(capfd, "live=small", "base=base.json")
    assert "Not ranked: base;" in out


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2024-01-01T00:00:00Z", "as of 2024-01-01, "),
        ("2099-01-01T00:00:00Z", "dated in the future, 2099-01-01"),
        ("tomorrow", "does not say when it was made"),
    ],
)
def test_a_file_of_another_time_never_looks_like_today(capfd, here, at: str, said: str):
    assert main(["baseline", "save", "small", "-o", "base.json", "-q"]) == 0
    capfd.readouterr()
    Path("base.json").write_text(json.dumps(json.loads(Path("base.json").read_text()) | {"at": at}))
    code, out, _ = run(capfd, "base.json")
    assert code == 0
    assert said in out
    assert "All input was read" not in out


def test_a_report_does_not_say_when_it_was_made(capfd, here):
    assert main(["scan", "small", "-q", "-f", "report", "-o", "x.json"]) == 0
    capfd.readouterr()
    assert "x.json: the file does not say when it was made" in run(capfd, "x.json")[1]


def test_where_nothing_could_be_read_nothing_looks_clean(capfd, here):
    (here / "broken.yaml").write_text("kind: Pod\n  bad: [\n")
    assert run(capfd, "broken.yaml", "nowhere", "-f", "text,html,markdown", "-o", "none")[0] == 3
    for suffix in (".txt", ".html", ".md"):
        page = (here / f"none{suffix}").read_text()
        assert "no source could be read: 2 sources" in page
        assert not re.search("no critical|Nothing is accepted|No workload|All input|verdict good", page)
        assert "broken.yaml:2" in page


def test_a_report_of_this_command_is_no_source_and_a_later_one_is_refused(capfd, here):
    (here / "first.json").write_text(json.dumps(as_json(capfd, "small"), separators=(",", ":")))
    code, _, err = run(capfd, "first.json")
    assert (
        code,
        "first.json is a report over several sources; the next report is compared with it" in err,
    ) == (3, True)
    (here / "later.json").write_text('{"format": "leadline-joint-report", "version": 9}')
    code, _, err = run(capfd, "small", "--last", "later.json")
    assert (code, "later.json has format version 9" in err) == (3, True)


def test_hostile_names_are_texts(capfd, here):
    (here / "small" / "pod.yaml").write_text(pod("<script>alert(1)</script>=cmd\x1b[31m"))
    name = "a<b>|c=small"
    for form in ("html", "markdown", "csv", "text"):
        _, out, _ = run(capfd, name, "-f", form)
        assert "\x1b" not in out
        assert form == "csv" or "<script>alert" not in out or form == "text"
    _, out, _ = run(capfd, name, "-f", "csv")
    assert not [cell for row in csv.reader(io.StringIO(out)) for cell in row if cell.startswith("=")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no source is named"),
        (("a=small", "a=shop"), "two sources are called a"),
        (("=small",), "has no name or no source"),
        (("small", "-f", "docx"), "--format must be one of text, html, pdf, markdown, json, csv (got docx)"),
        (("small", "-f", "json,html"), "several formats need a place"),
        (("small", "-o", "out.doc"), "no format has the suffix .doc; -f takes text, html"),
    ],
)
def test_wrong_words_are_one_line(capfd, words: tuple[str, ...], said: str):
    code, out, err = run(capfd, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"format": "leadline-baseline", "version": 1, "findings": []}']
)
def test_a_last_report_that_is_not_one_is_refused(capfd, here, content: str):
    (here / "last.json").write_text(content)
    code, out, err = run(capfd, "small", "--last", "last.json")
    assert (code, out) == (3, "")
    assert "last.json is not a report over several sources" in err


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_line_is_wider_than_the_terminal(capfd, monkeypatch, width: int):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("os.isatty", lambda descriptor: descriptor == 1)
    code, out, _ = run(capfd, "shop", "small")
    assert code == 0
    assert max(map(len, out.splitlines())) <= width


def test_the_trend_is_a_picture_of_its_days():
    points = [
        TrendPoint("2027-01-01", {"high": 4}),
        TrendPoint("2027-01-11", {"high": 1, "low": 1}),
        TrendPoint("2027-01-21", {}),
    ]
    paths = [
        e.get("d", "") for e in ElementTree.fromstring(trend_picture(points)).iter() if e.tag.endswith("path")
    ]
    assert "M44.0 24.0L364.0 99.0L684.0 174.0" in paths
    assert "M44.0 24.0L364.0 136.5L684.0 174.0" in paths
