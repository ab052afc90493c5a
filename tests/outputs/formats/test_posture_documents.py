"""What people and build servers receive: each format as its reader takes it, whatever objects are called."""

import base64
import csv
import hashlib
import io
import json
import re
from html.parser import HTMLParser

import msgspec
import pytest
import yaml
from defusedxml import ElementTree
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt

from leadline.model.report import PostureReport
from leadline.model.unread import Unread
from leadline.outputs.format_registry import Asked, find_format
from leadline.outputs.formats import github as github_format
from leadline.outputs.formats import policyreport as policy_format
from leadline.outputs.text.html_page import SCRIPT
from leadline.outputs.text.markdown_text import LONGEST
from outputs.formats.test_hostile_names import hostile_places, hostile_report
from outputs.gitlab_schemas import CODE_QUALITY, SAST
from outputs.sample_report import FINDINGS, REPORT, WEB, page

HOSTILE = "=cmd|' /C calc'!A0 <script>alert(1)</script> \"'`|[x](javascript:1) @team #1 ::error::x\n::warning::y\r%0A ]]> ${{ x }}"
MOMENT = {"type": "object", "properties": {"seconds": {"type": "integer"}, "nanos": {"type": "integer"}}}
POLICY_REPORT = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "results", "summary"],
    "properties": {
        "apiVersion": {"const": "wgpolicyk8s.io/v1alpha2"},
        "kind": {"enum": ["PolicyReport", "ClusterPolicyReport"]},
        "summary": {
            "additionalProperties": False,
            "properties": {n: {"type": "integer"} for n in ("pass", "fail", "warn", "error", "skip")},
        },
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["policy"],
                "additionalProperties": False,
                "properties": {
                    **{n: {"type": "string"} for n in ("source", "policy", "rule", "category", "message")},
                    "severity": {"enum": ["critical", "high", "low", "medium", "info"]},
                    "result": {"enum": ["pass", "fail", "warn", "error", "skip"]},
                    "timestamp": MOMENT,
                    "properties": {"type": "object", "additionalProperties": {"type": "string"}},
                    "resources": {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "string"}}},
                },
            },
        },
    },
}  # fmt: skip
"""What the definition of the objects asks (wgpolicyk8s.io/v1alpha2)."""
SAMPLE_LINE = re.compile(r'([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? (-?[0-9.e+-]+)\n')


def written(name: str, report: PostureReport = REPORT, **fields: object) -> str:
    out = io.StringIO()
    find_format(name, PostureReport).write(report, out, page(**fields))
    return out.getvalue()


def hostile(name: str) -> str:
    return written(name, hostile_report(HOSTILE), places=hostile_places(hostile_report(HOSTILE), HOSTILE))


@pytest.fixture(params=["sample", "hostile"])
def both(request: pytest.FixtureRequest) -> bool:
    return request.param == "hostile"


def of(name: str, is_hostile: bool) -> str:
    return hostile(name) if is_hostile else written(name)


def test_junit_counts_what_it_holds(both: bool):
    root = ElementTree.fromstring(of("junit", both))
    assert root.tag == "testsuites"
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases)
        for name, tag in (("failures", "failure"), ("skipped", "skipped"), ("errors", "error")):
            assert int(suite.get(name)) == len(suite.findall(f"testcase/{tag}"))
    assert len(root.findall("testsuite[@name='not read']/testcase")) == (1 if both else 2)


def test_junit_holds_every_control_where_no_framework_was_asked_for():
    root = ElementTree.fromstring(written("junit", asked=Asked()))
    assert [suite.get("name") for suite in root] == ["leadline", "not read"]
    assert len(root[0].findall("testcase")) == len(REPORT.controls)


def test_github_gets_a_command_on_each_line_and_no_more(both: bool):
    *lines, last = of("github", both).splitlines()
    commands = [line for line in lines if not line.startswith("left out  ")]
    assert commands
    for line in commands:
        properties, _, message = line.removeprefix("::").partition("::")
        assert re.fullmatch(r"(error|warning|notice) [a-z]+=[^:]*", properties)
        assert message
        assert not re.search(r"%(?!25|0A|0D|3A|2C)", line)
    assert not last.startswith("::")


def test_github_is_told_what_it_would_not_show():
    many = tuple(
        msgspec.structs.replace(
            FINDINGS[3], violation=msgspec.structs.replace(FINDINGS[3].violation, path=f"data[{i}]")
        )
        for i in range(200)
    )
    lines = written("github", msgspec.structs.replace(REPORT, findings=many, unread=())).splitlines()
    assert len(lines) == github_format.MOST + 2
    assert "150 edits without an annotation" in lines[-2]


def test_gitlab_reads_the_report_of_analysis(both: bool):
    document = json.loads(of("gitlab-sast", both))
    SAST.validate(document)
    ids = [one["id"] for one in document["vulnerabilities"]]
    assert len(ids) == len(set(ids)) > 0


def test_gitlab_reads_the_report_of_quality(both: bool):
    rows = json.loads(of("code-quality", both))
    CODE_QUALITY.validate(rows)
    marks = [row["fingerprint"] for row in rows]
    assert len(marks) == len(set(marks)) > 0


def test_markdown_of_gitlab_shows_names_as_code_alone():
    parser = MarkdownIt("commonmark")
    for one in json.loads(hostile("gitlab-sast"))["vulnerabilities"]:
        (name,) = re.fullmatch(r"(`[^`]+`): .*", one["description"], re.DOTALL).groups()
        for text in (name, one["solution"]):
            (inline,) = [token for token in parser.parse(text) if token.type == "inline"]
            assert [child.type for child in inline.children or ()] == ["code_inline"]


def test_what_was_not_read_is_the_same_for_gitlab_whatever_comes_beside_it():
    def marks(*names: str) -> dict[str, str]:
        parts = tuple(Unread(name, "a value was expected here", "malformed", 2, 1) for name in names)
        rows = json.loads(written("code-quality", msgspec.structs.replace(REPORT, unread=parts)))
        return {row["location"]["path"]: row["fingerprint"] for row in rows if row["check_name"] == "unread"}

    alone, beside = marks("m.yaml"), marks("a.yaml", "m.yaml", "z.yaml")
    assert alone["m.yaml"] == beside["m.yaml"]
    assert len(set(beside.values())) == 3
    twice = json.loads(
        written("code-quality", msgspec.structs.replace(REPORT, unread=(REPORT.unread[0],) * 2))
    )
    assert len({row["fingerprint"] for row in twice}) == len(twice)


def test_no_cell_is_a_formula(both: bool):
    rows = list(csv.reader(io.StringIO(of("csv", both))))
    assert {len(row) for row in rows} == {13}
    assert [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@")] == []
    states = {row[0] for row in rows[1:]}
    assert states >= {"failed", "not read"}


def test_prometheus_gets_families_whole(both: bool):
    text = of("prometheus", both)
    seen: list[str] = []
    for block in text.split("# HELP ")[1:]:
        head, kind, *samples = block.splitlines(keepends=True)
        name = head.split(" ", 1)[0]
        assert kind == f"# TYPE {name} gauge\n"
        seen.append(name)
        labels = [SAMPLE_LINE.fullmatch(line) for line in samples]
        assert all(match and match[1] == name for match in labels)
        assert len({match[2] for match in labels if match}) == len(samples)
    assert len(seen) == len(set(seen))


def test_yaml_is_the_json_report(both: bool):
    parsed = yaml.safe_load(of("yaml", both))
    assert parsed == json.loads(of("json", both))


@pytest.mark.parametrize(
    "word",
    [
        "yes",
        "NO",
        "null",
        "1e3",
        "0o17",
        "1_000",
        "12:30",
        "~",
        "",
        " a",
        "a ",
        "2026-01-02",
        "a: b",
        "a #b",
        "- a",
        "0x1f",
        ".inf",
        "true",
    ],
)
def test_yaml_keeps_texts_texts(word: str):
    resource = msgspec.structs.replace(WEB, body={**WEB.body, "spec": {"note": word}})
    report = msgspec.structs.replace(REPORT, resources=(resource, *REPORT.resources[1:]))
    text = written("yaml", report)
    objects = [one["object"] for one in yaml.safe_load(text)["resources"]]
    assert word in [body.get("spec", {}).get("note") for body in objects]
    line = next(line for line in text.splitlines() if line.strip().startswith("note:"))
    assert line.endswith('"')


def test_policy_reports_are_what_their_definition_asks(both: bool):
    documents = list(yaml.safe_load_all(of("policyreport", both)))
    for document in documents:
        Draft202012Validator(POLICY_REPORT).validate(document)
        states = [one["result"] for one in document["results"]]
        assert {s: document["summary"][s] for s in ("fail", "skip", "error")} == {
            s: states.count(s) for s in ("fail", "skip", "error")
        }
    named = [(d["kind"], d["metadata"].get("namespace"), d["metadata"]["name"]) for d in documents]
    assert len(named) == len(set(named))


def test_policy_reports_stay_below_what_a_cluster_takes():
    objects = tuple(msgspec.structs.replace(WEB, name=f"web-{i}", id=f"web-{i}") for i in range(1_200))
    findings = tuple(msgspec.structs.replace(FINDINGS[0], resource=one.id) for one in objects)
    report = msgspec.structs.replace(
        REPORT,
        resources=objects,
        judged=(("C-0057",),) * len(objects),
        findings=findings,
        gave_up={},
        unread=(),
    )
    documents = list(yaml.safe_load_all(written("policyreport", report)))
    assert [len(d["results"]) for d in documents] == [500, 500, 200]
    assert sum(d["summary"]["fail"] for d in documents) == 1_200
    assert policy_format.MOST == 500


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[tuple[str, str | None]] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [
            (name, value) for name, value in attrs if name in ("src", "href", "action", "data", "srcset")
        ]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def test_a_page_runs_its_own_filter_alone_and_loads_nothing(both: bool):
    text = of("html", both)
    read = Page()
    read.feed(text)
    assert read.tags.count("script") == 1
    assert text.count(f"<script>{SCRIPT}</script>") == 1
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'\"" in text
    assert {"img", "iframe", "object", "embed", "base", "form"}.isdisjoint(read.tags)
    assert "link" not in read.tags
    assert read.handlers == []
    assert [
        value for _, value in read.loads if not (value or "").startswith(("https://", "#namespace-"))
    ] == []
    assert "default-src 'none'" in text
    assert "url(" not in text
    assert "@import" not in text


def test_rows_can_be_filtered_by_namespace_severity_and_words():
    text = written("html")
    for part in (
        '<option value="namespace-1">shop</option>',
        '<section class="group" id="namespace-1">',
        '<input type="search" id="show-text"',
        '<input type="checkbox" id="show-critical" checked>',
        'role="status"',
    ):
        assert part in text
    # Without the script what hides rows is styles alone, and the page says so.
    assert "html:not(.scripted) body:has(#show-critical:not(:checked)) .filtered{display:block}" in text


def test_a_page_says_what_to_fix_first_and_what_was_not_seen():
    text = written("html", verdict="failed: 3 findings", passed=False)
    for part in (
        "Fix first",
        "What was not seen",
        "deploy/<wbr>app.<wbr>yaml:17:13",
        "bad indentation",
        "failed: 3 findings",
        "judged nothing",
    ):
        assert part in text
    assert "All input was read" not in text


def test_a_comment_shows_names_as_code_and_nothing_else(both: bool):
    tokens = MarkdownIt("commonmark").enable("table").parse(of("markdown", both))
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert not kinds & {"link_open", "image"}
    raw = "".join(token.content for token in tokens if token.type == "html_block")
    raw += "".join(c.content for t in tokens for c in t.children or () if c.type == "html_inline")
    assert set(re.findall(r"</?([a-z]+)", raw)) <= {"details", "summary"}
    loose = "".join(c.content for t in tokens for c in t.children or () if c.type == "text")
    assert "@team" not in loose or not both
    rows = [token for token in tokens if token.type == "tr_open"]
    assert rows


def test_a_comment_is_no_longer_than_may_be_posted():
    names = tuple(Unread(f"{'x' * 250}-{i}", "y" * 500, "malformed") for i in range(1_000))
    report = msgspec.structs.replace(REPORT, unread=names, left_out=names)
    assert len(written("markdown", report)) <= LONGEST


def test_a_failed_gate_is_what_markdown_shows_first_and_the_rest_is_folded_up():
    text = written(
        "markdown", verdict="failed: --severity-threshold high, 3 findings", passed=False, gate="high"
    )
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    tables = [i for i, token in enumerate(tokens) if token.type == "table_open"]
    folded = next(
        i
        for i, token in enumerate(tokens)
        if token.type == "html_block" and "below the gate" in token.content
    )
    shown, hidden = text.split("below the gate</summary>")
    assert tables[1] < folded < tables[2]
    rows = [
        line for line in shown.partition("### What fails the gate")[2].splitlines() if line.startswith("| ")
    ]
    assert {row.split("|")[1].strip() for row in rows[1:]} <= {"critical", "high"}
    assert re.search(r"^\| medium ", hidden, re.MULTILINE)
    assert re.search(r"`leadline explain C-\d+` says why", shown)
