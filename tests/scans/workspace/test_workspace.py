import shutil
from pathlib import Path

import pytest
from fresh_scan import said_by, said_by_scan
from typist import Typist

from leadline.scans.options import PostureOptions
from leadline.scans.workspace.fixes import accepted, fix_all, fix_of
from leadline.scans.workspace.links import links_of
from leadline.scans.workspace.workspace import MOST_FINDINGS, Asked, Workspace, first_look

SHOP = Path("examples/shop")
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: shell, namespace: shop}
spec:
  containers:
  - name: shell
    image: busybox
    securityContext:
      privileged: true
"""


def workspace(top: Path, **options: object) -> Workspace:
    return Workspace(str(top), Asked(PostureOptions(**options)))


def lines_of(space: Workspace, file: Path, control: str) -> list[int]:
    return [one.line for one in space.judged(str(file)).problems if control in one.controls]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    shutil.copytree(SHOP, tmp_path / "shop")
    return tmp_path / "shop"


@pytest.fixture
def pod(tmp_path: Path) -> Path:
    (tmp_path / "pod.yaml").write_text(POD)
    return tmp_path / "pod.yaml"


def test_a_folder_is_judged_as_by_a_scan(shop: Path):
    assert said_by(workspace(shop))[0] == said_by_scan(shop, PostureOptions())[0]


def test_a_key_counts_before_the_file_is_saved(pod: Path):
    space = workspace(pod.parent)
    assert lines_of(space, pod, "C-0057") == [9]
    assert space.show(str(pod), POD.replace("      privileged: true\n", "")) == {str(pod)}
    assert lines_of(space, pod, "C-0057") == []
    space.hide(str(pod))
    assert lines_of(space, pod, "C-0057") == [9]


def test_a_broken_document_keeps_what_was_said_of_it_where_it_is_now(pod: Path):
    space = workspace(pod.parent)
    before = space.judged(str(pod))
    space.show(str(pod), POD.replace("spec:\n", "  labels: {\nspec:\n"))
    now = space.judged(str(pod))
    assert [one.controls for one in now.problems] == [one.controls for one in before.problems]
    assert lines_of(space, pod, "C-0057") == [10]
    assert not now.is_current
    assert len(now.unread) == len(before.unread) + 1
    space.show(str(pod), POD)
    assert space.judged(str(pod)) == before


def test_a_document_that_breaks_leaves_the_others_alone(pod: Path):
    other = POD.replace("name: shell, ", "name: other, ")
    space = workspace(pod.parent)
    space.show(str(pod), f"{POD}---\n{other}")
    assert lines_of(space, pod, "C-0057") == [9, 19]
    space.show(
        str(pod),
        f"{POD}  nodeName: [\n---\n{other.replace('      privileged: true', '      privileged: false')}",
    )
    assert lines_of(space, pod, "C-0057") == [9]


def test_a_document_that_was_never_right_keeps_nothing_from_the_others(pod: Path):
    broken = "---\nkind: Pod\nmetadata: {name: other}\nspec: {}\n"
    pod.write_text(POD + broken)
    space = workspace(pod.parent)
    assert lines_of(space, pod, "C-0057") == [9]
    space.show(
        str(pod), POD.replace("      privileged: true\n", "      privileged: false\n") + broken + "x: 1\n"
    )
    assert lines_of(space, pod, "C-0057") == []
    space.show(str(pod), POD + broken)
    assert lines_of(space, pod, "C-0057") == [9]


def test_a_change_is_said_in_the_files_that_it_touches(shop: Path):
    space = workspace(shop)
    policy = shop / "api.yaml"
    text = policy.read_text()
    touched = space.show(
        str(policy), text.replace("policyTypes: [Ingress, Egress]", "policyTypes: [Ingress]")
    )
    assert str(policy) in touched
    (shop / "api.yaml").write_text(space.text(str(policy)) or "")
    assert said_by(space)[0] == said_by_scan(shop, PostureOptions())[0]


def test_files_come_go_and_are_renamed(shop: Path):
    space = workspace(shop)
    (shop / "web.yaml").rename(shop / "renamed.yaml")
    (shop / "pod.yaml").write_text(POD)
    (shop / "db.yaml").unlink(missing_ok=True)
    space.refresh()
    assert said_by(space)[0] == said_by_scan(shop, PostureOptions())[0]


def test_a_comment_accepts_as_it_is_typed(pod: Path):
    space = workspace(pod.parent)
    space.show(str(pod), POD.replace("true\n", "true  # leadline: accept C-0057, C-0211 reads devices\n"))
    assert lines_of(space, pod, "C-0057") == []


def test_what_a_file_of_waivers_accepts_is_not_said(pod: Path, tmp_path: Path):
    waivers = tmp_path / "leadline-waivers.yaml"
    waivers.write_text("waivers:\n- reason: known\n  match: {controls: [C-0057, C-0211], names: [shell]}\n")
    space = workspace(pod.parent, waivers=(str(waivers),))
    assert lines_of(space, pod, "C-0057") == []


def test_no_message_holds_a_secret(pod: Path):
    secret = "ghp_" + "k3J9xQ2mV7bN4cR8tY6wZ1aS5dF0gH2jLpQe"
    text = POD.replace(
        "    securityContext:", f"    env: [{{name: API_TOKEN, value: {secret}}}]\n    securityContext:"
    )
    space = workspace(pod.parent)
    space.show(str(pod), text)
    judged = space.judged(str(pod))
    said = [one.message for one in judged.problems] + [one.text for p in judged.problems for one in p.related]
    fixes = [fix for one in judged.problems if (fix := fix_of(space, one))]
    assert any("API_TOKEN" in one or "env[0]" in one for one in said)
    assert not any(secret in one for one in (*said, *(fix.title for fix in fixes)))


def test_a_fix_is_proven_by_judging_the_text_with_it(pod: Path):
    space = workspace(pod.parent)
    space.show(str(pod), POD)
    before = space.judged(str(pod))
    found = {one.controls[0]: fix_of(space, one) for one in before.problems}
    token = found["C-0034"]
    assert token is not None
    assert token.is_proven
    assert token.risk == ""
    privileged = found["C-0057"]
    assert privileged is not None
    assert privileged.risk
    assert space.judged(str(pod)) == before


def test_all_safe_fixes_of_a_file_are_proven_together(pod: Path):
    space = workspace(pod.parent)
    space.show(str(pod), POD)
    fix = fix_all(space, str(pod))
    assert fix is not None
    lines = POD.splitlines(keepends=True)
    for edit in sorted(fix.edits, key=lambda one: one.first, reverse=True):
        lines[edit.first : edit.end] = [edit.text]
    space.show(str(pod), "".join(lines))
    assert "automountServiceAccountToken: false" in "".join(lines)
    assert "privileged: true" in "".join(lines)
    assert lines_of(space, pod, "C-0034") == []


def test_accepting_writes_the_comment_that_waivers_read(pod: Path):
    space = workspace(pod.parent)
    space.show(str(pod), POD)
    problem = next(one for one in space.judged(str(pod)).problems if "C-0057" in one.controls)
    fix = accepted(space, problem, "      privileged: true", "2099-01-31")
    assert fix is not None
    (edit,) = fix.edits
    lines = POD.splitlines(keepends=True)
    lines[edit.first : edit.end] = [edit.text]
    space.show(str(pod), "".join(lines))
    assert lines_of(space, pod, "C-0057") == []


def test_a_dockerfile_that_breaks_keeps_what_was_said_of_it(tmp_path: Path):
    file = tmp_path / "Dockerfile"
    file.write_text("FROM alpine AS one\n\nUSER root\n")
    space = workspace(tmp_path)
    assert said_by(space)[0] == said_by_scan(tmp_path, PostureOptions())[0]
    assert lines_of(space, file, "L-0106") == [3]
    space.show(str(file), "FROM alpine AS one\n# a comment\nFOO\nUSER root\n")
    assert lines_of(space, file, "L-0106") == [4]
    assert [one.line for one in space.judged(str(file)).unread] == [3]
    space.show(str(file), "FROM alpine AS one\n---\nUSER root\n")
    assert lines_of(space, file, "L-0106") == [3]
    space.show(str(file), "FROM alpine AS one\n\nUSER app\n")
    assert lines_of(space, file, "L-0106") == []
    problem = next(one for one in space.judged(str(file)).problems if "L-0108" in one.controls)
    fix = accepted(space, problem, "FROM alpine AS one", "2999-01-31")
    assert fix is not None
    space.show(str(file), fix.edits[0].text + "FROM alpine AS one\n\nUSER app\n")
    assert lines_of(space, file, "L-0108") == []


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_typed_it_says_what_a_fresh_scan_says(shop: Path, tmp_path: Path, seed: int):
    (tmp_path / "model").mkdir()
    typist = Typist(shop, tmp_path / "model", seed)
    for _ in range(80):
        typist.step()
    typist.compare()
    assert typist.compared > typist.broken


def test_a_first_look_says_what_does_not_depend_on_other_files(shop: Path):
    file = shop / "web.yaml"
    asked = Asked(PostureOptions())
    looked = first_look(str(shop), asked, {str(file): file.read_text()})[str(file)]
    whole = Workspace(str(shop), asked).judged(str(file))
    ids = {one for problem in whole.problems for one in problem.controls}
    assert looked.problems
    assert {one for problem in looked.problems for one in problem.controls} <= ids


def test_of_a_file_with_very_many_findings_the_rest_is_counted(tmp_path: Path):
    many = "---\n".join(POD.replace("name: shell, ", f"name: shell-{n}, ") for n in range(400))
    (tmp_path / "many.yaml").write_text(many)
    judged = workspace(tmp_path).judged(str(tmp_path / "many.yaml"))
    assert 0 < len(judged.problems) <= MOST_FINDINGS
    assert judged.more > 0


def test_nothing_outside_of_the_folder_is_read(tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/pod.yaml").write_text(POD)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/link.yaml").symlink_to(tmp_path / "out/pod.yaml")
    (tmp_path / "in/kustomization.yaml").write_text("resources:\n- ../out/pod.yaml\n")
    space = workspace(tmp_path / "in")
    assert list(space.objects) == []
    assert space.show(str(tmp_path / "in/link.yaml"), POD) == set()
    assert space.judged(str(tmp_path / "out/pod.yaml")).problems == ()
    build = tmp_path / "in/kustomization.yaml"
    assert list(links_of(space, str(build), build.read_text())) == []


@pytest.mark.parametrize(
    "content",
    [
        b"\0\1\2",
        b"a: " + b"[" * 5_000,
        b"\xff\xfe\x00",
        b"- &a [*a]",
        b"\xff" * 100,
        b"a: 'b",
        b"x" * 100_000,
    ],
)
def test_whatever_a_file_holds_the_others_are_judged(pod: Path, content: bytes):
    before = workspace(pod.parent).judged(str(pod))
    (pod.parent / "other.yaml").write_bytes(content)
    space = workspace(pod.parent)
    assert space.judged(str(pod)) == before
    space.show(str(pod.parent / "other.yaml"), POD)
    space.show(str(pod.parent / "other.yaml"), content.decode("utf-8", "replace"))
    space.hide(str(pod.parent / "other.yaml"))
    assert space.judged(str(pod)) == before
