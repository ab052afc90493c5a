"""The command line as a user meets it: words in, text, files and exit codes out."""

import gc
import io
import json
import tarfile
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from leadline.programs.cli.main import main

BAD = """\
apiVersion: v1
kind: Pod
metadata:
  name: shell
  namespace: shop
spec:
  containers:
    - name: shell
      image: busybox:1.36
      securityContext:
        privileged: true
"""
GOOD = BAD.replace("privileged: true", "privileged: false").replace(
    "name: shell\n  namespace", "name: fine\n  namespace"
)
PRIVILEGED = ["scan", "control", "C-0057"]


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    Path("bad.yaml").write_text(BAD)
    Path("good.yaml").write_text(GOOD)
    yield
    gc.enable()


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    out, err = capfd.readouterr()
    return code, out, err


def test_a_pipe_gets_one_line_per_finding(capfd):
    assert run(capfd, *PRIVILEGED, "bad.yaml", "good.yaml") == (
        0,
        "bad.yaml:11:9: critical C-0057 Privileged container [shop/Pod/shell] "
        "remove spec.containers[0].securityContext.privileged\n",
        "1 edit for 1 finding: 1 critical\n",
    )


def test_quiet_keeps_stderr_empty(capfd):
    assert run(capfd, *PRIVILEGED, "good.yaml", "-q") == (0, "", "")


def test_several_formats_go_to_one_file_each(capfd):
    code, out, err = run(
        capfd, *PRIVILEGED, "bad.yaml", "-f", "json,sarif", "-f", "pretty-printer", "-o", "out/r.json"
    )
    assert (code, out) == (0, "")
    assert err.splitlines() == [
        "written: out/r.json",
        "written: out/r.sarif",
        "written: out/r.txt",
        "1 edit for 1 finding: 1 critical",
    ]
    assert sorted(p.name for p in Path("out").iterdir()) == ["r.json", "r.sarif", "r.txt"]
    assert json.loads(Path("out/r.json").read_text())["summaryDetails"]["status"] == "failed"


def test_one_format_goes_to_the_file_as_named(capfd):
    code, _, _ = run(capfd, *PRIVILEGED, "bad.yaml", "-f", "sarif", "--output", "deep/er/report")
    assert (code, [p.name for p in Path("deep/er").iterdir()]) == (0, ["report"])


def test_the_file_of_a_scan_that_fails_is_left_as_it_was(capfd):
    Path("r.json").write_text("old")
    code, _, err = run(capfd, "scan", "nosuch.yaml", "-f", "json", "-o", "r.json")
    assert (code, err) == (3, "leadline: no such file: nosuch.yaml; check the path\n")
    assert sorted(p.name for p in Path().iterdir()) == ["bad.yaml", "good.yaml", "r.json"]
    assert Path("r.json").read_text() == "old"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("sbom", "a.json"), "use leadline image sbom a.json, or leadline scan image a.json for one that"),
        (("fs", "a.json"), "use leadline scan a.json"),
        (("images", "nginx"), "use leadline scan image nginx"),
        (("a.json",), "leadline scan image a.json reads images and SBOMs"),
        (("a.xml",), "leadline scan image a.xml reads images and SBOMs"),
        (("layout",), "leadline scan image layout reads images and SBOMs"),
        (("a.tar",), "leadline scan image a.tar reads images and SBOMs"),
    ],
)
def test_who_scans_what_is_for_images_is_told_the_command(capfd, words, hint):
    Path("a.json").write_text('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}')
    Path("a.xml").write_text('<bom xmlns="http://cyclonedx.org/schema/bom/1.6"/>')
    Path("a.tar").write_bytes(bytes(2048))
    Path("layout").mkdir()
    Path("layout/oci-layout").write_text("{}")
    code, _, err = run(capfd, "scan", *words)
    assert code in (2, 3)
    assert f"; {hint}" in err


def test_descriptors_are_written_in_place(capfd):
    with Path("r.json").open("w") as stream:
        name = f"/dev/fd/{stream.fileno()}"
        code, _, err = run(capfd, *PRIVILEGED, "bad.yaml", "-f", "json", "-o", name)
    assert (code, err) == (0, f"written: {name}\n1 edit for 1 finding: 1 critical\n")
    assert json.loads(Path("r.json").read_text())["summaryDetails"]["status"] == "failed"


def test_dev_stdout_is_standard_output(capfd):
    code, out, err = run(capfd, *PRIVILEGED, "bad.yaml", "-f", "lines", "-o", "/dev/stdout")
    assert (code, out.split(" ")[0], err) == (0, "bad.yaml:11:9:", "1 edit for 1 finding: 1 critical\n")
    assert Path("/dev/stdout").is_symlink()


def test_a_full_disk_is_named(capfd):
    message = "leadline: cannot write /dev/full: no space left on device\n"
    assert run(capfd, *PRIVILEGED, "bad.yaml", "-f", "json", "-o", "/dev/full") == (3, "", message)


def test_the_manifest_is_not_overwritten_by_the_report(capfd):
    Path("link.yaml").symlink_to("bad.yaml")
    message = "leadline: the report would take the place of bad.yaml; --output takes another file\n"
    assert run(capfd, "scan", "good.yaml", "bad.yaml", "-o", "./link.yaml") == (2, "", message)
    assert Path("bad.yaml").read_text() == BAD


def test_a_file_without_an_object_is_no_pass(capfd):
    Path("empty.yaml").write_text("# nothing\n")
    message = "leadline: nothing to judge in empty.yaml: it holds no object\n"
    assert run(capfd, "scan", "empty.yaml") == (3, "", message)


def test_standard_input_is_read(capfd, monkeypatch):
    class Stdin:
        buffer = Path("bad.yaml").open("rb")  # noqa: SIM115

    monkeypatch.setattr("sys.stdin", Stdin)
    code, out, _ = run(capfd, *PRIVILEGED, "-")
    Stdin.buffer.close()
    assert (code, out.split(" ")[0]) == (0, "-:11:9:")


@pytest.mark.parametrize(
    ("flags", "code", "verdict"),
    [
        (["--severity-threshold", "high"], 1, "failed: --severity-threshold high, 1 finding at or above it"),
        (["--severity-threshold", "CRITICAL"], 1, "failed: --severity-threshold critical, 1 finding at or above it"),
        (["--compliance-threshold", "50.5"], 1, "failed: --compliance-threshold 50.5, the score is 50"),
        (["--compliance-threshold", "50"], 0, "passed: --compliance-threshold 50; 1 not read"),
        (["--fail-on", "unread"], 1, "failed: --fail-on unread, 1 not read"),
        (
            ["--severity-threshold", "low", "--fail-on", "unread", "--compliance-threshold", "1"],
            1,
            "failed: --severity-threshold low, 1 finding at or above it; --fail-on unread, 1 not read",
        ),
        (["--severity-threshold", "high", "--min-severity", "critical"], 1, "failed: --severity-threshold high, 1 finding at or above it"),
    ],
)  # fmt: skip
def test_gates_decide_the_exit_code_and_the_last_line(capfd, flags: list[str], code: int, verdict: str):
    Path("broken.yaml").write_text("kind: [\n")
    files = ["bad.yaml", "good.yaml", "broken.yaml"]
    got, out, err = run(capfd, *PRIVILEGED, *files, *flags)
    assert (got, err.splitlines()[-1]) == (code, verdict)
    got, out, err = run(capfd, *PRIVILEGED, *files, *flags, "-f", "pretty")
    assert (got, out.splitlines()[-1], err) == (code, verdict, "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["scan", "control", "C-0057x", "bad.yaml"], "unknown control C-0057x; did you mean C-0057?"),
        (["scan", "framework", "nsaa", "bad.yaml"], "unknown framework nsaa; did you mean NSA?"),
        (["scan", "framework"], "scan framework needs a name; for example: leadline scan framework nsa deploy/"),
        (["scan", "bad.yaml", "-f", "jsno"], "unknown format jsno; did you mean json?"),
        (["scan", "bad.yaml", "-f", "json,sarif"], "several formats need --output FILE; for example: --format json,sarif --output report"),
        (["scan", "bad.yaml", "-f", "pretty,lines", "-o", "r"], "pretty and lines would both be written to r.txt"),
        (["scan", "bad.yaml", "--severity-threshold", "hgih"], "--severity-threshold must be one of low, medium, high, critical (got hgih)"),
        (["scan", "bad.yaml", "--compliance-threshold", "101"], "--compliance-threshold must be between 0 and 100 (got 101)"),
        (["scan", "bad.yaml", "--compliance-threshold", "nan"], "--compliance-threshold must be between 0 and 100 (got nan)"),
        (["scan", "bad.yaml", "--fail-on", "unraed"], "--fail-on must be one of low, medium, high, critical, unread (got unraed)"),
        (["scan", "-", "bad.yaml"], "'-' reads standard input and cannot be combined; name files in a scan of their own"),
        (["scan", "workload", "shop/Pod/shall", "bad.yaml"], "no object shop/Pod/shall; did you mean shop/Pod/shell?"),
        (["scan", "", "bad.yaml"], "an argument is empty; is a variable of the shell unset?"),
        (["scan", "bad.yaml", "-f", "json", "-o", "reports/"], "reports/ names no file; --output takes a file"),
        (["scan", "workload", "shell", "bad.yaml"], "shell names no workload; write it as namespace/Kind/name, shop/Deployment/web"),
        (["scna", "bad.yaml"], "unknown command scna; did you mean scan?"),
        (["bad.yaml"], "unknown command bad.yaml; to scan it: leadline scan bad.yaml"),
        (["explain", "C-0057x"], "unknown control C-0057x; did you mean C-0057?"),
        (["list", "control"], "unknown list control; did you mean controls or frameworks?"),
        (["schema", "reprt"], "unknown schema reprt; there are document, report, waivers, config"),
        (["scan", "control", "C-0057", "bad.yaml", "--exclude-controls", "C-0057"], "no control is left to judge by; leadline list controls shows what there is"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_line_that_helps(capfd, words: list[str], message: str):
    assert run(capfd, *words) == (2, "", f"leadline: {message}\n")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "nothing to judge in docs: no .yaml, .yml or .json file holds an object, and no file is a Dockerfile"),
        ({"a.yaml": "x: 1\n", "b.json": "[]"}, "nothing to judge in docs: 2 documents, none with apiVersion and kind"),
        ({"a.yaml": BAD.replace("Pod", "Widget")}, "nothing could be judged in docs: 1 object, C-0057: no workload it applies to"),
    ],
)  # fmt: skip
def test_nothing_to_judge_is_no_pass(capfd, files: dict[str, str], message: str):
    Path("docs").mkdir()
    for name, text in files.items():
        Path("docs", name).write_text(text)
    assert run(capfd, *PRIVILEGED, "docs") == (3, "", f"leadline: {message}\n")


def test_what_leaves_nothing_is_named(capfd):
    nothing = "leadline: nothing could be judged in bad.yaml: 1 object, none "
    assert run(capfd, "scan", "bad.yaml", "--include-namespaces", "shp") == (
        3,
        "",
        f"{nothing}in the chosen namespaces; there are shop\n",
    )
    Path("bad.yaml").write_text(BAD.replace("Pod", "Widget"))
    assert run(capfd, "scan", "bad.yaml") == (3, "", f"{nothing}that a chosen control looks at\n")


def test_what_is_left_out_is_told(capfd):
    _, _, err = run(capfd, *PRIVILEGED, ".", "--exclude-path", "bad.yaml")
    note = "note: 1 file or folder left out by an ignore file or an excluded path\n"
    assert err == f"{note}no findings: 1 object, 1 control, all input read\n"
    Path(".leadlineignore").write_text("*\n")
    message = "nothing to judge in .: 2 files or folders are left out by an ignore file or an excluded path"
    assert run(capfd, *PRIVILEGED, ".") == (3, "", f"leadline: {message}\n")


def test_what_was_not_read_is_shown_even_when_nothing_else_is(capfd):
    Path("bad.yaml").write_text("kind: [\n")
    code, out, err = run(capfd, *PRIVILEGED, "bad.yaml")
    assert code == 3
    assert out.startswith("bad.yaml:2:1: unread ")
    assert err.startswith("leadline: nothing could be judged in bad.yaml: ")


def test_a_workload_is_judged_alone(capfd):
    code, out, _ = run(capfd, "scan", "workload", "shop/pod/shell", "bad.yaml", "good.yaml")
    assert code == 0
    assert {line.partition("[")[2].partition("]")[0] for line in out.splitlines()} == {"shop/Pod/shell"}


def test_namespaces_are_left_out(capfd):
    Path("good.yaml").write_text(BAD.replace("namespace: shop", "namespace: other"))
    for flags in (["--exclude-namespaces", "other"], ["--include-namespaces", "shop,nosuch"]):
        _, out, _ = run(capfd, *PRIVILEGED, "bad.yaml", "good.yaml", *flags)
        assert [line.partition(":")[0] for line in out.splitlines()] == ["bad.yaml"]


def test_a_framework_of_the_user_is_counted(capfd):
    Path("mine.toml").write_text('name = "Mine"\ncontrols = ["C-0057"]\n')
    code, out, _ = run(
        capfd, "scan", "bad.yaml", "good.yaml", "--framework-file", "mine.toml", "-f", "pretty"
    )
    assert code == 0
    assert "score     Mine          50 % of 1 judged; 1 in all" in out.splitlines()


OWN = '''"""Names must be short.

Fix: shorten it.
"""

from leadline.posture.control import Review, Violations, Workload, control


@control("X-1", "Long name", score=9.0, category="Workload")
def long_name(workload: Workload) -> Violations:
    if len(workload.resource.name) > 4:
        yield Review("metadata.name", on=workload.resource.id)
'''


def test_a_control_of_the_user_judges(capfd):
    Path("mine").mkdir()
    Path("mine/long_name.py").write_text(OWN)
    code, out, _ = run(capfd, "scan", "control", "X-1", "bad.yaml", "good.yaml", "--controls", "mine")
    assert (code, out) == (
        0,
        "bad.yaml:4:3: critical X-1 Long name [shop/Pod/shell] review metadata.name: shorten it\n",
    )


def test_a_control_of_the_user_that_does_not_load_is_named(capfd):
    Path("mine").mkdir()
    Path("mine/broken.py").write_text("1/0\n")
    scan = ("scan", "bad.yaml", "--controls", "mine")
    code, out, err = run(capfd, *scan)
    why = "does not load: ZeroDivisionError: division by zero"
    assert f"mine/broken.py: unread {why}" in out
    assert "C-0057" in out
    assert err.endswith("; 1 not read\n")
    assert (code, run(capfd, *scan, "--fail-on", "unread")[0]) == (0, 1)
    assert run(capfd, "scan", "control", "X-1", "bad.yaml", "--controls", "mine") == (
        2,
        "",
        f"leadline: mine/broken.py {why}\n",
    )
    assert run(capfd, "list", "controls", "--controls", "mine")[0] == 2


@pytest.mark.parametrize(
    ("ids", "functions", "why"),
    [
        (("X-1", "X-1"), ("one", "two"), "two controls in it are X-1"),
        (("X-1", "X-2"), ("one", "one"), "TypeError: X-2: one is the function of X-1 already"),
    ],
)
def test_no_control_of_the_user_takes_the_place_of_another_in_its_file(capfd, ids, functions, why):
    text = "from leadline.posture.control import Container, Review, Violations, control\n"
    for id, function in zip(ids, functions, strict=True):
        text += f'@control("{id}", "{id}", score=5.0, category="a", see="https://x.example")\n'
        text += f'def {function}(container: Container) -> Violations:\n    yield Review("image")\n'
    Path("mine").mkdir()
    Path("mine/several.py").write_text(text)
    code, out, _ = run(capfd, "scan", "bad.yaml", "--controls", "mine", "--fail-on", "unread")
    assert code == 1
    assert f"mine/several.py: unread does not load: {why}; its controls were not judged by" in out


def test_a_control_of_the_user_cannot_end_the_scan(capfd):
    Path("mine").mkdir()
    Path("mine/leaves.py").write_text("import sys\nsys.exit(0)\n")
    code, out, _ = run(capfd, *PRIVILEGED, "bad.yaml", "--controls", "mine", "--severity-threshold", "high")
    assert code == 1
    assert "mine/leaves.py: unread does not load: SystemExit: 0" in out


def test_json_of_a_scan_is_valid(capfd):
    _, schema, _ = run(capfd, "schema", "report")
    _, out, _ = run(capfd, "scan", "bad.yaml", "good.yaml", "-f", "json")
    Draft202012Validator(json.loads(schema)).validate(json.loads(out))


def test_a_passed_gate_says_what_was_not_read(tmp_path, capfd):
    (tmp_path / "a.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n---\napiVersion: v1\nkind: [\n"
    )
    words = ("scan", "control", "C-0012", str(tmp_path / "a.yaml"), "--format", "pretty")
    code, out, _ = run(capfd, *words, "--severity-threshold", "high")
    assert (code, out.splitlines()[-1]) == (0, "passed: --severity-threshold high; 1 not read")


def test_what_is_no_workload_is_named_as_the_user_would_open_it(capfd):
    Path("sub").mkdir()
    Path("sub/j.json").write_text('{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": 7}')
    _, out, _ = run(capfd, "scan", "sub")
    assert "\nsub/j.json: Pod/p: unread " in out


def packed_chart(folder: Path) -> None:
    folder.mkdir()
    with tarfile.open(folder / "top-1.0.0.tgz", "w:gz") as archive:
        for name, text in {
            "Chart.yaml": "apiVersion: v2\nname: top\nversion: 1.0.0\n",
            "templates/a.yaml": BAD,
        }.items():
            info = tarfile.TarInfo(f"top/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))


def test_a_packed_chart_in_a_folder_is_rendered(capfd):
    packed_chart(Path("out"))
    Path("out/sources.tgz").write_bytes(b"no archive")
    _, out, _ = run(capfd, *PRIVILEGED, "out")
    assert out.startswith("out/top-1.0.0.tgz/templates/a.yaml")
    Path("good.yaml").rename("out/good.yaml")
    assert run(capfd, *PRIVILEGED, "out")[1] == out


def test_what_renders_to_nothing_is_told_so(capfd):
    Path("k").mkdir()
    Path("k/kustomization.yaml").write_text("resources: []\n")
    message = "leadline: nothing to judge in k: 1 kustomization, rendered to no object\n"
    assert run(capfd, "scan", "k") == (3, "", message)


GRANT = """apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules:
- {apiGroups: [""], resources: [secrets], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: reader}
subjects: [{kind: User, name: ann, apiGroup: rbac.authorization.k8s.io}]
roleRef: {kind: ClusterRole, name: reader, apiGroup: rbac.authorization.k8s.io}
"""


def test_a_control_about_grants_alone_judges(capfd):
    Path("grant.yaml").write_text(GRANT)
    scan = ("scan", "control", "C-0015", "grant.yaml")
    code, out, err = run(capfd, *scan)
    assert (code, err) == (0, "5 decisions for 1 finding: 1 high\n")
    assert "[User/ann]" in out
    Path("grant.yaml").write_text(GRANT.replace("secrets", "pods"))
    assert run(capfd, *scan)[::2] == (0, "no findings: 2 objects, 1 control, all input read\n")
    coverage = json.loads(run(capfd, *scan, "--format", "json")[1])["coverage"]
    assert (coverage["objects"], coverage["judged"]) == (2, 2)


@pytest.mark.parametrize("kind", ["pod", "pods", "po", "Pod.v1"])
def test_a_workload_may_be_named_as_kubectl_names_it(capfd, kind: str):
    code, out, _ = run(capfd, "scan", "workload", f"shop/{kind}/shell", "bad.yaml")
    assert (code, out != "") == (0, True)


def test_what_no_control_could_decide_says_why(capfd):
    Path("one.yaml").write_text(BAD.replace("spec:\n", "spec:\n  serviceAccountName: web\n", 1))
    code, out, err = run(capfd, "scan", "control", "C-0307", "one.yaml")
    assert (code, out) == (3, "")
    assert err.startswith(
        "leadline: nothing could be judged in one.yaml: 1 object, C-0307: no ServiceAccount was read"
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"name": "package"}', 0),
        ("", 0),
        ("kind: [\n", 3),
        ("apiVersion: x/v1\nkind: Other\nmetadata: {name: a}\n", 3),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostPID: true, containers: [{name: a, image: a}]}\n",
            1,
        ),
    ],
)
def test_nothing_at_all_may_be_allowed_but_not_what_was_not_read_or_not_judged(tmp_path, capfd, text, code):
    file = tmp_path / "a.yaml"
    file.write_text(text)
    gates = ("--severity-threshold", "high", "--allow-empty", "-f", "lines")
    assert main(["scan", "control", "C-0038", str(file), *gates]) == code
    assert capfd.readouterr().err
