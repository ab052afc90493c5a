"""Ways to write a privileged pod so that kubectl sends it and a scanner might not see it."""

import json
from collections import Counter
from pathlib import Path

import pytest

from leadline.model.resource import Origin
from leadline.sources.manifests.positions import FilePlaces
from leadline.sources.manifests.reader import Contents, read_manifests, read_text
from leadline.sources.yaml.parser import parse_documents
from leadline.sources.yaml.tree import tree_of
from sources.kubectl_differential import comparable, has_name, silent_files, write_shapes
from sources.kubectl_library import Library
from sources.kubectl_reading import find_kubectl, read_with_kubectl

needs_kubectl = pytest.mark.skipif(find_kubectl() is None, reason="kubectl is not installed")
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostPID: true}\n"
PRIVILEGED = "{containers: [{name: c, image: a, securityContext: {privileged: true}}]}"


def read(text: str | bytes, path: str = "x.yaml") -> Contents:
    return read_text(text.encode() if isinstance(text, str) else text, Origin(path=path))


def titles(contents: Contents) -> list[str]:
    return [resource.title for resource in contents.resources]


def test_an_anchor_within_one_of_its_name_is_the_one_that_counts():
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n"
        "  - &m {name: c, image: a, stdin: &m true}\n"
        "  - {name: d, image: b, securityContext: {privileged: *m}}\n"
    )
    (pod,) = read(text).resources
    assert pod.body["spec"]["containers"][1]["securityContext"] == {"privileged": True}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &m {b: &m 1}\nc: *m\n", {"a": {"b": 1}, "c": 1}),
        ("a: &m [&m {x: &m [1]}]\nc: *m\n", {"a": [{"x": [1]}], "c": [1]}),
        ("a: &m {b: 1}\nd: &m {c: *m}\n", None),
        ("a: &m {b: 1}\nd: &m {e: &m 2, c: *m}\n", {"a": {"b": 1}, "d": {"e": 2, "c": 2}}),
        ("a: {&m <<: {b: 1}}\nc: *m\n", {"a": {"b": 1}, "c": "<<"}),
        ("a: {&m b: &m 1}\nc: *m\n", {"a": {"b": 1}, "c": 1}),
    ],
)
def test_anchors_are_known_from_where_they_open(text: str, expected: object):
    (document,) = parse_documents(text.encode())
    assert document.body == expected
    assert bool(document.problem) == (expected is None)


def test_the_place_of_what_an_inner_anchor_holds_is_that_of_the_inner_one(tmp_path: Path):
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  x: &m\n    y: &m {z: 1}\n  w: *m\n"
    (tmp_path / "x.yaml").write_text(text)
    (pod,) = read_manifests([str(tmp_path)]).resources
    place = FilePlaces().find(pod, "spec.w.z")
    assert place is not None
    assert (place.line, place.column) == (6, 12)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: good}\nspec: {containers: []}", ["Pod/a", "Pod/good"]),
        ("apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBindingList\nmetadata: {name: x}", None),
        ("kind: List", ["Pod/a"]),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}", None),
        ("apiVersion: acme.example/v1\nkind: Thing\nmetadata: {name: x}", None),
    ],
)
def test_items_are_objects_whatever_stands_beside_them(head: str, expected: list[str] | None):
    kind = head.partition("kind: ")[2].partition("\n")[0].removesuffix("List")
    item = f"{{metadata: {{name: a}}, spec: {PRIVILEGED}}}"
    if head == "kind: List":
        item = f"{{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {PRIVILEGED}}}"
    contents = read(f"{head}\nitems: [{item}]\n")
    assert titles(contents) == (expected or [f"{kind}/a"])
    assert contents.unread == []


def test_a_kind_without_an_api_version_is_named():
    assert [(u.line, u.why) for u in read("a: 1\n---\nkind: Pod\nspec: {}\n").unread] == [
        (2, "apiVersion is missing")
    ]


@pytest.mark.parametrize(
    "content",
    [
        POD.encode().replace(b"apiVersion", b'"api\\u0056ersion"') + b"x: \xed\xa0\x80\0\n",
        POD.encode().replace(b"apiVersion", b'"api\\u0056ersion"') + b"deep: " + b"[" * 300 + b"]" * 300,
        b"---\n" * 20_001 + POD.encode().replace(b"apiVersion", b'"api\\u0056ersion"'),
        POD.encode().replace(b"apiVersion", b'"api\\u0056ersion"') + b"\0",
        POD.encode() + b"---\na: \0\n",
        b"\x0c{apiVersion: v1, kind: Pod, metadata: {name: a}}\n",
        b"\x0b" + POD.encode(),
        b"\xef\xbb\xbf" * 3
        + b'{"apiVersion": "v1", "kind": "List", "metadata": {"name": "a"}}\n{"kind": "Pod"}',
        b"\xef\xbb\xbf" * 2 + POD.encode(),
        b"\xef\xbb\xbf" * 3 + POD.encode(),
        POD.encode("utf-16-le"),
    ],
)
def test_what_cannot_be_read_is_named_whatever_its_bytes(content: bytes, tmp_path: Path):
    (tmp_path / "x.yaml").write_bytes(content)
    (tmp_path / "good.yaml").write_text(POD)
    found = read_manifests([str(tmp_path)])
    assert "x.yaml" in {unread.where for unread in found.unread} | {r.origin.path for r in found.resources}
    assert "good.yaml" in {r.origin.path for r in found.resources}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ufeffa: 1\n", {"a": 1}),
        ("b:\n  c: 1\n\ufeff  a: 1\n", {"b": {"c": 1}, "\ufeff  a": 1}),
        ("b:\n  c: 1\n\ufeff  \ue000: 1\n", None),
        ('a: "x\n\n\ufeffy"\n', {"a": "x\n\ufeffy"}),
        ("a: |\n  x\n\ufeffb: 1\n", {"a": "x\n", "\ufeffb": 1}),
        ("---\n\ufeffb: 1\nc: 2\n", {"\ufeffb": 1, "c": 2}),
        ("\ufeff---\n\ufeffb: 1\nc: 2\n", {"\ufeffb": 1, "c": 2}),
    ],
)
def test_a_mark_of_byte_order_stands_at_the_start_of_a_document_alone(text: str, expected: object):
    (document,) = parse_documents(text.encode())
    assert document.body == expected


@pytest.mark.parametrize("end", ["\u0085", "\u2028", "\u2029", "\r"])
def test_every_end_that_a_line_can_have_ends_a_directive(end: str):
    (document,) = parse_documents("%YAML 1.1\n---\n{a: 1}\n".replace("\n", end).encode())
    assert document.body == {"a": 1}


def test_keys_that_json_repeats_are_told():
    text = '{"apiVersion": "v1", "kind": "Pod", "spec": {"hostPID": true, "hostPID": false}}'
    assert [(d.key, d.line) for d in read(text, "x.json").duplicates] == [("hostPID", 1)]
    several = read(text + "\n" + text, "x.json")
    assert [(d.key, d.line) for d in several.duplicates] == [("hostPID", 1), ("hostPID", 2)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [2001:db8::]\n", {"a": ["2001:db8::"]}),
        ("a: [b:, {c:}, d]\n", {"a": ["b:", {"c:": None}, "d"]}),
        ("a: [\ue000:]\n", {"a": ["\ue000:"]}),
        ("{a: b::}\n", {"a": "b::"}),
    ],
)
def test_a_colon_before_a_bracket_is_text(text: str, expected: object):
    (document,) = parse_documents(text.encode())
    assert (document.problem, document.body) == (None, expected)
    root, _ = tree_of(text)
    assert root.end >= len(text) - 1


def test_colons_before_brackets_are_refused_where_they_would_cost_too_much():
    text = "a: [" + "b:," * 200_000 + "]\n"
    (document,) = parse_documents(text.encode())
    assert document.problem is not None


@pytest.mark.parametrize(
    "text",
    [
        '{"metadata":{"name":"a"},"spec":{"hostPID":true},"kind":"Pod"}{',
        '{"metadata":{"name":"a"},"spec":{},"ki\\u006ed":"Pod","x":1E400}',
    ],
)
def test_a_damaged_object_without_an_api_version_is_named(text: str, tmp_path: Path):
    (tmp_path / "x.json").write_text(text)
    assert {unread.where for unread in read_manifests([str(tmp_path)]).unread} == {"x.json"}


@pytest.mark.nightly("fuzz")
@needs_kubectl
def test_the_library_reads_as_kubectl_does(tmp_path: Path):
    write_shapes(tmp_path, 7, 2_000)
    files = sorted(tmp_path.iterdir())
    with Library() as library:
        read = Counter(
            comparable(body) for objects in library.read(files) for body in objects if has_name(body)
        )
    told = Counter(comparable(body) for body in read_with_kubectl(*files)[0] if has_name(body))
    assert read == told
    assert sum(read.values()) > 1_000


@needs_kubectl
@pytest.mark.parametrize("seed", [1, 2])
def test_no_shape_passes_in_silence(seed: int, tmp_path: Path):
    write_shapes(tmp_path, seed, 1_000)
    assert [path.read_bytes()[:2_000] for path in silent_files(tmp_path)] == []


@needs_kubectl
def test_an_object_that_is_read_otherwise_is_found_out(tmp_path: Path):
    (tmp_path / "list.yaml").write_text(json.dumps({"kind": "List", "items": [1]}))
    (tmp_path / "pod.yaml").write_text(POD)
    assert silent_files(tmp_path) == []
    (tmp_path / "pod.txt.yaml").write_text(POD)
    (tmp_path / ".leadlineignore").write_text("pod.txt.yaml\n")
    assert [path.name for path in silent_files(tmp_path)] == ["pod.txt.yaml"]


def test_a_text_is_decoded_once():
    """With carriage returns alone the whole is one line to kubectl, and a mark in it is a character."""
    text = "%YAML 1.1\r---\r\ufeffapiVersion: v1\rkind: PodList\rmetadata: {name: a}\r"
    found = read(text)
    assert [body for body in found.resources if body.api_version] == []
