from pathlib import Path

import pytest

from leadline.kube.field_path import format_path
from leadline.model.finding import Place
from leadline.model.resource import Origin, Resource, resource_of
from leadline.sources.manifests.positions import FilePlaces
from leadline.sources.manifests.reader import read_manifests

FIXTURES = Path(__file__).parents[3] / "shared" / "reference" / "fixtures"
YAML = """\
# a comment
apiVersion: v1
kind: ConfigMap
metadata: &meta
  name: one
  labels: {app.kubernetes.io/name: a, "quoted": b}
---
a: [broken
---
apiVersion: apps/v1
kind: List
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: two}
  spec:
    template:
      spec:
        containers:
        - name: first
          image: x
        -
          name: second
          securityContext: &context
            privileged: yes
        - name: third
          !!merge <<: {image: merged}
          securityContext: *context
    y: 1
    012: 2
"""


@pytest.fixture
def places_of(tmp_path):
    def read(text: str, name: str = "x.yaml") -> tuple[list[Resource], FilePlaces]:
        (tmp_path / name).write_bytes(text.encode())
        return list(read_manifests([str(tmp_path)]).resources), FilePlaces()

    return read


@pytest.mark.parametrize(
    ("number", "path", "line", "column", "exact"),
    [
        (0, "", 2, 1, True),
        (0, "metadata", 4, 1, True),
        (0, "metadata.name", 5, 3, True),
        (0, "metadata.labels[app.kubernetes.io/name]", 6, 12, True),
        (0, "metadata.labels.quoted", 6, 39, True),
        (0, "metadata.annotations.x", 4, 1, False),
        (0, "spec.x", 2, 1, False),
        (1, "", 13, 3, True),
        (1, "kind", 14, 3, True),
        (1, "spec.template.spec.containers", 19, 9, True),
        (1, "spec.template.spec.containers[0]", 20, 11, True),
        (1, "spec.template.spec.containers[0].image", 21, 11, True),
        (1, "spec.template.spec.containers[0].securityContext.privileged", 20, 11, False),
        (1, "spec.template.spec.containers[1]", 23, 11, True),
        (1, "spec.template.spec.containers[1].securityContext.privileged", 25, 13, True),
        (1, "spec.template.spec.containers[2].image", 27, 24, True),
        (1, "spec.template.spec.containers[2].securityContext.privileged", 25, 13, True),
        (1, "spec.template.spec.containers[9].image", 19, 9, False),
        (1, "spec.true", 29, 5, True),
        (1, "spec[10]", 30, 5, True),
    ],
)
def test_place_is_that_of_the_key_or_of_the_deepest_parent(places_of, number, path, line, column, exact):
    resources, places = places_of(YAML)
    assert places.find(resources[number], path) == Place("x.yaml", line, column, exact)


def test_lines_are_those_of_the_file(places_of):
    resources, places = places_of("apiVersion: v1\r\nkind: Pöd\r\n")
    assert places.lines(resources[0], 1, 9) == ["apiVersion: v1", "kind: Pöd"]
    assert places.lines(resources[0], 2, 2) == ["kind: Pöd"]
    assert places.lines(resources[0], -3, 0) == []
    assert places.find(resources[0], "kind") == Place("x.yaml", 2, 1)


def test_json_has_places_too(places_of):
    one = '{"apiVersion": "v1",\n  "kind": "Pod",\n\t"metadata": {"name": "é", "x\\/y": 1}}\n'
    resources, places = places_of(f"{one}{one}", "x.json")
    assert places.find(resources[0], "metadata.name") == Place("x.json", 3, 15)
    assert places.find(resources[1], "metadata[x/y]") == Place("x.json", 6, 28)
    resources, places = places_of(f"[{one},\n{one}]", "x.json")
    assert places.find(resources[1], "kind") == Place("x.json", 6, 3)


def test_byte_order_marks_and_utf_16_do_not_shift_places(tmp_path):
    text = "apiVersion: v1\nkind: Pod\n"
    (tmp_path / "a.yaml").write_bytes(text.encode("utf-16"))
    (tmp_path / "b.yaml").write_bytes(text.encode("utf-8-sig"))
    resources, places = read_manifests([str(tmp_path)]).resources, FilePlaces()
    assert [places.find(r, "apiVersion") for r in resources] == [Place("a.yaml", 1, 1), Place("b.yaml", 1, 1)]


def test_objects_without_a_file_have_no_place(tmp_path):
    body = {"kind": "Pod"}
    places = FilePlaces()
    for origin in (
        Origin(kind="cluster"),
        Origin(kind="helm", path="x.yaml", root=str(tmp_path)),
        Origin(path="gone.yaml", root=str(tmp_path)),
        Origin(path=".", root=str(tmp_path)),
    ):
        resource = resource_of(body, origin)
        assert places.find(resource, "kind") is None
        assert places.lines(resource, 1, 5) == []


def test_standard_input_has_places():
    resource = resource_of({"kind": "Pod"}, Origin(path="-"))
    assert FilePlaces(b"kind: Pod\n").find(resource, "kind") == Place("-", 1, 1)


def test_file_that_changed_since_is_survived(tmp_path):
    file = tmp_path / "x.yaml"
    file.write_text("apiVersion: v1\nkind: Pod\n")
    (resource,) = read_manifests([str(tmp_path)]).resources
    file.write_text("[broken\n")
    assert FilePlaces().find(resource, "kind") == Place("x.yaml", 1, 1, exact=False)
    file.write_text("")
    assert FilePlaces().find(resource, "kind") is None


def test_only_so_much_of_the_last_files_is_kept(tmp_path):
    filler = "# filler\n" * (1 << 17)
    for number in range(12):
        (tmp_path / f"{number:02}.yaml").write_text(f"apiVersion: v1\nkind: Pod\n{filler}")
    places = FilePlaces()
    for resource in read_manifests([str(tmp_path)]).resources:
        assert places.find(resource, "kind") == Place(resource.origin.path, 2, 1)
    assert [path for _, path in places._files] == [f"{number:02}.yaml" for number in range(5, 12)]
    assert places._size == sum(len(file.text) for file in places._files.values()) < 8 << 20


def test_spots_of_a_few_documents_are_kept_and_those_of_a_file_go_with_it(tmp_path):
    (tmp_path / "x.yaml").write_text("---\n".join(["apiVersion: v1\nkind: Pod\n"] * 100))
    places = FilePlaces()
    resources = read_manifests([str(tmp_path)]).resources
    for number, resource in enumerate(resources):
        assert places.find(resource, "kind") == Place("x.yaml", 3 * number + 2, 1)
    assert len(places._known.spots) == 64
    places.forget(resources[0].origin.root, "x.yaml")
    assert not places._known.spots
    assert not places._size


def every_path(body, above=()):
    yield above
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for step, below in inner:
        yield from every_path(below, (*above, step))


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="needs the reference folder")
def test_every_path_of_real_files_is_found_where_its_key_stands():
    manifests = read_manifests([str(FIXTURES)])
    places = FilePlaces()
    wrong = []
    for resource in manifests.resources[::3]:
        for steps in every_path(resource.body):
            place = places.find(resource, format_path(steps))
            assert place is not None
            (line,) = places.lines(resource, place.line, place.line)
            text = line[place.column - 1 :].replace('\\"', '"').lstrip("\"'")
            if not place.exact or (steps and isinstance(steps[-1], str) and not text.startswith(steps[-1])):
                wrong.append((resource.origin.path, steps, place))
    assert wrong == []
