"""What of a chart depends on things that no values decide is rendered the other way as well, or named."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import posture_scan
from leadline.sources.rendering.helm.undecided import A_FILE, TOO_MUCH, doubts, open_rows, templates_of

POD = """apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  containers: [{name: a, image: b, securityContext: {privileged: true}}]
"""
OBJECT = POD % "x"
WAYS = {
    "the time": '{{ if eq (now | date "2006") "2027" }}',
    "chance": "{{ if gt (randInt 0 9 | int) 7 }}",
    "what the cluster holds": '{{ if lookup "v1" "Secret" "a" "b" }}',
    "the release's name": '{{ if eq .Release.Name "web" }}',
    "the release's namespace": '{{ if ne $.Release.Namespace "default" }}',
    "the revision": "{{ if gt .Release.Revision 1 }}",
    "the APIs of the cluster": "{{ range .Capabilities.APIVersions }}",
    "the release": '{{ if contains "x" (.Release | toJson) }}',
}


def open_of(text: str, **more: str) -> list[tuple[int, tuple[str, ...]]]:
    found = doubts({"templates/a.yaml": text, **more})
    return [(row.line, row.on) for row in open_rows(found, upgraded=True, with_apis=True)]


@pytest.mark.parametrize("on", WAYS)
def test_a_branch_with_an_object_is_named_by_what_it_depends_on(on):
    assert open_of(f"# first\n{WAYS[on]}\n{OBJECT}{{{{ end }}}}\n") == [(2, (on,))]


@pytest.mark.parametrize("on", WAYS)
def test_so_is_the_other_branch(on):
    assert open_of(f"{WAYS[on]}{{{{ else }}}}\n{OBJECT}{{{{- end -}}}}") == [(1, (on,))]


@pytest.mark.parametrize(
    "text",
    [
        '{{ $late := now | date "2006" }}{{ if eq $late "2027" }}\nkind: Pod\n{{ end }}',
        '{{ $a := lookup "v1" "Secret" "a" "b" }}{{ $b := $a }}{{ with $b }}\nkind: Pod\n{{ end }}',
        '{{ if true }}{{ else if eq (now | date "2006") "2027" }}\nkind: Pod\n{{ end }}',
        '{{ if now }}{{ if true }}{{ end }}{{ include "evil" . }}{{ end }}',
        "{{ if now }}{{ toYaml .Values.more }}{{ end }}",
        '      privileged: {{ eq (now | date "2006") "2027" }}',
        "      privileged: {{ ternary true false (gt (randInt 0 9 | int) 7) }}",
        '{{ if and .Release.IsUpgrade (lookup "v1" "Secret" "a" "b") }}\nkind: Pod\n{{ end }}',
        '{{ if and .Release.IsUpgrade (.Capabilities.APIVersions.Has "a.example/v1") }}\nkind: Pod\n{{ end }}',
        '{{ if eq (index . "Release" "Name") "web" }}\nkind: Pod\n{{ end }}',
        "{{ tpl `{{ if now }}kind: Pod{{ end }}` . }}",
        "{{/* {{ end }} */}}{{ if now }}\nkind: Pod\n{{ end }}",
        '{{ if now }}{{ "}}{{ end }}" }}\nkind: Pod\n{{ end }}',
    ],
)
def test_ways_around_are_named(text):
    assert open_of(text, **{"templates/_a.tpl": '{{ define "evil" }}\nkind: Pod\n{{ end }}'})


@pytest.mark.parametrize(
    "text",
    [
        '{{ if contains $name .Release.Name }}{{ .Release.Name | trunc 63 }}{{ else }}{{ printf "%s" $name }}{{ end }}',
        'password: {{ if $s }}{{ index $s.data "password" }}{{ else }}{{ randAlphaNum 10 }}{{ end }}',
        '{{ if .Capabilities.APIVersions.Has "policy/v1" }}\nkind: PodDisruptionBudget\n{{ end }}',
        '{{ if semverCompare ">=1.21" .Capabilities.KubeVersion.Version }}\nkind: Pod\n{{ end }}',
        "{{ if .Release.IsUpgrade }}\nkind: Pod\n{{ end }}",
        '{{ if .Capabilities.APIVersions.Has "monitoring.example/v1" }}\nkind: Pod\n{{ end }}',
        "{{ if .Values.now }}\nkind: Pod\n{{ end }}",
        '{{ if eq .Values.mode "now" }}\nkind: Pod\n{{ end }}',
        "kind: Secret\ndata: {a: {{ randAlphaNum 10 | b64enc }}}",
    ],
)
def test_what_decides_nothing_or_is_decided_is_not_named(text):
    assert open_of(text) == []


@pytest.mark.parametrize(
    "text", ["{{ if now }}", "{{ end }}{{ end }}", "{{ if", '{{ "', "{{" * 10_000, "{{if now}}" * 5_000]
)
def test_broken_templates_are_read_to_their_end(text):
    open_of(text)


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 0.1.0\n")
    (tmp_path / "templates" / "a.yaml").write_text(POD % "always")
    return tmp_path


@pytest.mark.parametrize(
    "condition", ["if .Release.IsUpgrade", 'if .Capabilities.APIVersions.Has "m.example/v1"']
)
def test_an_upgrade_and_the_apis_that_are_asked_for_are_rendered_as_well(chart, condition):
    (chart / "templates" / "b.yaml").write_text(f"{{{{ {condition} }}}}\n{POD % 'other'}{{{{ end }}}}\n")
    report = posture_scan(chart, PostureOptions(controls=("C-0057",)))
    assert {"always", "other"} == {report.resource(one.resource).name for one in report.findings}
    assert report.unread == ()


def test_a_chart_that_is_the_same_on_an_upgrade_is_judged_once(chart):
    (chart / "templates" / "NOTES.txt").write_text("{{ if .Release.IsUpgrade }}upgraded{{ end }}")
    (chart / "templates" / "c.yaml").write_text("{{ $x := .Release.IsUpgrade }}\n")
    assert posture_scan(chart, PostureOptions(controls=("C-0057",))).objects == 1


def test_what_was_not_tried_is_not_read(chart):
    (chart / "templates" / "b.yaml").write_text(f"{WAYS['the time']}\n{OBJECT}{{{{ end }}}}\n")
    (unread,) = posture_scan(chart, PostureOptions(controls=("C-0057",))).unread
    assert (unread.where.rpartition("/")[2], unread.line) == ("b.yaml", 1)
    assert unread.why.startswith("depends on the time")


PIECES = (
    *("{{", "}}", "{{-", "-}}", "if ", "else", "end", "range ", "with ", "define ", "tpl ", "now", "lookup "),
    *(
        '"',
        "`",
        "$x := ",
        "$x",
        ".Release",
        ".IsUpgrade",
        "kind: Pod\n",
        "/*",
        "*/",
        " | ",
        "(",
        ")",
        "\n",
        "\\",
    ),
)


@given(st.lists(st.sampled_from(PIECES), max_size=200))
def test_any_text_is_read_to_its_end_and_names_lines_that_it_has(pieces):
    text = "".join(pieces)
    for row in doubts({"templates/a.yaml": text}).rows:
        assert 1 <= row.line <= text.count("\n") + 1
        assert row.on


SIGNS = '{{ define "x" }}{{ .Files.Get "x" }}{{ $y := now }}{{ end }}'


@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_a_text_without_a_sign_of_anything_is_read_as_one_with_all_signs(pieces):
    """What nothing depends on is only looked through for an end that is missing."""
    text = "".join(pieces)
    rows = doubts({"templates/a.yaml": text}).rows
    if TOO_MUCH not in {on for row in rows for on in row.on}:
        assert [row for row in doubts({"templates/a.yaml": text + SIGNS}).rows if row in rows] == list(rows)
    else:
        assert [row.on for row in doubts({"templates/a.yaml": SIGNS + text}).rows].count((TOO_MUCH,)) == 1


def test_a_text_that_many_charts_have_is_named_in_each():
    text, known = f"{WAYS['the time']}\n{OBJECT}{{{{ end }}}}\n", {}
    first, second = (doubts({f"{chart}/templates/a.yaml": text}, known).rows for chart in "ab")
    assert [(row.path, row.line, row.on) for row in (*first, *second)] == [
        ("a/templates/a.yaml", 1, ("the time",)),
        ("b/templates/a.yaml", 1, ("the time",)),
    ]
    assert list(known) == [text]


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("{{ randAlphaNum 5 }}", True),
        ("{{ uuidv4 }}", True),
        ("{{ shuffle .a }}", True),
        ("{{ strandAlpha }} {{ reshuffle }} {{ randAlphabet }} {{ _rand }} random", False),
    ],
)
def test_what_makes_another_text_each_time_is_known_by_its_functions(text, calls):
    assert doubts({"templates/a.yaml": text}).random == {"templates/a.yaml": calls}


def chart_at(folder: Path, template: str, **files: str) -> Path:
    """A file's name is written with ``__`` in place of a dot."""
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 1.0.0\n")
    (folder / "templates/a.yaml").write_text(template)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


LATE = '{{ if eq (now | date "2006") "2027" }}\nkind: Pod\n{{ end }}'


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{{ tpl (.Files.Get "x.txt") . }}', ("x.txt", "the time")),
        ('{{ with tpl (.Files.Get "x.txt") . }}{{ . }}{{ end }}', ("x.txt", "the time")),
        ('{{ $t := .Files.Get "x.txt" }}{{ tpl $t . }}', ("x.txt", "the time")),
        ('{{ range $p, $_ := .Files.Glob "*" }}{{ tpl ($.Files.Get $p) $ }}{{ end }}', ("templates/a.yaml", A_FILE)),
        ('{{ tpl (.Files.Get "missing") . }}', ("templates/a.yaml", A_FILE)),
        ('{{ tpl (.Files.Get "plain.txt") . }}', None),
        ('{{ .Files.Get "x.txt" }}', None),
    ],
)  # fmt: skip
def test_a_file_that_is_rendered_as_a_template_is_looked_into_or_named(tmp_path: Path, template, expected):
    chart = chart_at(tmp_path / "c", template, x__txt=LATE, plain__txt="kind: Pod\n")
    found = doubts(templates_of(tmp_path, "c", ["c/templates/a.yaml"]))
    rows = [(row.path.removeprefix(f"{chart.name}/"), *row.on) for row in found.rows]
    assert rows == ([expected] if expected else [])


@pytest.mark.parametrize("text", ["{{", "{{ `", '{{ "a', "{{/* ", "x" * (1 << 20) + LATE])
def test_what_is_not_read_to_its_end_is_named(tmp_path: Path, text: str):
    chart_at(tmp_path / "c", text)
    found = doubts(templates_of(tmp_path, "c", ["c/templates/a.yaml"]))
    assert [row.on for row in found.rows] == [(TOO_MUCH,)]


def test_a_long_way_to_a_partial_hides_nothing():
    chain = "".join(f'{{{{ define "p{n}" }}}}{{{{ include "p{n + 1}" . }}}}{{{{ end }}}}' for n in range(60))
    text = f'{{{{ if now }}}}{{{{ include "p0" . }}}}{{{{ end }}}}{chain}{{{{ define "p60" }}}}\nkind: Pod\n{{{{ end }}}}'
    assert open_of(text) == [(1, ("the time",))]
    assert open_of("{{ if now }}{{ include (printf `p%d` 1) . }}{{ end }}") == [(1, ("the time",))]


HARD = (
    "{{", '{{"', "{{ `", "{{/*", "{{ if now }}", "{{ if now }}kind:{{ end }}", "{{}", '{{ define "x" }}',
    "{{- else if eq (now | dod\n", '{{ block "a" . }}',
)  # fmt: skip


@pytest.mark.parametrize("piece", HARD)
def test_time_and_memory_grow_with_the_text(piece: str):
    """Forty thousand characters of each, and as many ends; in proportion they take a tenth of a second."""
    count = 40_000 // len(piece)
    for text in (piece * count, piece * count + "{{ end }}" * count):
        began = time.process_time()
        doubts({"templates/a.yaml": text})
        assert time.process_time() - began < 5
