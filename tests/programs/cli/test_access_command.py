"""``leadline access`` over files: who can do what, and what that does not rest on."""

import asyncio
import csv
import io
import json
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from leadline.programs.cli.main import main
from leadline.scans.options import PostureOptions
from leadline.scans.pages.access import access
from leadline.scans.pages.page import Ask
from leadline.scans.pages.reading import read_folder
from leadline.scans.pages.world import World

MANIFESTS = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: api, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {to-reader: "yes"}}]}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: read-secrets, labels: {to-reader: "yes"}}
rules:
- {apiGroups: [""], resources: [secrets], resourceNames: [db], verbs: [get]}
- {apiGroups: [apps], resources: [deployments/scale], verbs: [update, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
subjects:
- {kind: Group, apiGroup: rbac.authorization.k8s.io, name: "system:serviceaccounts:shop"}
- {kind: User, apiGroup: rbac.authorization.k8s.io, name: alice}
"""
UNKNOWN = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: gone}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: not-here}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: bob}]
"""


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    Path("rbac.yaml").write_text(MANIFESTS)

    def once(*words: str) -> tuple[int, str, str]:
        code = main(["access", *words])
        return (code, *capfd.readouterr())

    return once


def test_every_way_is_shown_with_its_steps(run):
    code, out, err = run("who-can", "get", "secrets", "rbac.yaml")
    assert (code, err) == (0, "")
    steps = [
        "  in shop",
        "    shop/RoleBinding/readers gives it ClusterRole/reader in shop, rbac.yaml",
        "    ClusterRole/reader takes over the rules of ClusterRole/read-secrets, whose labels it selects, rbac.yaml",
        "    allows get on secrets, only of db (rules[0] of ClusterRole/read-secrets), rbac.yaml",
    ]
    assert out.splitlines() == [
        "who can get secrets: 2 subjects",
        "",
        "Group/system:serviceaccounts:shop",
        *steps,
        "",
        "User/alice",
        *steps,
        "",
        "note: files show what they bind; what else a cluster binds is not in them",
    ]


def test_a_kind_is_written_as_people_write_it(run):
    for word in ("deploy/scale", "deployments.apps/scale", "Deployment/scale"):
        assert run("who-can", "patch", word, "rbac.yaml")[1].startswith(
            "who can patch deployments.apps/scale: 2 subjects"
        )
    code, _, err = run("who-can", "get", "wombats", "rbac.yaml")
    assert (code, err) == (
        2,
        "leadline: unknown kind wombats; write a kind that Kubernetes has, or PLURAL.GROUP as in rules\n",
    )


@pytest.mark.parametrize("words", [("who-can", "", "secrets"), ("who-can", "get", ""), ("who-can", "get", "pods/"), ("of", "User/"), ("of", ""), ("of", "//"), ("of", "sa//x")])  # fmt: skip
def test_an_empty_word_is_no_question(run, words):
    code, out, err = run(*words, "rbac.yaml")
    assert (code, out) == (2, "")
    assert "; " in err


def test_names_and_pages_may_hold_slashes(run):
    Path("rbac.yaml").write_text(MANIFESTS.replace("alice", "'https://issuer//x#alice'"))
    for word in ("https://issuer//x#alice", "User/https://issuer//x#alice"):
        assert run("of", word, "rbac.yaml")[1].startswith(
            "what User/https://issuer//x#alice may do: 2 rights"
        )
    assert run("who-can", "get", "/logs/", "rbac.yaml")[1].startswith("who can get /logs/: no one")


def test_a_verb_is_written_in_any_case_and_an_unknown_one_is_named(run):
    assert (
        run("who-can", "GET", "secrets", "rbac.yaml")[1] == run("who-can", "get", "secrets", "rbac.yaml")[1]
    )
    note = "note: no rule that was read names the verb gte: check the spelling"
    assert note in run("who-can", "gte", "secrets", "rbac.yaml")[1].splitlines()


def test_an_account_has_what_its_groups_have(run):
    for word in ("shop/ServiceAccount/api", "system:serviceaccount:shop:api", "shop/api"):
        out = run("of", word, "rbac.yaml")[1]
        assert out.splitlines()[0] == "what shop/ServiceAccount/api may do: 2 rights"
        assert "shop/ServiceAccount/api belongs to the group system:serviceaccounts:shop" in out


def test_a_name_of_one_object_leaves_other_rules_out(run):
    assert run("who-can", "get", "secrets", "rbac.yaml", "--name", "db")[1].startswith(
        "who can get secrets db: 2 subjects"
    )
    assert run("who-can", "get", "secrets", "rbac.yaml", "--name", "other")[1].startswith(
        "who can get secrets other: no one"
    )


def test_another_namespace_has_no_one(run):
    assert run("who-can", "get", "secrets", "rbac.yaml", "-n", "other")[1].startswith(
        "who can get secrets in other: no one"
    )


@pytest.mark.parametrize("broken", ["kind: [", UNKNOWN])
def test_what_was_not_read_makes_it_at_least_these_in_every_format(run, broken):
    Path("broken.yaml").write_text(broken)
    code, out, _ = run("who-can", "get", "secrets", ".", "--fail-on", "unread")
    assert code == 1
    assert out.startswith("who can get secrets: at least these 2 subjects, since 1 part was not read")
    assert run("who-can", "get", "secrets", ".")[0] == 0
    out = run("who-can", "delete", "secrets", ".")[1]
    assert out.startswith("who can delete secrets: not known, since 1 part was not read")
    answer = json.loads(run("who-can", "delete", "secrets", ".", "-f", "json")[1])
    assert (answer["found"], answer["isComplete"]) == ([], False)
    assert [one["where"] for one in answer["notRead"]] == ["broken.yaml"]
    rows = list(csv.DictReader(io.StringIO(run("who-can", "delete", "secrets", ".", "-f", "csv")[1])))
    assert [(row["State"], row["Subject"]) for row in rows] == [("not read", "broken.yaml")]
    assert rows[0]["Rendering"].startswith("at least these: ")


def test_json_and_csv_have_the_same_ways(run):
    answer = json.loads(run("who-can", "get", "secrets", "rbac.yaml", "-f", "json")[1])
    assert answer["isComplete"]
    assert [(one["subject"]["name"], one["namespace"], one["names"]) for one in answer["found"]] == [
        ("system:serviceaccounts:shop", "shop", ["db"]),
        ("alice", "shop", ["db"]),
    ]
    rows = list(csv.DictReader(io.StringIO(run("who-can", "get", "secrets", "rbac.yaml", "-f", "csv")[1])))
    assert [(row["Subject"], row["Resources"], row["Names"]) for row in rows] == [
        ("Group/system:serviceaccounts:shop", "secrets", "db"),
        ("User/alice", "secrets", "db"),
    ]


def test_standard_input_is_read(run, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(MANIFESTS.encode())))
    assert run("who-can", "get", "secrets", "-")[1].startswith("who can get secrets: 2 subjects")


def test_a_cell_is_no_formula(run):
    Path("evil.yaml").write_text(MANIFESTS.replace("alice", "'=cmd|calc'"))
    Path("rbac.yaml").unlink()
    rows = list(csv.DictReader(io.StringIO(run("who-can", "get", "secrets", ".", "-f", "csv")[1])))
    assert all(not cell.startswith("=") for row in rows for cell in row.values())


def test_a_folder_without_objects_is_no_answer(run):
    Path("empty").mkdir()
    code, _, err = run("who-can", "get", "secrets", "empty")
    assert (code, err) == (3, "leadline: no Kubernetes objects in empty\n")


ADMIN = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: op}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, namespace: ops, name: op}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: dev, namespace: ops}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: "<bob>"}]
"""


def test_paths_are_numbered_and_the_rest_of_one_is_written_once(run):
    Path("rbac.yaml").write_text(ADMIN)
    code, out, _ = run("to-admin", "rbac.yaml")
    assert code == 0
    lines = out.splitlines()
    assert lines[:12] == [
        "who can become cluster admin: 2 subjects",
        "",
        "1  ops/ServiceAccount/op: is cluster admin",
        "     ClusterRoleBinding/op gives it ClusterRole/cluster-admin in the whole cluster, rbac.yaml",
        "     allows everything on all resources (rules[0] of ClusterRole/cluster-admin)",
        "   → ops/ServiceAccount/op is cluster admin",
        "",
        "2  User/<bob>: 1 way to take",
        "     ops/RoleBinding/dev gives it ClusterRole/edit in ops, rbac.yaml",
        "     allows impersonate on serviceaccounts (rules[1] of ClusterRole/edit)",
        "   → User/<bob> impersonates ops/ServiceAccount/op",
        "     from there as in 1",
    ]
    assert lines.count("     from there as in 1") == 4


def test_one_path_is_drawn(run):
    Path("rbac.yaml").write_text(ADMIN)
    code, out, _ = run("to-admin", "rbac.yaml", "-f", "svg", "--path", "2")
    assert code == 0
    root = ElementTree.fromstring(out)
    shown = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert shown[0] == "User/<bob>"
    assert shown[-1] == "ops/ServiceAccount/op is cluster admin"
    code, _, err = run("to-admin", "rbac.yaml", "-f", "svg", "--path", "9")
    assert code == 2
    assert err == "leadline: there is no path 9: 5 paths were found; the text numbers them\n"
    code, _, err = run("to-admin", "rbac.yaml", "--path", "2")
    assert (code, err) == (2, "leadline: --path 2 needs -f svg; the other formats show every path\n")


def test_an_account_without_its_namespace_is_found_where_a_binding_names_it_once(run):
    Path("rbac.yaml").write_text(ADMIN)
    for word in ("ServiceAccount/op", "sa/op"):
        assert run("of", word, "rbac.yaml")[1].startswith("what ops/ServiceAccount/op may do: ")
    Path("more.yaml").write_text(ADMIN.replace("namespace: ops", "namespace: dev"))
    code, _, err = run("of", "ServiceAccount/op", "rbac.yaml", "more.yaml")
    assert (code, err) == (
        2,
        "leadline: ServiceAccount/op may be dev/ServiceAccount/op, ops/ServiceAccount/op; write one of these\n",
    )
    code, _, err = run("of", "ServiceAccount/nobody", "rbac.yaml")
    assert (code, err.startswith("leadline: no binding names ServiceAccount/nobody; write ")) == (2, True)


@pytest.mark.parametrize("question", [("who-can", "get", "secrets"), ("of", "shop/api"), ("to-admin",)])
def test_every_form_has_the_same_numbers(run, question):
    Path("rbac.yaml").write_text(MANIFESTS + "---" + ADMIN)
    answer = json.loads(run(*question, "rbac.yaml", "-f", "json")[1])["found"]
    rows = list(csv.DictReader(io.StringIO(run(*question, "rbac.yaml", "-f", "csv")[1])))
    text = run(*question, "rbac.yaml")[1]
    subjects = [one["subject"] for one in answer]
    titles = [f"{one['namespace']}/{one['kind']}/{one['name']}".removeprefix("/") for one in subjects]
    assert [row["Subject"] for row in rows] == titles
    assert [row["Steps"] for row in rows] == [
        "; ".join(step["text"] for step in one["steps"]) for one in answer
    ]
    number = len(answer) if question[0] == "of" else len(set(titles))
    assert re.fullmatch(rf".*: {number} (rights?|subjects?)", text.splitlines()[0])
    if question[0] == "to-admin":
        assert len(re.findall(r"^\d+  ", text, re.MULTILINE)) == len(answer) == 5
        page = asyncio.run(access(World(read_folder(["rbac.yaml"], PostureOptions())), Ask()))
        table = page.main_table
        assert table is not None
        steps = [row[2].text for row in table.rows]
        assert ([row[0].text for row in table.rows], steps) == (titles, [row["Steps"] for row in rows])
    else:
        assert text.count("(rules[") == len(answer) > 0


def test_paths_are_at_least_these_where_something_was_not_read(run):
    Path("rbac.yaml").write_text(ADMIN)
    Path("broken.yaml").write_text("kind: [")
    assert run("to-admin", ".")[1].startswith("who can become cluster admin: at least these 2 subjects")
    assert not json.loads(run("to-admin", ".", "-f", "json")[1])["isComplete"]


def test_a_difference_is_said_in_every_format_and_fails_its_gate(run):
    Path("old.yaml").write_text(MANIFESTS)
    Path("rbac.yaml").write_text(MANIFESTS + "---" + ADMIN)
    code, out, _ = run("diff", "old.yaml", "rbac.yaml", "--fail-on", "new-admin")
    assert code == 1
    assert out.splitlines()[:3] == [
        "new ways to cluster admin  5, of 2 subjects that could not before",
        "  ops/ServiceAccount/op: is cluster admin",
        "    ClusterRoleBinding/op gives it ClusterRole/cluster-admin in the whole cluster, rbac.yaml",
    ]
    assert "  ops/ServiceAccount/op in the whole cluster" in out.splitlines()
    assert run("diff", "rbac.yaml", "old.yaml", "--fail-on", "new-admin")[0] == 0
    answer = json.loads(run("diff", "old.yaml", "rbac.yaml", "-f", "json")[1])
    assert answer["newSubjects"] == [
        {"kind": "ServiceAccount", "namespace": "ops", "name": "op"},
        {"kind": "User", "namespace": "", "name": "<bob>"},
    ]
    rows = list(csv.DictReader(io.StringIO(run("diff", "old.yaml", "rbac.yaml", "-f", "csv")[1])))
    assert {row["Change"] for row in rows} == {"new way to admin", "gained"}


def test_a_saved_moment_and_a_revision_are_sides(run):
    Path("old.json").write_text(run("state", "rbac.yaml")[1])
    Path("rbac.yaml").write_text(MANIFESTS + "---" + ADMIN)
    assert json.loads(run("diff", "old.json", "rbac.yaml", "-f", "json")[1])["newSubjects"] != []
    for words in (
        ("init", "-q"), ("add", "rbac.yaml"), ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a")
    ):  # fmt: skip
        subprocess.run(["git", *words], check=True)
    Path("rbac.yaml").write_text(MANIFESTS)
    answer = json.loads(run("diff", "rbac.yaml@HEAD", "rbac.yaml", "-f", "json")[1])
    assert len(answer["goneWays"]) == 5
    assert answer["isComplete"]


@pytest.mark.parametrize("content", ['{"form":"leadline-access"', '{"form":"leadline-access","rights":3}'])
def test_a_broken_state_is_no_empty_side(run, content):
    Path("old.json").write_text(content)
    code, _, err = run("diff", "old.json", "rbac.yaml")
    assert code == 3
    assert err.startswith("leadline: old.json holds no access that was saved: ")


def test_a_broken_file_on_a_side_makes_the_difference_uncertain(run):
    Path("broken").mkdir()
    Path("broken/b.yaml").write_text("kind: [")
    code, out, _ = run("diff", "broken", "rbac.yaml", "--fail-on", "unread")
    assert code == 1
    assert "what is new here may not be new: 1 part was not read on the old side" in out.splitlines()


EVENT = {
    "kind": "Event",
    "stage": "ResponseComplete",
    "verb": "patch",
    "user": {"username": "alice"},
    "objectRef": {
        "resource": "deployments",
        "subresource": "scale",
        "apiGroup": "apps",
        "namespace": "shop",
        "name": "x",
    },
    "annotations": {"authorization.k8s.io/decision": "allow"},
    "requestReceivedTimestamp": "2026-01-01T00:00:00.000000Z",
}


def test_what_is_never_used_is_said_with_the_time_that_was_observed(run):
    later = {**EVENT, "requestReceivedTimestamp": "2026-01-03T05:00:00.000000Z"}
    Path("audit.log").write_text(f"{json.dumps(EVENT)}\n{json.dumps(later)}\n")
    code, out, _ = run("unused", "--audit-log", "audit.log", "rbac.yaml")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "roles with unused rights  1 of 1"
    assert "  unused     update on deployments.apps/scale (rules[1])" in lines
    assert "  -- {apiGroups: [apps], resources: [deployments/scale], verbs: [update, patch]}" in lines
    assert "  +- {apiGroups: [apps], resources: [deployments/scale], verbs: [patch]}" in lines
    assert any(line.startswith("observed 2 days 5 hours (2026-01-01") for line in lines)
    answer = json.loads(run("unused", "--audit-log", "audit.log", "rbac.yaml", "-f", "json")[1])
    assert (answer["isComplete"], answer["replayed"], len(answer["roles"])) == (True, 1, 1)
    rows = list(
        csv.DictReader(io.StringIO(run("unused", "--audit-log", "audit.log", "rbac.yaml", "-f", "csv")[1]))
    )
    assert [row["State"] for row in rows] == ["role", "unused", "unused"]


def test_a_log_that_was_not_read_in_full_is_named_and_an_empty_one_is_no_answer(run):
    Path("audit.log").write_text(f"{json.dumps(EVENT)}\nbroken\n")
    code, out, _ = run("unused", "--audit-log", "audit.log", "rbac.yaml", "--fail-on", "unread")
    assert code == 1
    assert "  audit.log:2 1 line is not an audit event" in out.splitlines()
    Path("audit.log").write_text("")
    code, _, err = run("unused", "--audit-log", "audit.log", "rbac.yaml")
    assert (code, err) == (3, "leadline: no audit events in audit.log; name files of --audit-log-path\n")


def test_a_subject_that_nothing_names_is_not_answered_as_a_known_one_without_rights(run):
    code, out, _ = run("of", "shoop/ServiceAccount/api", "rbac.yaml")
    assert code == 0
    assert "may do: nothing" in out
    assert "note: no binding that was read names shoop/ServiceAccount/api: check the spelling" in out
    assert "check the spelling" not in run("of", "shop/ServiceAccount/api", "rbac.yaml")[1]
    Path("more.yaml").write_text(UNKNOWN)
    assert "check the spelling" not in run("of", "User/bob", "rbac.yaml", "more.yaml")[1]
