import io
import os
import socket
from collections import Counter
from pathlib import Path

import pytest

from leadline.errors import ManifestError
from leadline.model.resource import Origin
from leadline.model.unread import Unread
from leadline.sources.manifests.files import list_files, root_of
from leadline.sources.manifests.positions import FilePlaces
from leadline.sources.manifests.reader import DuplicateKey, Manifests, read_manifests, read_text
from leadline.sources.yaml.parser import Limits
from sources.kubectl_reading import as_json, find_kubectl, read_with_kubectl, without_probe

FIXTURES = Path(__file__).parents[3] / "shared" / "reference" / "fixtures"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\n"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def pods(*names: str) -> dict[str, str]:
    return {name: POD % Path(name).stem for name in names}


def paths(manifests: Manifests) -> list[str]:
    return [resource.origin.path for resource in manifests.resources]


def reasons(manifests: Manifests) -> list[tuple[str, str]]:
    return [(unread.where, unread.why) for unread in manifests.unread]


def test_folder_is_read_in_sorted_order_without_folders_that_tools_fill(tmp_path):
    read = [".github/deploy.yaml", "a/z.yml", "a.json.yaml", "b/c/d.YAML", "z.yaml"]
    skipped = [".git/x.yaml", "node_modules/x.yaml", ".venv/x.yaml", ".terraform/x.yaml", "a/note.txt"]
    write(tmp_path, pods(*read, *skipped))
    manifests = read_manifests([str(tmp_path)])
    assert paths(manifests) == read
    assert (manifests.root, manifests.files, manifests.unread) == (str(tmp_path), 5, ())


def test_origin_names_file_document_and_place_in_a_list(tmp_path):
    text = (
        POD % "a"
        + "---\n# nothing\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: b}}\n"
        + "- apiVersion: v1\n  kind: ServiceList\n  items: [{metadata: {name: c, namespace: ns}}]\n"
    )
    write(tmp_path, {"d/x.yaml": text})
    manifests = read_manifests([str(tmp_path)])
    root = str(tmp_path)
    assert [(r.kind, r.namespace, r.name, r.origin) for r in manifests.resources] == [
        ("Pod", "", "a", Origin(path="d/x.yaml", document=0, root=root)),
        ("Pod", "", "b", Origin(path="d/x.yaml", document=2, inside="items[0].", root=root)),
        ("Service", "ns", "c", Origin(path="d/x.yaml", document=2, inside="items[1].items[0].", root=root)),
    ]
    assert manifests.resources[2].body == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "c", "namespace": "ns"},
    }


def test_json_files_hold_one_object_an_array_or_lines(tmp_path):
    one = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "%s"}}'
    write(
        tmp_path,
        {
            "array.json": f"[{one % 'a'}, {one % 'b'}]",
            "lines.json": f"{one % 'c'}\n{one % 'd'}\n",
            "one.json": "\ufeff" + one % "e",
            "really.json": POD % "f",
            "tabs.yaml": '{\n\t"apiVersion": "v1",\n\t"kind": "Pod",\n\t"metadata": {"name": "g"}\n}',
        },
    )
    manifests = read_manifests([str(tmp_path)])
    assert [(r.name, r.origin.document, r.origin.inside) for r in manifests.resources] == [
        ("a", 0, "[0]."),
        ("b", 0, "[1]."),
        ("c", 0, ""),
        ("d", 1, ""),
        ("e", 0, ""),
        ("f", 0, ""),
        ("g", 0, ""),
    ]
    assert manifests.unread == ()


def test_broken_json_is_told_in_the_words_of_json(tmp_path):
    write(tmp_path, {"x.json": '{"apiVersion": "v1",\n "kind" "Pod"}'})
    (unread,) = read_manifests([str(tmp_path)]).unread
    assert (unread.where, unread.why.partition(":")[0], unread.line) == ("x.json", "not valid JSON", 2)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("apiVersion: v1\nkind: 7\n", "kind must be text"),
        ("apiVersion: 1\nkind: Pod\n", "apiVersion must be text"),
        ("apiVersion: v1\nkind:\n", "kind is missing"),
        ("kind: Pod\nmetadata: {name: x}\n", "apiVersion is missing"),
        ("apiVersion: v1\nmetadata: {name: x}\n", "kind is missing"),
        ("apiVersion: v1\nkind: Pod\nmetadata: [x]\n", "metadata must be a mapping"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: 7}\n", "metadata.name must be text"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {namespace: true}\n", "metadata.namespace must be text"),
        ("apiVersion: v1\nkind: List\nitems: {a: 1}\n", "items must be a list"),
        ("apiVersion: v1\nkind: List\nitems: [7]\n", "items[0] is not a Kubernetes object"),
        (
            "apiVersion: v1\nkind: PodList\nitems: [{metadata: {name: 1}}]\n",
            "items[0].metadata.name must be text",
        ),
        (
            "apiVersion: v1\nkind: List\nitems:"
            + " [{apiVersion: v1, kind: List, items:" * 8
            + " []"
            + "}]" * 8,
            "lists nested deeper than 8 levels",
        ),
        ("a: b: c\n", "unexpected ':'"),
        ("a: \x00\n", "binary content, no text"),
    ],
)
def test_faulty_object_is_unread_and_loses_nothing_else(text, why):
    contents = read_text(f"{text}\n---\n{POD % 'next'}".encode(), Origin(path="x.yaml"))
    assert [(u.where, u.why) for u in contents.unread] == [("x.yaml", why)]
    assert [r.name for r in contents.resources] == ([] if "\x00" in text else ["next"])


def test_a_store_is_named_with_the_flag_that_reads_it():
    contents = read_text(b"SQLite format 3\0\x10\0", Origin(path="s.db"))
    assert [u.why for u in contents.unread] == [
        "a database, not a manifest; a store of results is read with --from-store FILE"
    ]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("# only\n---\n", 0),
        ("name: chart\nversion: 1\n", 1),
        ("apiVersion: v2\nname: chart\n", 1),
        ("just text\n", 1),
        ("- a\n- b\n", 1),
        ("a: 1\n---\nb: 2\n", 2),
        ("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n", 1),
    ],
)
def test_what_is_no_kubernetes_object_is_counted(text, count):
    contents = read_text(text.encode(), Origin(path="x.yaml"))
    assert (contents.not_kubernetes, contents.resources, contents.unread) == (count, [], [])


def test_hundreds_of_faults_in_one_file_are_told_in_a_hundred_lines():
    text = "apiVersion: v1\nkind: List\nitems:\n" + "- 1\n" * 250
    contents = read_text(text.encode(), Origin(path="x.yaml"))
    assert [(u.where, u.why) for u in contents.unread] == [
        *(("x.yaml", f"items[{number}] is not a Kubernetes object") for number in range(100)),
        ("x.yaml", "150 more of its parts could not be read"),
    ]


@pytest.mark.parametrize("broken", ["", "---\n{apiVersion: [\n"])
@pytest.mark.parametrize("name", ["x.yaml", "x.json"])
def test_many_json_values_between_borders_are_documents_of_yaml(name, broken):
    pod = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}\n'
    contents = read_text(("---\n".join([pod] * 150) + broken).encode(), Origin(path=name))
    assert (len(contents.resources), len(contents.unread)) == (150, 1 if broken else 0)


def test_json_beyond_a_limit_is_not_tried_as_yaml():
    limits = Limits(nodes=50)
    contents = read_text(b"[" + b"1," * 100 + b"1]", Origin(path="x.json"), limits)
    assert [u.why for u in contents.unread] == ["more than 50 values in one document"]


def test_unknown_kinds_are_objects():
    contents = read_text(
        b"apiVersion: example.org/v1\nkind: AccessList\nmetadata: {name: x}\nitems: [1]\n", Origin()
    )
    assert [r.kind for r in contents.resources] == ["AccessList"]


@pytest.mark.parametrize(
    "head", ["kind: PodList\nmetadata: {name: x}", "kind: list", "kind: Odd\nmetadata: {name: x}"]
)
def test_objects_in_items_are_judged_whatever_holds_them(head):
    text = f"apiVersion: v1\n{head}\nitems: [{{apiVersion: v1, kind: Pod, metadata: {{name: a}}}}]\n"
    contents = read_text(text.encode(), Origin())
    assert [r.title for r in contents.resources] == ["Pod/a"]


def test_items_of_a_named_list_need_no_type():
    text = b"apiVersion: v1\nkind: PodList\nmetadata: {name: x}\nitems: [{metadata: {name: a}}]\n"
    assert [r.title for r in read_text(text, Origin()).resources] == ["Pod/a"]


def test_helm_template_is_one_unread_per_file(tmp_path):
    template = "a: {{ .x }}\n---\nb: {{ .y }}\n---\n" + POD % "plain"
    write(tmp_path, {"chart/Chart.yaml": "name: c\n", "chart/templates/x.yaml": template, "y.yaml": template})
    manifests = read_manifests([str(tmp_path)])
    assert manifests.unread == (
        Unread(
            "chart/templates/x.yaml",
            "it is a Helm template, which is read only together with its chart",
            "not rendered",
            1,
            1,
            f"scan {tmp_path / 'chart'}, which holds its Chart.yaml",
            kind="template",
        ),
        Unread(
            "y.yaml",
            "it holds template syntax ({{ … }}) that nothing has filled in",
            "not rendered",
            1,
            1,
            "render it and scan the result",
        ),
    )
    assert (len(manifests.resources), manifests.charts) == (2, ("chart",))


def test_a_template_without_a_chart_is_not_sent_to_look_for_one(tmp_path):
    write(tmp_path, {"templates/x.yaml": "kind: {{ .Values.x }}\n"})
    (unread,) = read_manifests([str(tmp_path)]).unread
    assert unread.hint == "render it with its chart and scan the result"


def test_charts_and_kustomizations_are_told_and_claimed_files_left_out(tmp_path):
    write(
        tmp_path,
        {
            "kustomization.yaml": "resources: [a.yaml]\n",
            "c/Chart.yaml": "name: c\n",
            **pods("a.yaml", "c/templates/b.yaml"),
        },
    )
    claimed = {str(tmp_path / "c"), str(tmp_path / "a.yaml")}
    manifests = read_manifests([str(tmp_path), str(tmp_path / "c" / "templates" / "b.yaml")], claimed=claimed)
    assert (paths(manifests), manifests.kustomizations, manifests.charts) == ([], (".",), ())
    assert read_manifests([str(tmp_path)]).charts == ("c",)


def test_ignore_files_and_patterns_leave_files_out(tmp_path):
    files = pods(
        "a.yaml", "keep/b.yaml", "test/c.yaml", "test/keep.yaml", "x/test/d.yaml", "x/gen/e.yaml", "x/f.yaml"
    )
    write(
        tmp_path,
        {**files, ".leadlineignore": "# tests\n/test/*\n!/test/keep.yaml\n", ".kubescapeignore": "gen/\n"},
    )
    manifests = read_manifests([str(tmp_path)], ignore=["x/**/d.yaml"])
    assert paths(manifests) == ["a.yaml", "keep/b.yaml", "test/keep.yaml", "x/f.yaml"]
    assert manifests.ignored == 3


def test_globs_cross_folders_only_with_two_stars(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, pods("deploy/a.yaml", "deploy/x/b.yaml", "deploy/x/y/c.json.yaml", "other/d.yaml"))
    assert paths(read_manifests(["deploy/*.yaml"])) == ["a.yaml"]
    assert paths(read_manifests(["deploy/**/*.yaml"])) == ["a.yaml", "x/b.yaml", "x/y/c.json.yaml"]
    assert paths(read_manifests(["*/[a-d].yaml"])) == ["deploy/a.yaml", "other/d.yaml"]
    with pytest.raises(ManifestError, match=r"no file matches deploy/\*\.yml"):
        read_manifests(["deploy/*.yml"])


def test_paths_start_at_the_folder_above_all_targets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, pods("deploy/a.yaml", "more/a.yaml", "top.yaml"))
    assert paths(read_manifests(["deploy", "more/a.yaml"])) == ["deploy/a.yaml", "more/a.yaml"]
    assert paths(read_manifests(["top.yaml", "deploy"])) == ["top.yaml", "deploy/a.yaml"]
    assert paths(read_manifests(["deploy/", "./deploy/a.yaml", "deploy"])) == ["a.yaml"]
    assert root_of(["deploy", str(tmp_path / "more")]) == str(tmp_path)
    assert (root_of(["-"]), root_of(["top.yaml"]), root_of(["deploy"])) == ("", ".", "deploy")


def test_standard_input_is_read_once(tmp_path):
    manifests = read_manifests(["-", "-"], stdin=io.BytesIO((POD % "a").encode()))
    assert [r.origin for r in manifests.resources] == [Origin(path="-")]
    too_much = read_manifests(["-"], stdin=io.BytesIO(b"x" * 100), limits=Limits(size_bytes=50))
    assert reasons(too_much) == [("-", "larger than 50 bytes")]


def test_missing_target_is_an_error(tmp_path):
    with pytest.raises(ManifestError, match="no such file: nowhere/; check the path"):
        read_manifests(["nowhere/"])


def test_links_are_followed_only_inside_the_folder(tmp_path):
    write(tmp_path, pods("in/a.yaml", "out/b.yaml", "in/..data/c.yaml"))
    folder = tmp_path / "in"
    for name, goal in {
        "again.yaml": "a.yaml",
        "c.yaml": "..data/c.yaml",
        "gone.yaml": "nothing",
        "loop": ".",
        "out": "../out",
        "out.yaml": "../out/b.yaml",
        "self.yaml": "self.yaml",
        "text.txt": "../out/b.yaml",
    }.items():
        (folder / name).symlink_to(goal)
    manifests = read_manifests([str(folder)])
    assert paths(manifests) == ["a.yaml", "c.yaml"]
    assert reasons(manifests) == [
        ("gone.yaml", "a link to nothing"),
        ("out", "a link that leaves the folder"),
        ("out.yaml", "a link that leaves the folder"),
        ("self.yaml", "a link to nothing"),
    ]


def test_pipes_and_sockets_are_never_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.yaml")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.yaml")
        manifests = read_manifests(["."])
    assert reasons(manifests) == [
        ("pipe.yaml", "it is a named pipe, not a file"),
        ("socket.yaml", "it is a socket, not a file"),
    ]
    with pytest.raises(
        ManifestError, match=r"pipe\.yaml is a named pipe, not a file; pipe it into standard input"
    ):
        read_manifests(["pipe.yaml"])
    with pytest.raises(ManifestError, match="/dev/null is a device"):
        read_manifests(["/dev/null"])


@pytest.fixture
def ordinary_user():
    """Permissions mean nothing to root."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    yield
    os.seteuid(was)


def test_what_may_not_be_read_is_named(tmp_path, monkeypatch, request):
    write(tmp_path, pods("a.yaml", "c.yaml"))
    (tmp_path / "closed").mkdir()
    for path, mode in ((".", 0o755), ("a.yaml", 0), ("closed", 0)):
        (tmp_path / path).chmod(mode)
    monkeypatch.chdir(tmp_path)
    request.getfixturevalue("ordinary_user")
    manifests = read_manifests(["."])
    assert reasons(manifests) == [("closed", "no permission"), ("a.yaml", "no permission to read it")]
    assert paths(manifests) == ["c.yaml"]
    assert reasons(read_manifests(["closed"])) == [(".", "no permission")]


def test_large_file_is_named_with_size_and_limit(tmp_path):
    write(tmp_path, pods("a.yaml"))
    with (tmp_path / "big.yaml").open("wb") as big:
        big.truncate(100_000_000)
    assert reasons(read_manifests([str(tmp_path)])) == []
    with (tmp_path / "big.yaml").open("r+b") as big:
        big.seek((40 << 20) - 5)
        big.write(b"apiVersion: v1")
    manifests = read_manifests([str(tmp_path)])
    assert reasons(manifests) == [("big.yaml", "larger than 32 MiB")]
    assert paths(manifests) == ["a.yaml"]


def test_name_that_is_no_utf_8_is_shown_with_a_replacement(tmp_path):
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.yaml")).write_text(POD % "a")
    except OSError:
        pytest.skip("the file system wants UTF-8")
    assert paths(read_manifests([str(tmp_path)])) == ["\ufffd.yaml"]


def test_duplicate_keys_are_told():
    contents = read_text(b"apiVersion: v1\nkind: Pod\nkind: Service\n", Origin(path="x.yaml"))
    assert contents.duplicates == [DuplicateKey("x.yaml", 3, "kind")]
    assert contents.resources[0].kind == "Service"


def test_a_file_named_by_two_links_is_read_once(tmp_path):
    write(tmp_path, pods("a.yaml"))
    os.link(tmp_path / "a.yaml", tmp_path / "b.yaml")
    assert [file.path for file in list_files([str(tmp_path)]).files] == ["a.yaml"]


@pytest.mark.skipif(
    find_kubectl() is None or not FIXTURES.is_dir(), reason="needs kubectl and the reference folder"
)
def test_kubectl_reads_the_same_objects_from_real_files():
    manifests = read_manifests([str(FIXTURES)])
    names = sorted(set(paths(manifests)))
    assert len(names) > 500
    bodies, errors = read_with_kubectl(*(FIXTURES / name for name in names))
    assert errors == ""
    ours = Counter(as_json(without_probe(resource.body)) for resource in manifests.resources)
    assert ours == Counter(map(as_json, bodies))


BROKEN = "  x: [\n"
SETTINGS = '// of an editor\n{\n  "a": ["x", /* two */ "y",],\n  "b": "//no comment", // the last\n}\n'
PLAYBOOK = "- hosts: all\n  tasks:\n    - name: {{ who }}\n      k8s: {state: present}\n"


@pytest.mark.parametrize(
    "text", [BROKEN, SETTINGS, PLAYBOOK, '{"a": [}', "replicas: 2\nkind: DaemonSet\n", "x: <%= 1 %>\n"]
)
def test_the_files_of_other_programs_are_neither_kubernetes_nor_unread(tmp_path, text):
    write(tmp_path, {"other.json": text, "other.yaml": text, "a.yaml": POD % "a"})
    manifests = read_manifests([str(tmp_path)])
    assert (reasons(manifests), manifests.not_kubernetes, len(manifests.resources)) == ([], 2, 1)


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: Pod\n" + BROKEN,
        "kind: [\n",
        "- apiVersion: v1\n  kind: Pod\n" + BROKEN,
        '{"apiVersion": "v1", "kind": "Pod", "spec": [}',
        '"api\\x56ersion": v1\n"\\u006bind": Pod\n' + BROKEN,
        "? !!binary YXBpVmVyc2lvbg==\n: v1\n" + BROKEN,
        "\0GITCRYPT\0secret",
        "kind: Pod\nspec: {}\n",
    ],
)
def test_what_may_be_an_object_is_unread_however_it_is_written(tmp_path, text):
    write(tmp_path, {"a.yaml": text})
    assert [unread.where for unread in read_manifests([str(tmp_path)]).unread] == ["a.yaml"]


def test_a_template_that_includes_whole_objects_is_unread_in_a_folder_of_templates(tmp_path):
    text = "{{ range .Values.extra }}\n{{ tpl (toYaml .) $ }}\n{{ end }}\n"
    write(tmp_path, {"templates/extra.yaml": text, "docs/extra.yaml": text})
    assert [unread.where for unread in read_manifests([str(tmp_path)]).unread] == ["templates/extra.yaml"]


def test_json_with_comments_is_read_and_its_places_are_those_of_the_file(tmp_path):
    text = '// a pod\n{"apiVersion": "v1", "kind": "Pod", /* its\nname */ "metadata": {"name": "a"},\n "spec": {"hostPID": true,},}\n'
    write(tmp_path, {"a.json": text})
    (pod,) = read_manifests([str(tmp_path)]).resources
    assert pod.body["spec"] == {"hostPID": True}
    place = FilePlaces().find(pod, "spec.hostPID")
    assert place is not None
    assert (place.line, place.column) == (4, 11)


def test_a_broken_file_that_the_user_named_is_unread_whatever_it_speaks_of(tmp_path):
    write(tmp_path, {"tsconfig.json": '{"a": [}'})
    assert len(read_manifests([str(tmp_path / "tsconfig.json")]).unread) == 1


def test_what_is_left_out_is_named(tmp_path):
    write(tmp_path, {".leadlineignore": "secret/\nb.yaml\n", **pods("secret/x.yaml", "b.yaml", "a.yaml")})
    write(tmp_path, pods(".git/x.yaml", ".cache/x.yaml", "node_modules/x.yaml", "..x/x.yaml"))
    manifests = read_manifests([str(tmp_path)])
    assert [u.where for u in manifests.left_out] == ["..x", ".cache", "b.yaml", "node_modules", "secret"]
    assert {u.reason for u in manifests.left_out} == {"left out"}
    assert manifests.ignored == 2


def test_templates_of_objects_that_nothing_fills_in_are_named(tmp_path):
    pod = POD % "{{ name }}"
    files = {"a.yaml.j2": pod, "b.tpl": pod, "c.gotmpl": pod, "d.j2": "server {{ name }};\n", "e.txt": pod}
    write(tmp_path, files | pods("x.yaml"))
    assert [(u.where, u.reason) for u in read_manifests([str(tmp_path)]).unread] == [
        ("a.yaml.j2", "unsupported"),
        ("b.tpl", "unsupported"),
        ("c.gotmpl", "unsupported"),
    ]
