"""Edits on real shapes of files: they do what they should, and nothing else."""

import json
import os
import shutil
import stat
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.errors import StoreError, UsageError
from leadline.model.control import Missing, Remove, Review, Set
from leadline.model.finding import Finding
from leadline.model.resource import Resource, resource_of
from leadline.outputs.text.patch import FixedFile, exact_patch
from leadline.scans.fixing.fix_scan import FixAim, FixResult, agree_to_all, fix_scan
from leadline.scans.fixing.wanted_edits import WantedEdit, wanted_edits
from leadline.scans.fixing.working_copy import write_back
from leadline.scans.options import ChartOptions, PostureOptions
from leadline.scans.posture.posture_scan import posture_scan

SHOP = Path(__file__).parents[2] / "examples" / "shop"
POD = """\
# kept
apiVersion: v1
kind: Pod
metadata: {name: "shell"}   # as it is
spec:
  containers:
    - name: shell
      image: busybox:1.36
      securityContext:
        privileged: true
"""
PRIVILEGED = PostureOptions(controls=("C-0057",), environ=os.environ)


def fixed(folder: Path, options: PostureOptions = PRIVILEGED) -> FixResult:
    return fix_scan([str(folder)], options, FixAim(agrees=agree_to_all))


def failing(folder: Path, options: PostureOptions) -> set[tuple[str, str]]:
    report = posture_scan([str(folder)], options)
    return {(finding.control, finding.resource) for finding in report.findings}


def test_one_line_goes_and_every_other_stays(tmp_path: Path):
    (tmp_path / "a.yaml").write_text(POD)
    (file,) = fixed(tmp_path).files
    assert file.after == POD.replace(
        "      securityContext:\n        privileged: true\n", "      securityContext: {}\n"
    )
    assert (tmp_path / "a.yaml").read_text() == POD


@pytest.mark.parametrize(
    "content",
    [
        POD.replace("\n", "\r\n"),
        "\ufeff" + POD,
        POD + "---\n" + POD.replace("shell", "other"),
        '{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},'
        ' "spec": {"containers": [{"name": "a", "image": "b", "securityContext": {"privileged": true}}]}}]}',
        POD.removesuffix("\n"),
    ],
    ids=["CRLF", "mark", "two documents", "JSON List", "no line end"],
)
def test_every_shape_of_file_keeps_it(content: str, tmp_path: Path):
    (tmp_path / "a.yaml").write_bytes(content.encode())
    result = fixed(tmp_path)
    write_back(result.files)
    after = (tmp_path / "a.yaml").read_bytes().decode()
    assert not failing(tmp_path, PRIVILEGED)
    assert after.count("\r\n") == after.count("\n") or "\r" not in content
    assert after.startswith("\ufeff") == content.startswith("\ufeff")
    assert after.endswith("\n") == content.endswith("\n")


def test_one_run_does_all_that_can_be_done(tmp_path: Path):
    for file in SHOP.rglob("*"):
        if file.is_file():
            there = tmp_path / file.relative_to(SHOP)
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_bytes(file.read_bytes())
    options = PostureOptions(environ=os.environ)
    before = failing(tmp_path, options)
    result = fixed(tmp_path, options)
    assert len(result.made) > 50
    assert not result.not_made
    write_back(result.files)
    after = failing(tmp_path, options)
    assert after - before == {(control, id) for control, id in result.came}
    assert len(after) == result.failed_after < result.failed_before == len(before)
    again = fixed(tmp_path, options)
    assert (again.files, again.made, again.not_made) == ((), (), ())


def chart(folder: Path, template: str, values: str) -> Path:
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.0.0\n")
    (folder / "values.yaml").write_text(values)
    (folder / "templates" / "pod.yaml").write_text(template)
    return folder


TEMPLATE = """\
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}
spec:
  containers:
    - name: web
      image: busybox:1.36
      securityContext:
        {{- toYaml .Values.securityContext | nindent 8 }}
"""


@pytest.mark.parametrize(
    ("template", "values", "file", "after"),
    [
        (
            TEMPLATE,
            "# of the container\nsecurityContext:\n  privileged: true # why?\n  runAsUser: 7\n",
            "values.yaml",
            "# of the container\nsecurityContext:\n  runAsUser: 7\n",
        ),
        (
            TEMPLATE.replace(
                "{{- toYaml .Values.securityContext | nindent 8 }}", "privileged: {{ .Values.root }}"
            ),
            "root: true\n",
            "values.yaml",
            "",
        ),
        (
            TEMPLATE.replace(
                "{{- toYaml .Values.securityContext | nindent 8 }}", "runAsUser: 7\n        privileged: true"
            ),
            "a: 1\n",
            "templates/pod.yaml",
            TEMPLATE.replace("{{- toYaml .Values.securityContext | nindent 8 }}", "runAsUser: 7"),
        ),
    ],
    ids=["block of values", "one value", "line of the template"],
)
def test_a_chart_is_edited_where_the_field_is_set(
    template: str, values: str, file: str, after: str, tmp_path: Path
):
    chart(tmp_path / "web", template, values)
    result = fixed(tmp_path)
    assert [Path(one.path).relative_to(tmp_path / "web").as_posix() for one in result.files] == [file]
    assert not after or result.files[0].after == after
    write_back(result.files)
    assert not failing(tmp_path, PRIVILEGED)


GUARDED = TEMPLATE.replace(
    "      securityContext:\n        {{- toYaml .Values.securityContext | nindent 8 }}",
    "      {{- with .Values.securityContext }}\n      securityContext:\n        {{- toYaml . | nindent 8 }}\n      {{- end }}",
)
NAMED_BY_AN_ACTION = TEMPLATE.replace(
    "name: web\n      image: busybox:1.36\n      securityContext:\n        {{- toYaml .Values.securityContext | nindent 8 }}",
    "name: {{ .Chart.Name }}\n      image: busybox:1.36",
)
HARDENED = PostureOptions(controls=("C-0013", "C-0016", "C-0017", "L-0019"), environ=os.environ)


@pytest.mark.parametrize(
    ("template", "partial", "file"),
    [
        (GUARDED, "", "values.yaml"),
        (NAMED_BY_AN_ACTION, "", "templates/pod.yaml"),
        (
            TEMPLATE.replace("toYaml .Values.securityContext", 'include "web.context" .'),
            '{{- define "web.context" -}}\n{{- toYaml .Values.securityContext -}}\n{{- end -}}\n',
            "values.yaml",
        ),
        (
            GUARDED.replace("with .Values.securityContext", "if .Values.securityContext").replace(
                "toYaml .", "toYaml .Values.securityContext"
            ),
            "",
            "values.yaml",
        ),
        (
            'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  {{- include "web.pod" . | nindent 2 }}\n',
            '{{- define "web.pod" -}}\ncontainers:\n- name: web\n  image: busybox:1.36\n'
            "  {{- with .Values.securityContext }}\n  securityContext:\n    {{- toYaml . | nindent 4 }}\n  {{- end }}\n{{- end -}}\n",
            "values.yaml",
        ),
    ],
    ids=["with", "beside an action", "partial writes the value", "if", "partial writes the pod"],
)
def test_what_a_chart_does_not_render_yet_is_set_where_it_would_be_written(
    template: str, partial: str, file: str, tmp_path: Path
):
    folder = chart(tmp_path / "web", template, "# kept\nsecurityContext: {}\n")
    (folder / "templates" / "_helpers.tpl").write_text(partial)
    result = fixed(tmp_path, HARDENED)
    assert result.not_made == ()
    assert file in [Path(one.path).relative_to(folder).as_posix() for one in result.files]
    write_back(result.files)
    assert not failing(tmp_path, HARDENED)
    assert [
        file
        for file in folder.rglob("*")
        if file.is_file() and file.read_text().count("securityContext:") > 1
    ] == []


def test_a_key_that_the_template_writes_for_some_values_is_not_written_beside_it(tmp_path: Path):
    template = GUARDED.replace("toYaml .", "omit . | toJson")
    template = template.replace("with .Values.securityContext", "if eq .Values.mode (print 1)")
    chart(tmp_path / "web", template, "mode: a\n")
    assert fixed(tmp_path, HARDENED).files == ()


def test_a_value_that_does_more_than_the_edit_is_left_alone(tmp_path: Path):
    template = TEMPLATE.replace(
        "{{- toYaml .Values.securityContext | nindent 8 }}",
        "privileged: {{ .Values.root }}\n      env: [{name: IS_ROOT, value: {{ .Values.root | quote }}}]",
    )
    chart(tmp_path / "web", template, "root: true\n")
    result = fixed(tmp_path)
    assert result.files == ()
    assert [one.why for one in result.not_made] == ["it would change more than this"]


def kustomization(folder: Path, patch: str = "") -> None:
    for name in ("base", "prod"):
        (folder / name).mkdir(parents=True)
    (folder / "base" / "kustomization.yaml").write_text("resources: [pod.yaml]\n")
    (folder / "base" / "pod.yaml").write_text(
        POD if not patch else POD.replace("privileged: true", "runAsUser: 7")
    )
    patches = "patches: [{path: patch.yaml}]\n" if patch else ""
    (folder / "prod" / "kustomization.yaml").write_text(f"namePrefix: prod-\nresources: [../base]\n{patches}")
    if patch:
        (folder / "prod" / "patch.yaml").write_text(patch)


def test_a_kustomization_is_edited_in_its_base(tmp_path: Path):
    kustomization(tmp_path)
    result = fixed(tmp_path)
    assert [Path(file.path).name for file in result.files] == ["pod.yaml"]
    write_back(result.files)
    assert not failing(tmp_path, PRIVILEGED)


def test_a_kustomization_is_edited_in_the_patch_that_sets_the_field(tmp_path: Path):
    body = "spec: {containers: [{name: shell, securityContext: {privileged: true}}]}"
    kustomization(tmp_path, f"apiVersion: v1\nkind: Pod\nmetadata: {{name: shell}}\n{body}\n")
    result = fixed(tmp_path)
    assert [Path(file.path).name for file in result.files] == ["patch.yaml"]
    write_back(result.files)
    assert not failing(tmp_path, PRIVILEGED)


ROWS = """\
# the overlay
resources: [../base]
patches:
  - target: {kind: Pod, name: shell}
    patch: |-
      # of the team
      - op: add
        path: /spec/containers/0/securityContext
        value: {runAsUser: 7, privileged: true}   # why?

      - op: add
        path: /metadata/labels
        value: {team: a}
namePrefix: prod-
"""
MERGED = """\
resources: [../base]
patches:
  - patch: |
      apiVersion: v1
      kind: Pod
      metadata: {name: shell}
      spec:
        containers:
          - name: shell
            securityContext:
              privileged: true
              runAsUser: 8
"""


@pytest.mark.parametrize(
    ("overlay", "line"),
    [
        (ROWS, "        value: {runAsUser: 7, privileged: true}   # why?\n"),
        (MERGED, "              privileged: true\n"),
    ],
    ids=["JSON patch", "merge patch"],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_patch_in_the_text_of_a_kustomization_is_edited_there(
    overlay: str, line: str, newline: str, tmp_path: Path
):
    kustomization(tmp_path)
    (tmp_path / "base" / "pod.yaml").write_text(POD.replace("privileged: true", "runAsUser: 7"))
    (tmp_path / "prod" / "kustomization.yaml").write_text(overlay, newline=newline)
    (file,) = fixed(tmp_path).files
    kept = line.replace(", privileged: true", "") if "{" in line else ""
    assert file.after == overlay.replace(line, kept).replace("\n", newline)


def test_a_json_patch_in_a_file_is_edited_there_also_below_what_it_adds(tmp_path: Path):
    kustomization(tmp_path)
    (tmp_path / "base" / "pod.yaml").write_text(
        POD.replace("      securityContext:\n        privileged: true\n", "")
    )
    (tmp_path / "prod" / "kustomization.yaml").write_text(
        "resources: [../base]\npatches:\n  - path: patch.json\n    target: {kind: Pod}\n"
    )
    patch = '[{"op": "add", "path": "/spec/containers/0/securityContext", "value": {"runAsUser": 7, "privileged": true}}]\n'
    (tmp_path / "prod" / "patch.json").write_text(patch)
    result = fixed(tmp_path, PostureOptions(controls=("C-0057", "C-0017"), environ=os.environ))
    by_name = {Path(file.path).name: file.after for file in result.files}
    assert by_name["patch.json"] == patch.replace('"privileged": true', '"readOnlyRootFilesystem": true')
    write_back(result.files)
    assert {control for control, _ in failing(tmp_path, PRIVILEGED)} == set()


@pytest.mark.parametrize("where", ["inside", "outside"])
def test_the_users_file_of_values_is_edited_where_it_says_the_value(where: str, tmp_path: Path):
    folder = chart(tmp_path / "web", TEMPLATE, "securityContext:\n  privileged: true\n")
    values = tmp_path / "web" / "prod.yaml" if where == "inside" else tmp_path / "prod.yaml"
    values.write_text("# of production\nsecurityContext:\n  privileged: true # why?\n  runAsUser: 7\n")
    options = PostureOptions(
        controls=("C-0057",), charts=ChartOptions(values=(str(values),)), environ=os.environ
    )
    result = fixed(folder, options)
    by_name = {Path(file.path).name: file.after for file in result.files}
    assert (
        by_name["prod.yaml"]
        == "# of production\nsecurityContext:\n  privileged: false # why?\n  runAsUser: 7\n"
    )
    write_back(result.files)
    assert not failing(folder, options)


def test_a_value_of_the_command_line_is_not_written_into_files(tmp_path: Path):
    folder = chart(tmp_path / "web", TEMPLATE, "securityContext:\n  runAsUser: 7\n")
    options = PostureOptions(
        controls=("C-0057",),
        charts=ChartOptions(set=("securityContext.privileged=true",)),
        environ=os.environ,
    )
    result = fixed(folder, options)
    assert result.files == ()
    assert [one.why for one in result.not_made] == [
        "its value securityContext.privileged is given for this run, over what files say"
    ]


def packed(folder: Path) -> Path:
    archive = folder.with_name(f"{folder.name}-1.0.0.tgz")
    with tarfile.open(archive, "w:gz") as members:
        members.add(folder, folder.name)
    shutil.rmtree(folder)
    return archive


def test_a_packed_chart_says_why_it_is_not_written(tmp_path: Path):
    packed(chart(tmp_path / "web", TEMPLATE, "securityContext: {privileged: true}\n"))
    result = fixed(tmp_path)
    assert result.files == ()
    assert [one.why for one in result.not_made] == [
        "its chart is a packed file: unpack it with tar -xzf, or give the value in a file of values"
    ]


def test_a_packed_chart_within_another_gets_the_value_from_the_one_around_it(tmp_path: Path):
    around = chart(tmp_path / "shop", "# nothing\n", "# of the shop\nglobal: {}\n")
    (around / "Chart.yaml").write_text(
        "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies: [{name: web, version: 1.0.0, repository: ''}]\n"
    )
    packed(chart(around / "charts" / "web", TEMPLATE, "securityContext: {privileged: true}\n"))
    result = fixed(tmp_path)
    assert [Path(file.path).name for file in result.files] == ["values.yaml"]
    write_back(result.files)
    assert not failing(tmp_path, PRIVILEGED)


def test_a_kustomization_is_edited_in_its_base_below_what_a_transformer_adds(tmp_path: Path):
    kustomization(tmp_path)
    (tmp_path / "base" / "pod.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n")
    with (tmp_path / "prod" / "kustomization.yaml").open("a") as stream:
        stream.write("commonLabels: {team: a}\n")
    options = PostureOptions(controls=("C-0193",), environ=os.environ)
    result = fixed(tmp_path, options)
    assert [Path(file.path).name for file in result.files] == ["pod.yaml"]
    assert result.not_made == ()


# What must not happen


CONTROL_PLANE = """\
apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
  namespace: kube-system
  labels: {component: kube-apiserver, tier: control-plane}
spec:
  hostNetwork: true
  containers:
    - name: kube-apiserver
      image: registry.k8s.io/kube-apiserver:v1.31.0
      command: [kube-apiserver, --secure-port=6443]
"""


def test_what_could_stop_the_control_plane_is_not_edited_and_its_other_flags_follow_without_a_gap(
    tmp_path: Path,
):
    (tmp_path / "kube-apiserver.yaml").write_text(CONTROL_PLANE)
    result = fixed(tmp_path, PostureOptions(environ=os.environ))
    (file,) = result.files
    assert "hostNetwork: true" in file.after
    assert "runAsNonRoot" not in file.after
    assert "--anonymous-auth=false" not in file.after
    assert "--profiling=false" in file.after
    whys = {one.edit.path.rpartition(".")[2]: one.why for one in result.not_made}
    assert "this could stop them" in whys["runAsNonRoot"]
    assert all("nothing can be written" not in why for why in whys.values())


def test_a_user_of_the_same_name_is_no_control_plane(tmp_path: Path):
    (tmp_path / "a.yaml").write_text(CONTROL_PLANE.replace("kube-system", "shop"))
    (file,) = fixed(tmp_path, HARDENED).files
    assert "runAsNonRoot: true" in file.after


def test_a_file_that_changed_meanwhile_is_not_written_nor_is_any_other(tmp_path: Path):
    (tmp_path / "a.yaml").write_text(POD)
    (tmp_path / "b.yaml").write_text(POD.replace("shell", "other"))
    result = fixed(tmp_path)
    (tmp_path / "b.yaml").write_text("changed")
    with pytest.raises(StoreError, match=r"b\.yaml was changed meanwhile"):
        write_back(result.files)
    assert (tmp_path / "a.yaml").read_text() == POD


def test_nothing_is_written_through_a_link(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "real.yaml").write_text(POD)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "inside.yaml").write_text(POD.replace("shell", "inside"))
    (tmp_path / "tree" / "out.yaml").symlink_to(tmp_path / "elsewhere" / "real.yaml")
    result = fixed(tmp_path / "tree")
    assert [Path(file.path).name for file in result.files] == ["inside.yaml"]
    write_back(result.files)
    assert (tmp_path / "elsewhere" / "real.yaml").read_text() == POD


def test_a_file_that_became_a_link_is_not_written(tmp_path: Path):
    (tmp_path / "a.yaml").write_text(POD)
    result = fixed(tmp_path)
    (tmp_path / "other").write_text(POD)
    (tmp_path / "a.yaml").unlink()
    (tmp_path / "a.yaml").symlink_to(tmp_path / "other")
    with pytest.raises(StoreError):
        write_back(result.files)
    assert (tmp_path / "other").read_text() == POD


def test_the_mode_of_a_file_stays_and_no_other_file_is_left(tmp_path: Path):
    (tmp_path / "a.yaml").write_text(POD)
    (tmp_path / "a.yaml").chmod(0o640)
    write_back(fixed(tmp_path).files)
    assert stat.S_IMODE((tmp_path / "a.yaml").stat().st_mode) == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]


@pytest.mark.parametrize("targets", [["-"], [], ["https://git.example/shop"], ["git@git.example:shop"]])
def test_what_is_no_file_cannot_be_fixed(targets: list[str]):
    with pytest.raises(UsageError):
        fix_scan(targets, PRIVILEGED)


# What is asked for


def finding(violation: Remove | Set | Review | Missing, control: str = "C-1") -> Finding:
    return Finding(control, "x", violation)


@pytest.mark.parametrize(
    ("violation", "is_edit"),
    [
        (Remove("spec.hostPID"), True),
        (Remove("spec.containers[0].securityContext.capabilities.add[0]"), True),
        (Remove("spec.containers[0].env[0].name"), False),
        (Remove("spec.volumes[0]"), False),
        (Remove("spec.containers[0].volumeMounts[1]"), False),
        (Remove("data.password"), False),
        (Remove("subjects[0]"), False),
        (Remove("rules[0].verbs[1]"), True),
        (Set("spec.x", 1), True),
        (Set("spec.x", "YOUR_VALUE"), False),
        (Set("spec.x", {"a": ["YOUR_VALUE"]}), False),
        (Review("spec.x"), False),
        (Missing("a NetworkPolicy"), False),
    ],
)
def test_what_something_may_rely_upon_is_for_a_person(violation, is_edit: bool):
    resource = resource_of({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}})
    wanted = wanted_edits([finding(violation)], {"x": resource}, {"C-1": 0})
    assert (len(wanted.edits), len(wanted.decisions)) == ((1, 0) if is_edit else (0, 1))


def test_two_items_that_are_added_at_one_place_are_both_added():
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"args": ["x"]}}
    findings = [finding(Set("spec.args[1]", "--a"), "C-1"), finding(Set("spec.args[1]", "--b"), "C-2")]
    wanted = wanted_edits(findings, {"x": resource_of(body)}, {"C-1": 0, "C-2": 1})
    assert [edit.path for edit in wanted.edits] == ["spec.args[1]", "spec.args[2]"]


def test_of_two_values_for_a_field_the_more_urgent_control_has_its_own():
    findings = [finding(Set("spec.x", 1), "C-1"), finding(Set("spec.x", 2), "C-2")]
    wanted = wanted_edits(findings, {"x": resource_of({"kind": "Pod"})}, {"C-1": 1, "C-2": 0})
    assert [edit.change for edit in wanted.edits] == [Set("spec.x", 2)]
    assert [one.control for one in wanted.decisions] == ["C-1"]


# The diff


LINES = st.lists(st.sampled_from("abc"), max_size=12)


@given(LINES, LINES, LINES, LINES)
def test_a_patch_makes_the_one_file_of_the_other(head, old, new, tail):
    before, after = ("".join(f"{line}\n" for line in (*head, *middle, *tail)) for middle in (old, new))
    patch = exact_patch(FixedFile("a.yaml", "", before, after)) or ""
    made, at = [], 0
    rest = before.splitlines(keepends=True)
    for line in patch.splitlines(keepends=True)[2:]:
        if line[0] == "@":
            start, _, size = line.split()[1][1:].partition(",")
            # A hunk without lines on this side names the line before it.
            begins = int(start) - (size != "0")
            made, at = [*made, *rest[at:begins]], begins
        else:
            assert line[0] == "+" or rest[at] == line[1:]
            made += [line[1:]] * (line[0] != "-")
            at += line[0] != "+"
    assert "".join([*made, *rest[at:]]) == after


def test_a_patch_that_would_show_a_secret_is_not_written():
    hide = {0: lambda line: line.replace("hunter2", "***")}
    far = FixedFile(
        "a.yaml",
        "",
        "password: hunter2\n" + "a: 1\n" * 9 + "b: 2\n",
        "password: hunter2\n" + "a: 1\n" * 9,
        hide,
    )
    near = FixedFile("a.yaml", "", "password: hunter2\nb: 2\n", "password: hunter2\n", hide)
    gone = FixedFile("a.yaml", "", "password: hunter2\nb: 2\n", "b: 2\n", hide)
    assert "@@ -8,4 +8,3 @@" in (exact_patch(far) or "")
    assert exact_patch(near) == "--- a/a.yaml\n+++ b/a.yaml\n@@ -2 +1,0 @@\n-b: 2\n"
    assert exact_patch(gone) is None


KEPT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      hostNetwork: true  # needs the node's DNS
      containers:
      - name: web
        image: nginx:1.27
"""


def test_what_may_stop_a_program_is_left_with_its_reason(tmp_path: Path):
    (tmp_path / "a.yaml").write_text(KEPT)
    result = fix_scan([str(tmp_path)], PostureOptions(environ=os.environ))
    (file,) = result.files
    assert [line for line in file.before.splitlines() if line not in file.after.splitlines()] == []
    risks = {edit.path.rpartition(".")[2]: edit.risk for edit in result.risky}
    assert 'beside it is written "needs the node\'s DNS"' in risks["hostNetwork"]
    assert risks.keys() >= {"readOnlyRootFilesystem", "runAsNonRoot", "drop[0]", "hostNetwork"}
    assert {edit.risk for edit in result.made} == {""}


def test_each_risky_edit_is_asked_about_once_and_made_where_someone_agrees(tmp_path: Path):
    (tmp_path / "a.yaml").write_text(KEPT)
    asked: list[str] = []

    def agrees(edit: WantedEdit, resource: Resource) -> bool:
        asked.append(edit.path)
        return edit.path.endswith("hostNetwork")

    result = fix_scan([str(tmp_path)], PostureOptions(environ=os.environ), FixAim(agrees=agrees))
    assert len(asked) == len(set(asked))
    assert "hostNetwork" not in result.files[0].after
    assert "readOnlyRootFilesystem" not in result.files[0].after
    assert not any(edit.path.endswith("hostNetwork") for edit in result.risky)


def test_a_pod_among_facts_of_a_node_is_never_edited(tmp_path: Path):
    """It is a copy of a file that the node has."""
    fact = {
        "apiVersion": "hostdata.kubescape.cloud/v1beta1",
        "kind": "KubeletInfo",
        "metadata": {"name": "node1"},
        "spec": {"nodeName": "node1"},
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"containers": [{"name": "web", "image": "web:1", "securityContext": {"privileged": True}}]},
    }
    facts = tmp_path / "node.json"
    facts.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [fact, pod]}, indent=1))
    (tmp_path / "pod.json").write_text(json.dumps({**pod, "metadata": {"name": "till"}}, indent=1))
    result = fixed(tmp_path)
    assert [Path(file.path).name for file in result.files] == ["pod.json"]
    assert [(one.edit.on.rpartition("/")[2], "on the node" in one.why) for one in result.not_made] == [
        ("web", True)
    ]
