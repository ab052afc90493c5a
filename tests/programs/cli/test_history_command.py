"""``leadline history`` over a file of results."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from test_risk_command import SHOP, run

from leadline.model.history import Change, Day, History, Life
from leadline.outputs.text.history_text import happened, history_document, history_lines, history_picture

DAYS = (
    Day("2027-01-01", {"critical": 2, "high": 4}, score=70.0, rules="1.0 aaaa"),
    Day("2027-01-02", None),
    Day("2027-01-03", {"high": 3}, score=80.0, rules="1.1 bbbb", vulnerabilities={"high": 4}),
)
LIVES = (
    Life(
        "shop/Deployment/web",
        "C-0057",
        "Privileged container",
        "critical",
        (
            Change("2027-01-01T08:00:00Z", "failed"),
            Change("2027-01-02T08:00:00Z", "passed"),
            Change("2027-01-03T08:00:00Z", "failed", "rules"),
            Change("2027-01-03T09:00:00Z", "accepted", "", "2027-06-01"),
        ),
    ),
    Life("bank/Pod/" + "x" * 200, "C-0013", "", "medium", (Change("2026-12-01T08:00:00Z", "failed"),), 7),
    Life(
        "shop/Pod/old",
        "C-0041",
        "",
        "high",
        (Change("2027-01-01T08:00:00Z", "failed"), Change("2027-01-02T09:00:00Z", "gone")),
    ),
)
HISTORY = History(
    "namespace shop", "2027-01-01", "2027-01-03", DAYS, LIVES, "2027-01-03T10:00:00Z", ("1 of the days …",)
)


@pytest.fixture
def store(capfd, tmp_path: Path) -> str:
    file = str(tmp_path / "results.db")
    assert run(capfd, "scan", SHOP, "--store", file, "-f", "lines")[0] == 0
    return file


def test_what_a_scan_stored_is_told(capfd, store: str):
    code, out, err = run(capfd, "history", "--from-store", store)
    assert (code, err) == (0, "")
    assert out.startswith("the cluster, ")
    assert re.search(r"^(\d+) findings now; in this time \1 first seen$", out, re.MULTILINE)
    # No scan of a whole cluster was stored: that is no day without findings.
    assert "31 of the days are not known" in out
    code, out, _ = run(capfd, "history", "C-0057", "--from-store", store, "--since", "7d", "-f", "json")
    told = json.loads(out)
    assert [one["object"] for one in told["findings"]] == ["shop-ops/DaemonSet/agent"]
    assert len(told["days"]) == 8
    _, out, _ = run(capfd, "history", "shop", "--from-store", store, "-f", "svg")
    assert ElementTree.fromstring(out).tag.endswith("svg")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nowhere", "--from-store", "STORE"), 3, "no history of namespace nowhere is stored"),
        (("--since", "soon", "--from-store", "STORE"), 2, "invalid span soon"),
        (("--from-store", "missing.db"), 3, "there is no store missing.db"),
        (("a", "b"), 2, "unexpected extra argument"),
    ],
)
def test_what_is_wrong_gets_a_line(capfd, store: str, words: tuple[str, ...], code: int, said: str):
    found, out, err = run(capfd, "history", *(store if word == "STORE" else word for word in words))
    assert (found, out, len(err.splitlines())) == (code, "", 1)
    assert said in err.lower()


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(width: int):
    lines = list(history_lines(HISTORY, width))
    assert [line for line in lines if len(line) > width and "x" * 100 not in line] == []


def test_lines_say_what_happened_and_what_did_not():
    text = "\n".join(history_lines(HISTORY, None))
    assert "failed    █·▄  6 → 3" in text
    assert "rules     changed on 2027-01-03: 1.0 aaaa → 1.1 bbbb" in text
    assert "2 findings now; in this time 2 first seen" in text
    assert "; 1 change by other rules, not by the cluster" in text
    assert [(change.at, words) for _, change, words in happened(HISTORY)] == [
        ("2027-01-03T09:00:00Z", "accepted until 2027-06-01"),
        ("2027-01-03T08:00:00Z", "came back"),
        ("2027-01-02T09:00:00Z", "gone with its object"),
        ("2027-01-02T08:00:00Z", "fixed"),
        ("2027-01-01T08:00:00Z", "first seen"),
        ("2027-01-01T08:00:00Z", "first seen"),
    ]


def test_data_says_from_when_to_when():
    first, *_, gone = history_document(HISTORY)["findings"]
    assert first["accepted"] == [{"from": "2027-01-03T09:00:00Z", "until": "2027-06-01"}]
    assert first["cameBack"] == ["2027-01-03T08:00:00Z"]
    assert first["lastSeen"] == "2027-01-03T10:00:00Z"
    assert (gone["gone"], gone["lastSeen"]) == ("2027-01-02T09:00:00Z", "2027-01-02T09:00:00Z")
    assert history_document(HISTORY)["days"][1] == {"day": "2027-01-02", "known": False}


def test_a_picture_leaves_a_gap_where_no_one_looked():
    picture = history_picture(HISTORY)
    drawn = ElementTree.fromstring(picture)
    # Two lines, each of a day before and one after the gap: points, for nothing joins them.
    assert len(drawn.findall(".//{*}circle")) == 4
    hostile = history_picture(History("namespace <script>", "a", "b", (), ()))
    assert "<script>" not in hostile
