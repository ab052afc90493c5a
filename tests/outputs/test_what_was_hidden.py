"""What a scan passed over stands in every format, by name."""

import io
import json

import jsonschema
import msgspec
import pytest
from defusedxml import ElementTree

from leadline.model.report import PostureReport
from leadline.model.unread import Unread
from leadline.outputs.format_registry import find_format, formats_for
from leadline.outputs.rows.summary import scanned
from outputs.sample_report import REPORT, page

HIDDEN = msgspec.structs.replace(
    REPORT,
    left_out=tuple(
        Unread(f"legacy/{number}", "left out by an ignore file", "left out") for number in range(9)
    ),
    unread=(Unread("evil.yaml", "it holds Pod, which nothing renders", "not rendered"),),
    rendering="files by Landlock, network by a namespace",
)


def written(name: str, *, verbose: bool = True, coverage: bool = False) -> str:
    out = io.StringIO()
    shown = msgspec.structs.replace(page(verbose=verbose), coverage=coverage)
    find_format(name, PostureReport).write(HIDDEN, out, shown)
    return out.getvalue()


@pytest.mark.parametrize("name", sorted(formats_for(PostureReport)))
def test_everything_left_out_and_not_rendered_is_named(name: str):
    text = written(name)
    assert [one.where for one in (*HIDDEN.left_out, *HIDDEN.unread) if one.where not in text] == []


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("code-quality", 5_000),
        ("github", 50),
        ("gitlab-sast", 1_000),
        ("junit", 1_000),
        ("policyreport", 1_000),
        ("sarif", 1_000),
    ],
)
def test_what_is_too_much_for_a_format_is_counted(name: str, most: int):
    text = written_with(name, most + 1_234)
    assert f"legacy/{most - 1}.yaml" in text
    assert f"legacy/{most}.yaml" not in text
    assert f"broken/{most - 1}.yaml" in text
    assert f"broken/{most}.yaml" not in text
    assert "1,234 more left out" in text
    assert "1,234 more not read" in text


def test_prometheus_keeps_few_series_and_the_numbers():
    lines = written_with("prometheus", 5_000).splitlines()
    assert {"leadline_left_out 5000", "leadline_unread 5000"} <= set(lines)
    for name in ("leadline_left_out_info{", "leadline_unread_info{"):
        assert sum(line.startswith(name) for line in lines) == 100


def written_with(name: str, number: int) -> str:
    """A report that read nothing of ``broken`` and left out ``legacy``, ``number`` files of each."""
    report = msgspec.structs.replace(
        REPORT,
        left_out=tuple(
            Unread(f"legacy/{i}.yaml", "left out by an ignore file", "left out") for i in range(number)
        ),
        unread=tuple(Unread(f"broken/{i}.yaml", "bad indentation", "malformed") for i in range(number)),
    )
    out = io.StringIO()
    find_format(name, PostureReport).write(report, out, page())
    return out.getvalue()


def test_what_was_left_out_is_no_error():
    suites = {suite.get("name"): suite for suite in ElementTree.fromstring(written("junit"))}
    assert len(suites["left out"].findall("testcase/skipped")) == len(HIDDEN.left_out)
    assert suites["left out"].get("skipped") == "9"
    assert suites["left out"].get("errors") == "0"
    assert len(suites["not read"].findall("testcase/error")) == 1
    messages = json.loads(written("gitlab-sast"))["scan"]["messages"]
    assert {m["level"] for m in messages if m["value"].startswith("left out")} == {"info"}


def test_policy_reports_name_it_where_every_object_has_a_namespace():
    assert all(resource.namespace for resource in HIDDEN.resources)
    cluster = json.loads(written("policyreport").split("---\n")[1])
    assert cluster["kind"] == "ClusterPolicyReport"
    assert cluster["summary"]["skip"] == len(HIDDEN.left_out)
    assert cluster["summary"]["error"] == len(HIDDEN.unread)


def test_a_terminal_gets_the_first_and_the_number():
    text = written("pretty", verbose=False)
    assert "left out  9" in text
    assert "legacy/0, legacy/1, legacy/2 and 6 more" in " ".join(text.split())


def test_how_renderers_were_confined_stands_in_the_coverage():
    assert "confined  files by Landlock, network by a namespace" in written("pretty", coverage=True)
    assert json.loads(written("json"))["coverage"]["rendering"] == HIDDEN.rendering


def test_the_schema_knows_it():
    from importlib.resources import files

    schema = json.loads((files("leadline.outputs") / "report_schema.json").read_text("utf-8"))
    jsonschema.validate(json.loads(written("json")), schema)


def test_the_head_says_how_many_objects_were_judged_where_it_were_not_all():
    assert "3 objects in 1 file, judged by 6 controls" in scanned(REPORT)
    some = msgspec.structs.replace(REPORT, objects=437)
    assert "437 objects in 1 file, 3 judged by 6 controls" in scanned(some)


def test_the_head_says_how_many_were_not_rendered():
    assert scanned(HIDDEN).endswith("; 1 file not rendered")
    releases = [
        Unread(f"{i}.yaml", "what it installs", "not rendered", kind="HelmRelease") for i in range(69)
    ]
    chart = Unread("web", "no Helm", "not rendered", kind="chart")
    many = msgspec.structs.replace(REPORT, unread=(chart, *releases, *HIDDEN.unread))
    assert scanned(many).endswith("; 69 HelmReleases, 1 chart and 1 file not rendered")
    assert "not rendered" not in scanned(REPORT)
