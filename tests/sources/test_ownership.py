from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from leadline.sources.rendering.plan.file_owner import PLAIN, Owner, plan_ownership
from leadline.sources.rendering.plan.kustomization import read_kustomization

CHART = "apiVersion: v2\nname: a\nversion: 1.0.0\n"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_outer_owner_goes_first(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "app/Chart.yaml": CHART,
            "app/templates/a.yaml": "",
            "app/templates/kustomization.yaml": "resources: [a.yaml]\n",
            "app/charts/sub/Chart.yaml": CHART,
            "app/charts/sub/templates/b.yaml": "",
            "app/examples/other/Chart.yaml": CHART,
            "app/values-prod.yaml": "",
            "app/deploy.yaml": "",
        },
    )
    plan = plan_ownership(root)
    assert plan.charts == ("app", "app/examples/other")
    assert (plan.roots, plan.lone_components) == ((), ())
    assert plan.owners == {
        "app/Chart.yaml": Owner("helm", "app"),
        "app/templates/a.yaml": Owner("helm", "app"),
        "app/templates/kustomization.yaml": Owner("helm", "app"),
        "app/charts/sub/Chart.yaml": Owner("helm", "app"),
        "app/charts/sub/templates/b.yaml": Owner("helm", "app"),
        "app/examples/other/Chart.yaml": Owner("helm", "app/examples/other"),
    }
    assert plan.owner_of("app/deploy.yaml") == PLAIN


def test_base_belongs_to_its_overlays_and_every_overlay_is_built(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "base/kustomization.yml": "resources: [a.yaml]\n",
            "base/a.yaml": "",
            "dev/kustomization.yaml": "bases: [../base]\n",
            "prod/kustomization.yaml": "resources: [../base]\npatchesStrategicMerge: [p.yaml]\n",
            "prod/p.yaml": "",
        },
    )
    plan = plan_ownership(root)
    assert [Path(built.kustomization.folder).name for built in plan.roots] == ["dev", "prod"]
    assert {path: owner.of for path, owner in plan.owners.items()} == {
        "base/kustomization.yml": "dev",
        "base/a.yaml": "dev",
        "dev/kustomization.yaml": "dev",
        "prod/kustomization.yaml": "prod",
        "prod/p.yaml": "prod",
    }


def test_excluded_folders_and_those_that_tools_fill_are_not_looked_into(tmp_path: Path) -> None:
    chart = {f"{folder}/Chart.yaml": CHART for folder in (".git", "node_modules/a", "kept", "left")}
    assert plan_ownership(write(tmp_path, chart), lambda path: path == "left/").charts == ("kept",)


def test_chart_at_the_root_is_found(tmp_path: Path) -> None:
    plan = plan_ownership(write(tmp_path, {"Chart.yaml": CHART, "templates/a.yaml": ""}))
    assert plan.charts == ("",)
    assert plan.owners == {"Chart.yaml": Owner("helm", ""), "templates/a.yaml": Owner("helm", "")}


def test_every_kind_of_file_that_a_kustomization_takes_in_is_its_own(tmp_path: Path) -> None:
    text = """
resources: [r.yaml, https://acme.example/x.yaml]
components: [c]
patches: [{path: p.yaml}, {patch: "- op: remove"}]
patchesJson6902: [{path: j.json}]
replacements: [{path: re.yaml}]
crds: [crd.json]
configurations: [conf.yaml]
generators: [g.yaml]
transformers: [t.yaml]
configMapGenerator: [{name: a, files: [key=f.txt], envs: [e.env]}]
secretGenerator: [{name: b, env: s.env}]
openapi: {path: schema.json}
helmCharts: [{name: h, valuesFile: v.yaml, additionalValuesFiles: [w.yaml]}]
"""
    names = (
        "p.yaml j.json re.yaml crd.json conf.yaml g.yaml t.yaml f.txt e.env s.env schema.json v.yaml w.yaml"
    )
    write(tmp_path, dict.fromkeys((*names.split(), "c/kustomization.yaml"), ""))
    write(tmp_path, {"kustomization.yaml": text})
    found = read_kustomization(tmp_path / "kustomization.yaml")
    assert sorted(Path(path).name for path in found.patches) == sorted(names.split())
    assert found.folders == (str(tmp_path / "c"),)
    assert found.resources == (str(tmp_path / "r.yaml"),)
    assert (found.remotes, found.inflates_charts, found.problem) == (
        ("https://acme.example/x.yaml",),
        True,
        "",
    )


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_content_is_a_kustomization_or_a_problem(content: bytes) -> None:
    path = Path(__file__).parent / "kustomizations" / "base" / "kustomization.yaml"

    class Stub(type(path)):  # type: ignore[misc]
        def open(self, mode: str = "r") -> object:
            import io

            return io.BytesIO(content)

    assert read_kustomization(Stub(path)).folder == str(path.parent)
