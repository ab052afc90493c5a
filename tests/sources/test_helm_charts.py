"""Charts in ``charts/`` beside this file, rendered by Helm's own engine."""

import io
import os
import re
import shutil
import stat
import sys
import tarfile
from pathlib import Path

import pytest

from leadline.errors import UsageError
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.sources.child_process import Limits
from leadline.sources.rendering.plan.file_owner import Owner
from leadline.sources.rendering.plan.kept import KeptRenders
from leadline.sources.rendering.plan.result import HelmOptions, Rendered, RenderOptions
from leadline.sources.rendering.render import read_rendered

pytest.importorskip("helm_python", reason="the extra 'render' is not installed")

CHARTS = Path(__file__).parent / "charts"
SHOP = "templates/web.yaml"


def render(root: Path, options: HelmOptions = HelmOptions(), limits: Limits = Limits()) -> Rendered:  # noqa: B008
    return read_rendered(root, RenderOptions({}, helm=options, limits=limits))


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def chart(name: str, template: str, more: str = "") -> dict[str, str]:
    metadata = f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n{more}"
    return {f"{name}/Chart.yaml": metadata, f"{name}/templates/it.yaml": template}


def config_map(name: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n"


def placed(resources: tuple[Resource, ...]) -> list[tuple[str, int, str]]:
    return [(r.origin.path, r.origin.document, f"{r.kind}/{r.name}") for r in resources]


def test_objects_point_to_their_templates_and_subcharts_follow_their_conditions() -> None:
    found = render(CHARTS / "shop")
    assert placed(found.resources) == [
        ("crds/order.yaml", 0, "CustomResourceDefinition/orders.acme.example"),
        ("charts/cache/templates/pod.yaml", 0, "Pod/memory"),
        (SHOP, 0, "Deployment/release-name-shop"),
        (SHOP, 1, "Service/release-name-shop"),
    ]
    assert {(r.origin.kind, r.origin.rendered_from, r.origin.root) for r in found.resources} == {
        ("helm", "", str(CHARTS / "shop"))
    }
    assert (found.charts, found.kustomizations, found.unread) == (1, 0, ())
    assert found.notes == (
        Unread(
            "",
            "subcharts that its values turn off were not judged: queue",
            "left out",
            hint="turn them on with --set or --values",
        ),
    )


def test_the_engine_and_its_version_are_named() -> None:
    (bundled,) = render(CHARTS / "shop").renderers
    assert re.fullmatch(r"bundled Helm v\d+\.\d+\.\d+", bundled)
    if shutil.which("helm") is None:
        pytest.skip("there is no helm on the PATH")
    own = read_rendered(CHARTS / "shop", RenderOptions(dict(os.environ)))
    assert len(own.renderers) == 1
    assert re.fullmatch(r"helm v\d+\.\d+[\w.+-]*", own.renderers[0])


def test_every_chart_below_a_folder_is_rendered_once_and_the_rest_is_named() -> None:
    found = render(CHARTS)
    assert found.charts == 2
    assert sorted({r.origin.rendered_from for r in found.resources}) == ["shop", "umbrella"]
    assert found.unread == (
        Unread(
            "strict/templates/secret.yaml",
            "the chart strict was not rendered: execution error at (strict/templates/secret.yaml:4:11): a name is needed",
            "not rendered",
            4,
            11,
            "give the values it needs with --values or --set",
            kind="chart",
        ),
        Unread(
            "umbrella",
            "rendered without the dependencies it lacks: vanished",
            "incomplete",
            hint="run helm dependency build in its folder",
        ),
    )
    assert found.notes == (
        Unread("shared", "a library chart, which has no objects of its own", "left out"),
        Unread(
            "shop",
            "subcharts that its values turn off were not judged: queue",
            "left out",
            hint="turn them on with --set or --values",
        ),
        Unread(
            "umbrella",
            "missing dependencies were taken from neighbouring folders: shared from shared",
            "incomplete",
        ),
    )
    settings = next(r for r in found.resources if r.name == "settings")
    assert settings.body["metadata"]["labels"] == {"team": "payments"}


def test_files_of_a_chart_are_claimed_and_others_are_not(tmp_path: Path) -> None:
    root = write(tmp_path, chart("one", config_map("a")) | {"one/examples/plain.yaml": config_map("b")})
    found = render(root)
    assert found.claimed == {str(root / "one/Chart.yaml"), str(root / "one/templates/it.yaml")}
    assert found.owners == {
        "one/Chart.yaml": Owner("helm", "one"),
        "one/templates/it.yaml": Owner("helm", "one"),
    }


def test_failed_chart_keeps_its_files_from_the_plain_reader() -> None:
    assert str(CHARTS / "strict/templates/secret.yaml") in render(CHARTS / "strict").claimed


def test_values_files_and_settings_win_in_helm_s_order(tmp_path: Path) -> None:
    template = config_map("{{ .Values.name }}") + "data: {{ .Values.data | toJson }}\n"
    root = write(
        tmp_path,
        chart("one", template)
        | {
            "one/values.yaml": "name: chart\ndata: {a: chart, b: chart, c: chart, d: chart}\n",
            "first.yaml": "name: first\ndata: {b: first, c: first, d: first}\n",
            "second.yaml": "data: {c: second, d: second}\n",
        },
    )
    options = HelmOptions(
        (str(root / "first.yaml"), str(root / "second.yaml")),
        sets=("data.d=set", "data.n=7"),
        set_strings=("data.s=7",),
        release_name="shop",
        namespace="prod",
    )
    found = render(root, options)
    assert [(r.name, r.body["data"]) for r in found.resources] == [
        ("first", {"a": "chart", "b": "first", "c": "second", "d": "set", "n": 7, "s": "7"})
    ]


LIST = "a: [{v: 1, m: 2}, {v: 3}, {v: 4}]"


@pytest.mark.parametrize(
    ("files", "sets", "set_strings", "expected"),
    [
        (("a: [{v: 0}]", LIST), (), (), [{"v": 1, "m": 2}, {"v": 3}, {"v": 4}]),
        ((LIST, "a: [null, x]"), (), (), [None, "x"]),
        ((LIST,), ("a[0].v=7",), (), [{"v": 7, "m": 2}, {"v": 3}, {"v": 4}]),
        ((LIST,), ("a[1]=x",), (), [{"v": 1, "m": 2}, "x", {"v": 4}]),
        ((LIST,), ("a[4]=x",), (), [{"v": 1, "m": 2}, {"v": 3}, {"v": 4}, None, "x"]),
        ((LIST,), ("a={x}",), (), ["x"]),
        ((LIST,), ("a[0].v=7,a={x}",), (), ["x"]),
        ((LIST,), ("a={x,y}", "a[1]=z"), ("a[0]=7",), ["7", "z"]),
        ((), ("a[0].b\\.c[1]=x", "a[0].b\\.c[0]=y"), ("a[0].b\\.c[2]=1",), [{"b.c": ["y", "x", "1"]}]),
        ((LIST,), ("a[0].k=v,", "a[1]=tail\\", "a[2]=w"), (), [{"v": 1, "m": 2, "k": "v"}, "tail", "w"]),
    ],
)
def test_settings_write_into_the_lists_of_values_files(
    tmp_path: Path,
    files: tuple[str, ...],
    sets: tuple[str, ...],
    set_strings: tuple[str, ...],
    expected: list[object],
) -> None:
    root = write(tmp_path / "scanned", chart("one", config_map("a") + "a: {{ toJson .Values.a }}\n"))
    write(tmp_path, {f"{number}.yaml": text for number, text in enumerate(files)})
    paths = tuple(str(tmp_path / f"{number}.yaml") for number in range(len(files)))
    found = render(root, HelmOptions(paths, sets, set_strings))
    assert [r.body["a"] for r in found.resources] == [expected]


def test_setting_that_helm_cannot_read_is_told_in_its_words(tmp_path: Path) -> None:
    root = write(tmp_path, chart("one", config_map("a")))
    found = render(root, HelmOptions(sets=("b=1", "a={1"), set_strings=("c=2}",)))
    why = "the chart one was not rendered: failed parsing --set data: list must terminate with '}'"
    assert [(u.where, u.why) for u in found.unread] == [("one", why)]


def test_versions_of_the_cluster_reach_the_templates(tmp_path: Path) -> None:
    template = config_map("a") + (
        "data:\n  version: {{ .Capabilities.KubeVersion.Version }}\n"
        '  routes: "{{ .Capabilities.APIVersions.Has "route.example/v1" }}"\n'
    )
    root = write(tmp_path, chart("one", template, "kubeVersion: '>=1.30.0'\n"))
    options = HelmOptions(kube_version="v1.31.2", api_versions=("route.example/v1",))
    assert [r.body["data"] for r in render(root, options).resources] == [
        {"version": "v1.31.2", "routes": "true"}
    ]


def test_chart_without_objects_is_noted(tmp_path: Path) -> None:
    found = render(write(tmp_path, chart("one", "{{ if .Values.on }}" + config_map("a") + "{{ end }}")))
    hint = "give others with --values"
    assert (found.resources, found.charts) == ((), 1)
    assert found.notes == (
        Unread("one", "rendered, but to no object with these values", "not rendered", hint=hint),
    )


def test_archive_is_rendered_like_a_folder(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "one-1.0.0.tgz", "w:gz") as archive:
        for name, text in chart("one", config_map("a")).items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    for root in (tmp_path, tmp_path / "one-1.0.0.tgz"):
        found = render(root)
        assert placed(found.resources) == [("one-1.0.0.tgz/templates/it.yaml", 0, "ConfigMap/a")]
        assert found.claimed == {str(tmp_path / "one-1.0.0.tgz")}


def test_dependency_beside_the_chart_stands_in_also_for_its_own_dependency(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        chart(
            "top",
            config_map("top"),
            'dependencies: [{name: mid, version: 1.0.0, repository: "file://../mid"}]\n',
        )
        | chart(
            "mid",
            config_map("mid"),
            "dependencies: [{name: low, version: ^1.0.0, repository: 'https://x'}]\n",
        )
        | chart("low", config_map("low")),
    )
    found = render(root)
    top = [r for r in found.resources if r.origin.rendered_from == "top"]
    assert placed(tuple(top)) == [
        ("low/templates/it.yaml", 0, "ConfigMap/low"),
        ("mid/templates/it.yaml", 0, "ConfigMap/mid"),
        ("top/templates/it.yaml", 0, "ConfigMap/top"),
    ]
    assert len({r.id for r in found.resources}) == len(found.resources) == 6


def test_every_setting_of_a_chart_has_its_definitions_and_what_is_lent_to_it(tmp_path: Path) -> None:
    """The engine hands definitions over once, and puts a chart with lent parts together once."""
    lending = chart("lent", config_map("lent"))
    ask = '{{ if .Release.IsUpgrade }}upgraded{{ else if .Capabilities.APIVersions.Has "x.example/v1" }}known{{ else }}plain{{ end }}'
    more = "dependencies:\n- {name: lent, version: 1.0.0, repository: https://charts.example}\n"
    crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: %s}\n"
    root = write(tmp_path, lending | chart("one", config_map(ask), more) | {"one/crds/a.yaml": crd % "first"})
    options = RenderOptions({}, kept=KeptRenders([str(root)]))
    for name, is_changed in (("first", False), ("second", True)):
        if is_changed:
            (root / "one/crds/a.yaml").write_text(crd % name)
            options.kept.forget(str(root / "one/crds/a.yaml"))
        found = read_rendered(root, options)
        of_one = [r for r in found.resources if r.origin.rendered_from == "one"]
        for setting, own in (
            ("", "plain"),
            ("as an upgrade", "upgraded"),
            ("where the cluster has every API that it asks for", "known"),
        ):
            assert sorted(r.name for r in of_one if r.origin.setting == setting) == sorted(
                [name, "lent", own]
            )
    options.kept.close()


def test_what_a_chart_ignores_stays_out_also_where_a_dependency_stands_in(tmp_path: Path) -> None:
    more = "dependencies: [{name: low, version: 1.0.0, repository: 'https://x'}]\n"
    root = write(
        tmp_path,
        chart("top", '{{ .Files.Get "files/a.yaml" }}', more)
        | {
            "top/.helmignore": "dev-*\n",
            "top/crds/crd.yaml": config_map("crd"),
            "top/files/a.yaml": config_map("file"),
            "top/templates/dev-it.yaml": config_map("dev"),
            "low/.helmignore": "*.md.yaml\n",
            "low/templates/it.md.yaml": config_map("text"),
        }
        | chart("low", config_map("low")),
    )
    found = [r for r in render(root).resources if r.origin.rendered_from == "top"]
    assert sorted(r.name for r in found) == ["crd", "file", "low"]


def test_dependency_of_another_major_version_does_not_stand_in(tmp_path: Path) -> None:
    more = "dependencies: [{name: low, version: 2.x.x, repository: 'https://x'}]\n"
    root = write(tmp_path, chart("top", config_map("top"), more) | chart("low", config_map("low")))
    assert [u.why for u in render(root).unread] == ["rendered without the dependencies it lacks: low"]


def test_template_that_renders_no_yaml_costs_only_itself(tmp_path: Path) -> None:
    root = write(tmp_path, chart("one", "a: [") | {"one/templates/good.yaml": config_map("a")})
    found = render(root)
    assert [r.name for r in found.resources] == ["a"]
    assert [(u.where, u.line) for u in found.unread] == [("one/templates/it.yaml", 0)]
    assert found.unread[0].why.startswith("what it renders to cannot be read: ")


def test_charts_of_equal_texts_have_objects_and_problems_of_their_own(tmp_path: Path) -> None:
    template = config_map("a") + "---\nkind: [\n"
    found = render(write(tmp_path, chart("one", template) | chart("two", template)))
    files = ["one/templates/it.yaml", "two/templates/it.yaml"]
    assert placed(found.resources) == [(file, 0, "ConfigMap/a") for file in files]
    assert [part.where for part in found.unread] == files


def test_link_out_of_the_scanned_folder_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path, {"secret.yaml": config_map("secret")})
    root = write(tmp_path / "scanned", chart("one", config_map("a")))
    (root / "one/templates/link.yaml").symlink_to(tmp_path / "secret.yaml")
    found = render(root)
    why = "a symbolic link leads out of the scanned folder, so the chart was not rendered"
    assert (found.resources, found.unread) == (
        (),
        (Unread("one/templates/link.yaml", why, "not rendered", kind="chart"),),
    )


ENDLESS = "{{ range $i := untilStep 0 2000000000 1 }}{{ end }}"
FLOOD = '{{ range until 40000 }}{{ repeat 1000 "x" }}\n{{ end }}'
GREEDY = '{{ $x := repeat 300000000 "x" }}{{ $y := repeat 300000000 "y" }}{{ len (cat $x $y) }}'


@pytest.mark.parametrize(
    ("template", "limits", "why"),
    [
        (ENDLESS, Limits(timeout_s=4.0, memory_bytes=1 << 36), "not finished after 4 s"),
        (FLOOD, Limits(output_bytes=1 << 20), "renders to more than 1 MiB"),
        (GREEDY, Limits(memory_bytes=400 << 20), ".*needs more than 400 MiB.*"),
    ],
    ids=["endless", "flood", "greedy"],
)
def test_chart_beyond_its_limits_costs_only_itself(
    tmp_path: Path, template: str, limits: Limits, why: str
) -> None:
    root = write(tmp_path, chart("bad", template) | chart("good", config_map("a")))
    found = read_rendered(root, RenderOptions({}, limits=limits, workers=1))
    assert [(u.where, u.hint) for u in found.unread] == [("bad", "")]
    assert re.fullmatch(f"the chart bad was not rendered: {why}", found.unread[0].why)
    assert [r.name for r in found.resources] == ["a"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a: [", "error converting YAML to JSON: yaml: line 1: did not find expected node content"),
        (b"a: 1\n\0b: 2", "control characters are not allowed"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)
def test_values_file_that_cannot_be_read_is_named_and_no_dependency_is_blamed(
    tmp_path: Path, content: bytes, why: str
) -> None:
    more = "dependencies: [{name: low, version: 1.0.0}]\n"
    root = write(tmp_path / "scanned", chart("one", config_map("a"), more))
    values = tmp_path / "values.yaml"
    values.write_bytes(content)
    found = render(root, HelmOptions(values=(str(values),)))
    assert found.unread == (
        Unread(
            "one",
            f"the chart one was not rendered: failed to parse {values}: {why}",
            "not rendered",
            kind="chart",
        ),
    )
    assert found.resources == ()


def test_absent_values_file_is_the_user_s_error(tmp_path: Path) -> None:
    root = write(tmp_path, chart("one", config_map("a")))
    with pytest.raises(UsageError) as refusal:
        render(root, HelmOptions(values=("https://acme.example/values.yaml",)))
    assert str(refusal.value) == (
        "values file https://acme.example/values.yaml: no such file; --values takes a file on this machine"
    )


def test_ignored_chart_is_not_rendered(tmp_path: Path) -> None:
    root = write(tmp_path, chart("one", config_map("a")) | chart("two", config_map("b")))
    write(root, {".leadlineignore": "one/\n"})
    assert [r.name for r in read_rendered(root, RenderOptions({})).resources] == ["b"]
    assert [r.name for r in read_rendered(root, RenderOptions({}), ["two/"]).resources] == []


FAKE_HELM = """#!{python}
import json, sys
if "/library" in sys.argv[3]:
    sys.exit("Error: library charts are not installable")
if "/sorted" in sys.argv[3]:
    for kind in ("ServiceAccount", "ConfigMap", "Role", "Role"):
        print("---\\n# Source: sorted/templates/it.yaml\\nkind:", kind, "\\napiVersion: v1\\nmetadata: {{name: a}}")
    sys.exit()
if "/failing" in sys.argv[3]:
    sys.exit("WARNING: This chart is deprecated\\nError: it fails\\n\\nUse --debug flag to render out invalid YAML")
if {is_strict} and "/lacking" in sys.argv[3]:
    sys.exit("Error: found in Chart.yaml, but missing in charts/ directory: shared")
print("---\\n# Source: one/crds/a.yaml\\n" + {crd!r} + "---\\n# Source: one/templates/it.yaml\\n"
      + json.dumps({{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "a"}}, "args": sys.argv[1:]}}))
"""


def fake_helm(folder: Path, is_strict: bool) -> str:
    folder.mkdir()
    program = folder / "helm"
    program.write_text(FAKE_HELM.format(python=sys.executable, is_strict=is_strict, crd=config_map("crd")))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(folder)


def test_helm_on_the_path_goes_first(tmp_path: Path) -> None:
    root = write(tmp_path / "scanned", chart("one", "not even YAML: {{"))
    path = fake_helm(tmp_path / "bin", is_strict=False)
    options = HelmOptions(
        (str(root / "one/Chart.yaml"),), ("a=1",), ("b=2",), "1.31", ("x/v1",), "shop", "prod"
    )
    found = read_rendered(root, RenderOptions({"PATH": path}, helm=options))
    assert placed(found.resources) == [
        ("one/crds/a.yaml", 0, "ConfigMap/crd"),
        ("one/templates/it.yaml", 0, "ConfigMap/a"),
    ]
    expected = f"template shop {root}/one --namespace prod --include-crds --kube-version 1.31"
    expected += f" --values {root}/one/Chart.yaml --set a=1 --set-string b=2 --api-versions x/v1"
    assert " ".join(found.resources[1].body["args"]) == expected


def test_what_helm_refuses_is_told_as_by_the_bundled_engine(tmp_path: Path) -> None:
    root = write(tmp_path / "scanned", chart("failing", "") | chart("library", "", "type: library\n"))
    path = fake_helm(tmp_path / "bin", is_strict=False)
    found = read_rendered(root, RenderOptions({"PATH": path}))
    assert found.unread == (
        Unread("failing", "the chart failing was not rendered: it fails", "not rendered", kind="chart"),
    )
    assert found.notes == (Unread("library", "a library chart, which has no objects of its own", "left out"),)


def test_documents_that_helm_sorted_by_kind_count_as_in_the_template(tmp_path: Path) -> None:
    template = "kind: Role\nroleRef:\n  kind: ConfigMap\n---\nkind: ConfigMap\n---\nkind: {{ .kind }}\n---\nkind: Role\n"
    root = write(tmp_path / "scanned", chart("sorted", template))
    found = read_rendered(root, RenderOptions({"PATH": fake_helm(tmp_path / "bin", is_strict=False)}))
    kinds = [(r.origin.document, r.kind) for r in found.resources]
    assert kinds == [(0, "Role"), (1, "ConfigMap"), (2, "Role"), (3, "ServiceAccount")]


def test_chart_that_helm_refuses_for_want_of_a_dependency_is_rendered_without_it(tmp_path: Path) -> None:
    more = "dependencies: [{name: shared, version: 1.0.0}]\n"
    root = write(tmp_path / "scanned", chart("lacking", config_map("a"), more))
    path = fake_helm(tmp_path / "bin", is_strict=True)
    found = read_rendered(root, RenderOptions({"PATH": path}))
    assert [r.name for r in found.resources] == ["a"]
    assert [u.why for u in found.unread] == ["rendered without the dependencies it lacks: shared"]


@pytest.mark.skipif(shutil.which("helm") is None, reason="helm is not on the PATH")
def test_both_engines_render_the_same() -> None:
    program = read_rendered(
        CHARTS / "shop", RenderOptions({"PATH": str(Path(shutil.which("helm") or "").parent)})
    )
    assert {r.id: r.body for r in program.resources} == {
        r.id: r.body for r in render(CHARTS / "shop").resources
    }


@pytest.mark.parametrize("flag", ["sets", "set_strings"])
def test_values_given_in_words_are_in_no_reason(tmp_path: Path, flag: str) -> None:
    template = '{{ fail (printf "%s %s" .Values.a.b (index .Values.c 0)) }}'
    root = write(tmp_path, chart("one", template))
    found = render(root, HelmOptions(**{flag: ("x=1,a.b=Tr0ub4dor3xQz", "c={hunter22,other}")}))
    (unread,) = found.unread
    assert unread.why.endswith(": … …")
