"""What assistants are told: everything that others wrote is marked, nothing secret leaves, and no question gets more than was given."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp_evidence import (
    EVERY_QUESTION,
    MANIFEST,
    PASSWORD,
    PLANT,
    SECRETS,
    WORKLOAD,
    asked,
    calls_of,
    planted,
)
from msgspec.structs import replace

from leadline.errors import SourceError
from leadline.programs.cli.main import main
from leadline.programs.mcp import calls as calls_module
from leadline.programs.mcp.calls import MOST_ARGUMENT_BYTES, MOST_CALLS
from leadline.programs.mcp.tools import TOOLS
from leadline.scans.answering.evidence import Evidence, Given

MORE = "apiVersion: v1\nkind: Pod\nmetadata: {name: more, namespace: shop}\nspec: {containers: [{name: a, image: a:1}]}\n"


def strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a document with the key that it is at; keys are texts at no key."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield "", name
            yield from strings(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, key)
    elif isinstance(value, str):
        yield key, value


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[tuple[str, dict[str, Any], str]], str]:
    """Every question with its answer, and the log."""
    calls, log = calls_of(planted(tmp_path_factory.mktemp("planted")))
    found = [(name, arguments, calls.call(name, arguments)[0]) for name, arguments in EVERY_QUESTION]
    first = json.loads(calls.call("findings", {})[0])["rows"]
    found += [("finding", {"id": row["id"]}, calls.call("finding", {"id": row["id"]})[0]) for row in first]
    return found, log.getvalue()


def test_what_others_wrote_comes_out_in_an_untrusted_field_only(answers):
    seen = 0
    for name, arguments, text in answers[0]:
        for key, value in strings(json.loads(text)):
            if PLANT.lower() in value.lower():
                seen += 1
                assert key == "untrusted", (name, arguments, key, value)
    assert seen > 200


def test_every_tool_shows_something_that_others_wrote(answers):
    shown = {name for name, _, text in answers[0] if PLANT.lower() in text.lower()}
    assert shown >= {tool.name for tool in TOOLS} - {"changes"}


def test_no_control_character_and_no_override_of_direction_is_in_an_answer(answers):
    for _, _, text in answers[0]:
        for _, value in strings(json.loads(text)):
            assert all(one.isprintable() or one == "\n" for one in value), value


def test_texts_of_others_are_short(answers):
    for name, _, text in answers[0]:
        for key, value in strings(json.loads(text)):
            if key == "untrusted":
                assert len(value) <= (20_000 if name in ("draft", "finding") else 1_000)


def test_no_secret_leaves(answers):
    found, log = answers
    for name, arguments, text in [*found, ("log", {}, log)]:
        for secret in SECRETS:
            assert secret not in text, (name, arguments)
    assert sum("XXXXXX" in text for _, _, text in found) > 2


def test_every_answer_says_what_was_not_seen(answers):
    for _, _, text in answers[0]:
        answer = json.loads(text)
        assert "error" in answer or answer["notSeen"]["total"] >= 2


def test_a_chart_is_not_rendered_without_trust(answers):
    rows = [row for name, _, text in answers[0] if name == "not_seen" for row in json.loads(text)["rows"]]
    why = {row["why"]["untrusted"] for row in rows if row.get("reason") == "not rendered"}
    assert "charts and kustomizations are rendered only where the folder is trusted" in why


def test_every_call_is_written_down(answers):
    found, log = answers
    lines = [json.loads(line) for line in log.splitlines()]
    assert len(lines) == len(found) + 1
    assert [line["tool"] for line in lines[: len(EVERY_QUESTION)]] == [name for name, _ in EVERY_QUESTION]
    assert {line["outcome"] for line in lines} == {"answered", "error"}


def test_names_are_pseudonyms_where_asked_for_and_can_be_asked_by(tmp_path):
    given = planted(tmp_path)
    calls, _ = calls_of(replace(given, names_file=str(tmp_path / "names.json")))
    shown = [
        calls.call(name, arguments)[0]
        for name, arguments in EVERY_QUESTION
        if PLANT not in json.dumps(arguments)
    ]
    assert not [text for text in shown if PLANT in text]
    rows = asked(calls, "risk")["rows"]
    workload = rows[0]["workload"]["untrusted"]
    assert "Deployment" in workload
    assert asked(calls, "explain", what=workload)["sentences"][0]["untrusted"].startswith(workload)
    assert asked(calls, "findings", object=workload)["total"] > 5
    assert (
        "readOnlyRootFilesystem"
        in asked(calls, "draft", what="hardening", workload=workload)["rows"][0]["draft"]["untrusted"]
    )
    again, _ = calls_of(replace(given, names_file=str(tmp_path / "names.json")))
    assert asked(again, "risk")["rows"][0]["workload"]["untrusted"] == workload


def test_an_answer_stays_within_its_budget_and_says_how_to_see_the_rest(tmp_path):
    calls, _ = calls_of(planted(tmp_path), budget=4_096)
    seen, start, total = [], 0, 1
    while start < total:
        text, is_error = calls.call("findings", {"start": start})
        assert not is_error
        assert len(text.encode()) <= 4_096
        answer = json.loads(text)
        total = answer["total"]
        seen += [row["id"] for row in answer["rows"]]
        start = answer.get("truncated", {}).get("next", total)
    calls, _ = calls_of(planted_again(tmp_path), budget=1 << 20)
    assert seen == [row["id"] for row in asked(calls, "findings")["rows"]]


def planted_again(folder: Path) -> Given:
    return Given(roots=(str(folder / "deploy"),))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("exec", {"command": "id"}),
        ("read_file", {"path": "/etc/passwd"}),
        ("findings", {"path": "/etc"}),
        ("findings", {"start": -1}),
        ("findings", {"start": 10**18}),
        ("findings", {"severity": "all"}),
        ("findings", {"object": "x" * 600}),
        ("overview", {"again": "yes"}),
        ("overview", {"kubeconfig": "/root/.kube/config"}),
        ("changes", {"since": "--upload-pack=touch x"}),
        ("changes", {"since": "main; touch x"}),
        ("changes", {"since": "../../outside"}),
        ("rehearse", {"policies": "x" * (MOST_ARGUMENT_BYTES + 1)}),
        ("rehearse", {"policies": "a: " + "[" * 5_000}),
        (
            "rehearse",
            {"policies": "a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b]\n"},
        ),
        ("draft", {"what": "apply"}),
        ("draft", {"what": "hardening", "workload": "../../../etc/passwd"}),
        ("image", {"image": "/etc/passwd"}),
        ("who_can", {}),
    ],
)
def test_a_hostile_question_gets_one_refusal(name, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = planted(tmp_path)
    before = sorted(str(one) for one in tmp_path.rglob("*"))
    calls, _ = calls_of(given)
    text, is_error = calls.call(name, arguments)
    assert is_error
    assert set(json.loads(text)) == {"error", "hint"}
    assert "root:" not in text
    assert len(text) < 3_000
    assert sorted(str(one) for one in tmp_path.rglob("*")) == before


def test_a_link_that_leads_out_of_a_root_is_not_followed(tmp_path):
    given = planted(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "pod.yaml").write_text(MANIFEST.replace(PLANT, "OUTSIDE"))
    (tmp_path / "deploy" / "link.yaml").symlink_to(outside / "pod.yaml")
    (tmp_path / "deploy" / "folder").symlink_to(outside)
    calls, _ = calls_of(given)
    for name, arguments in EVERY_QUESTION:
        assert "OUTSIDE" not in calls.call(name, arguments)[0]


def test_a_store_is_told_as_files_are(tmp_path, capfd, monkeypatch):
    """Third journey: what changed since Friday. What is stored was written by others as well."""
    given = planted(tmp_path)
    store = str(tmp_path / "results.db")
    for _ in range(2):
        assert main(["scan", *given.roots, "--store", store, "-f", "lines", "--quiet"]) in (0, 1)
        (tmp_path / "deploy" / "more.yaml").write_text(MORE)
    capfd.readouterr()
    size = Path(store).stat().st_size
    calls, _ = calls_of(Given(store=store))
    # A store holds no secrets to know one by that an assistant writes itself.
    for name, arguments in (one for one in EVERY_QUESTION if PASSWORD not in str(one)):
        for key, value in strings(json.loads(calls.call(name, arguments)[0])):
            assert PLANT.lower() not in value.lower() or key == "untrusted", (name, arguments, key, value)
            assert not [one for one in SECRETS if one in value]
    changed = asked(calls, "changes", since="7d", of="shop")
    assert changed["sentences"][-1]["untrusted"].startswith("Findings: ")
    assert {row["object"]["untrusted"] for row in changed["rows"]} == {"shop/Pod/more"}
    assert {row["what"]["untrusted"] for row in changed["rows"]} == {"first seen"}
    assert asked(calls, "findings", object="shop/Pod/more")["total"] > 5
    assert asked(calls, "risk")["total"] == 2
    text, is_error = calls.call("who_can", {"admins": True})
    assert is_error
    assert "start with a folder of manifests" in text
    assert Path(store).stat().st_size == size


def test_a_loop_of_calls_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(calls_module, "MOST_CALLS", 3)
    calls, _ = calls_of(planted(tmp_path))
    outcomes = [calls.call("explain", {"what": "C-0057"})[1] for _ in range(6)]
    assert outcomes == [False] * 3 + [True] * 3
    assert MOST_CALLS >= 1_000


def test_names_texts_and_schemas_of_tools_are_constants(tmp_path):
    calls_of(planted(tmp_path))
    assert [tool.name for tool in TOOLS] == [
        "overview", "findings", "finding", "explain", "risk", "not_seen", "changes", "image", "who_can", "behaviour", "rehearse", "draft",
    ]  # fmt: skip
    for tool in TOOLS:
        assert len(tool.text) < 200
        assert tool.asks.__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Given(), "name files and folders, or a store"),
        (Given(roots=("x",), store="y"), "name files and folders, or a store"),
        (Given(roots=("not-there",)), "no such file or folder"),
    ],
)
def test_what_is_given_has_to_make_sense(given, message):
    with pytest.raises(Exception, match=message):
        Evidence(given, {})


def test_a_question_about_what_was_not_given_says_what_a_person_does(tmp_path):
    planted(tmp_path)
    calls, _ = calls_of(planted_again(tmp_path))
    for name, arguments, flag in (
        ("behaviour", {}, "--profile"),
        ("rehearse", {"policies": "a: b"}, "--profile"),
        ("image", {}, "--images"),
        ("draft", {"what": "role"}, "--audit-log"),
    ):
        text, is_error = calls.call(name, arguments)
        assert is_error
        assert flag in text


def test_a_finding_is_told_with_its_lines_and_a_draft_removes_it(tmp_path):
    calls, _ = calls_of(planted(tmp_path))
    row = asked(calls, "findings", control="C-0057")["rows"][0]
    one = asked(calls, "finding", id=row["id"])
    assert one["problem"] == "Privileged container"
    assert "privileged: true" in one["lines"]["untrusted"]
    drafted = asked(calls, "draft", what="fix", control="C-0057", risky=True)
    assert drafted["findingsBefore"] > drafted["findingsAfter"]
    assert "-        securityContext: {privileged: true}" in drafted["draft"]["untrusted"]
    assert MANIFEST in (tmp_path / "deploy" / f"{PLANT}.yaml").read_text()
    assert PASSWORD not in drafted["draft"]["untrusted"]


def test_behaviour_is_told_without_arguments_of_programs_and_a_policy_is_rehearsed(tmp_path):
    calls, _ = calls_of(planted(tmp_path))
    one = asked(calls, "behaviour", workload=WORKLOAD)["rows"][0]
    assert one["programs"] == {"total": 1, "first": [{"untrusted": f"/bin/{PLANT}"}]}
    policy = (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
        f"metadata: {{name: none, namespace: {PLANT}-space}}\nspec: {{podSelector: {{}}, policyTypes: [Egress]}}\n"
    )
    answer = asked(calls, "rehearse", policies=policy)
    assert answer["blocked"] == 1
    assert answer["rows"][0]["what"]["untrusted"].startswith("connects to 192.0.2.1:443/TCP")


def test_the_numbers_of_findings_are_those_of_the_overview(tmp_path):
    calls, _ = calls_of(planted(tmp_path))
    counted = asked(calls, "overview")["findings"]
    assert sum(counted.values()) > 20
    for severity in ("critical", "high", "medium", "low"):
        found = asked(calls, "findings", severity=severity)
        assert found["findings"] == counted.get(severity, 0)
        assert found["total"] >= found["findings"]
    assert asked(calls, "findings")["findings"] == sum(counted.values())


def test_what_was_never_judged_or_read_is_not_answered_as_if_nothing_failed(tmp_path):
    calls, _ = calls_of(planted(tmp_path))
    silent = asked(calls, "findings", control="C-0005")
    assert (silent["total"], silent["rows"], silent["failed"], silent["passed"]) == (0, [], 0, 0)
    assert silent["judgedNothing"]["untrusted"]
    for name, arguments, why in (
        ("findings", {"control": "C-9999"}, "no control C-9999 judged here"),
        ("findings", {"object": "nope"}, "nothing that was read is called nope"),
        ("risk", {"workload": "nope"}, "nothing that was read is called nope"),
        ("behaviour", {"workload": "nope"}, "nothing was recorded of nope"),
    ):
        text, is_error = calls.call(name, arguments)
        assert is_error
        assert json.loads(text)["error"]["untrusted"] == why


def test_an_object_that_was_read_and_fails_nothing_has_no_rows(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain, namespace: shop}\n"
    )
    calls, _ = calls_of(Given(roots=(str(tmp_path),)))
    found = asked(calls, "findings", object="plain", severity="critical")
    assert (found["total"], found["rows"], found["findings"]) == (0, [], 0)


@pytest.mark.parametrize("field", ["roots", "profiles", "audit_logs", "images", "waivers"])
def test_a_file_that_is_not_there_is_told_to_who_starts_the_program(tmp_path, field):
    missing = str(tmp_path / "missing")
    with pytest.raises(SourceError, match=f"no such file or folder: {missing}"):
        Evidence(Given(**{"roots": (str(tmp_path),), field: (missing,)}), {})


def test_a_store_that_is_not_there_is_told_to_who_starts_the_program(tmp_path):
    missing = str(tmp_path / "missing.db")
    with pytest.raises(SourceError, match=f"no such file or folder: {missing}"):
        Evidence(Given(store=missing), {})
    assert Evidence(Given(store="kube"), {}).given.store == "kube"
