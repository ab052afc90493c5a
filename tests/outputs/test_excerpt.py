import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from leadline.model.control import YOUR_VALUE, Missing, Remove, Review, Set, Violation
from leadline.model.finding import Finding, Place
from leadline.model.resource import Origin, resource_of
from leadline.outputs.rows.excerpt import excerpts
from leadline.outputs.rows.no_places import NoPlaces
from leadline.outputs.text.plain import columns, source_line
from outputs.sample_report import places_of


class OnePlace(NoPlaces):
    def __init__(self, text: str, line: int, column: int) -> None:
        self._lines = text.split("\n")
        self._place = Place("a.yaml", line, column)

    def find(self, resource, path):
        return self._place

    def lines(self, resource, first, last):
        return list(map(source_line, self._lines[first - 1 : last]))


def drawn(text: str, at: tuple[int, int], *edits: Violation, width: int = 80) -> str:
    resource = resource_of(yaml.safe_load(text), Origin(path="a.yaml"))
    findings = [Finding("C-1", resource.id, violation) for violation in edits]
    places = places_of(resource, OnePlace(text, *at))
    lines = [line for part in excerpts(findings, places, width) for line in part.lines]
    return "\n".join(line.left + line.mark + line.right for line in lines)


FLOW = "spec:\n  limits: {memory: 1Gi} # for now\n"


def test_a_line_to_remove_is_marked_without_its_comment():
    assert drawn("spec:\n  hostPID: true  # why\n", (2, 3), Remove("spec.hostPID")) == (
        "    1 | spec:\n    2 |   hostPID: true  # why\n      |   ^^^^^^^^^^^^^ remove this line"
    )


@pytest.mark.parametrize(
    ("text", "at", "path", "advice"),
    [
        ("spec: {hostPID: true, a: b}\n", (1, 8), "spec.hostPID", "^^^^^^^^^^^^^ remove hostPID"),
        ("ports:\n- hostPort: 80\n  name: a\n", (2, 3), "ports[0].hostPort", "^^^^^^^^^^^^ remove hostPort"),
        ("data:\n  key: |\n    a\n    b\n", (2, 3), "data.key", "^^^^^^ remove key"),
    ],
)
def test_no_line_is_removed_that_holds_more_than_the_field(
    text: str, at: tuple[int, int], path: str, advice: str
):
    assert drawn(text, at, Remove(path)).endswith(f" {advice}")


def test_a_mapping_to_remove_is_named():
    assert drawn("spec:\n  a:\n    b: 1\n", (2, 3), Remove("spec.a")).endswith("^^ remove a")


def test_an_entry_of_a_list_is_marked_alone():
    text = "spec:\n  add: [NET_ADMIN, SYS_TIME]\n"
    assert drawn(text, (2, 20), Remove("spec.add[1]")).endswith(
        "\n      |                    ^^^^^^^^ remove this entry"
    )


def test_what_several_findings_share_is_the_path_up_to_where_they_part():
    resource = resource_of({"kind": "Pod"}, Origin(path="a.yaml"))
    paths = ("spec.c[0].resources.limits.memory", "spec.c[0].resources.requests.memory")
    findings = [Finding("C-1", resource.id, Set(path, 1)) for path in paths]
    (part,) = excerpts(findings, places_of(resource, OnePlace("kind: Pod", 1, 1)), 80)
    assert part.path == "spec.c[0].resources"


def test_two_entries_of_one_line_are_marked_each():
    text = "spec:\n  verbs: [get, list]\n"
    resource = resource_of(yaml.safe_load(text), Origin(path="a.yaml"))

    class Columns(OnePlace):
        def find(self, resource, path):
            return Place("a.yaml", 2, 11 if path.endswith("[0]") else 16)

    findings = [Finding("C-1", resource.id, Remove(f"spec.verbs[{i}]")) for i in (0, 1)]
    (part,) = excerpts(findings, places_of(resource, Columns(text, 2, 1)), 80)
    assert [line.left + line.mark + line.right for line in part.lines] == [
        "    1 | spec:",
        "    2 |   verbs: [get, list]",
        "      |           ^^^ remove this entry",
        "      |                ^^^^ remove this entry",
    ]


def test_nothing_is_added_below_braces():
    assert drawn(FLOW, (2, 3), Set("spec.limits.cpu", YOUR_VALUE)) == (
        "    1 | spec:\n    2 |   limits: {memory: 1Gi} # for now\n      |   ^^^^^^ add cpu: YOUR VALUE"
    )


def test_absent_parents_are_written_out_and_shared():
    text = "spec:\n  containers:\n    - name: web\n"
    edits = (
        Set("spec.containers[0].securityContext.runAsNonRoot", True),
        Set("spec.containers[0].securityContext.capabilities.drop[0]", "ALL"),
    )
    assert drawn(text, (3, 7), *edits) == (
        "    2 |   containers:\n"
        "    3 |     - name: web\n"
        "      |       ^^^^ add below\n"
        "      +       securityContext:\n"
        "      +         runAsNonRoot: true\n"
        "      +         capabilities:\n"
        "      +           drop:\n"
        "      +             - ALL"
    )


def test_a_value_to_change_is_named_beside_the_old_one():
    assert drawn("spec:\n  a: 0\n", (2, 3), Set("spec.a", 1000)).endswith("^^^^ set to 1000")


def test_what_is_missing_is_said_at_the_first_line():
    assert drawn("kind: Pod\n", (1, 1), Missing("a NetworkPolicy")) == (
        "    1 | kind: Pod\n      | ^^^^^^^^^ add a NetworkPolicy"
    )


def test_a_long_line_is_cut_around_the_mark():
    text = "spec:\n  a: " + "[" + "x, " * 100 + "secretly, y]\n"
    column = text.split("\n")[1].index("secretly") + 1
    *_, line, mark = drawn(text, (2, column), Review("spec.a[100]"), width=60).split("\n")
    assert max(map(len, (line, mark))) <= 60
    assert line[mark.index("^") :].startswith("secretly")


def test_without_a_file_the_cure_stands_alone():
    live = resource_of({"kind": "Pod"})

    class Nowhere:
        def find(self, resource, path):
            return None

        def lines(self, resource, first, last):
            return []

    (part,) = excerpts([Finding("C-1", live.id, Remove("spec.hostPID"))], places_of(live, Nowhere()), 80)
    assert (part.where, [line.left for line in part.lines]) == ("", ["      remove spec.hostPID"])


@pytest.mark.parametrize("path", ["spec[", "a..b", "[]", "spec.a[99999999999999]"])
def test_a_path_that_cannot_be_read_breaks_nothing(path: str):
    assert drawn("spec:\n  a: 0\n", (2, 3), Set(path, 1), Remove(path))


@given(
    st.lists(st.text(max_size=80), min_size=1, max_size=4),
    st.integers(1, 6),
    st.integers(1, 200),
    st.sampled_from(
        [
            Remove("data.x"),
            Set("data.x", 1),
            Set("data.x", YOUR_VALUE),
            Review("data.x"),
            Missing("y " * 30),
        ]
    ),
    st.integers(40, 120),
)
def test_no_text_and_no_place_break_it_or_the_width(lines, line, column, violation, width):
    resource = resource_of({"kind": "ConfigMap", "data": {"x": lines[0]}}, Origin(path="a.yaml"))
    places = places_of(resource, OnePlace("\n".join(lines), line, column))
    for part in excerpts([Finding("C-1", resource.id, violation)], places, width):
        for drawn_line in part.lines:
            text = drawn_line.left + drawn_line.mark + drawn_line.right
            assert text.isprintable()
            assert columns(text) <= width
