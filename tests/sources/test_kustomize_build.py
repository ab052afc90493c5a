"""Kustomizations in ``kustomizations/`` beside this file, built by Kustomize itself."""

import os
import re
from pathlib import Path

import pytest

from leadline.model.finding import Place
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.sources.child_process import Limits
from leadline.sources.manifests.positions import FilePlaces
from leadline.sources.rendering.kustomize.build import find_program
from leadline.sources.rendering.locations import RenderedPlaces
from leadline.sources.rendering.plan.file_owner import Owner
from leadline.sources.rendering.plan.result import Rendered, RenderOptions
from leadline.sources.rendering.render import read_rendered

KUSTOMIZATIONS = Path(__file__).parent / "kustomizations"
ENVIRONMENT = {"PATH": os.environ.get("PATH", "")}
POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n"

pytestmark = pytest.mark.skipif(not find_program(ENVIRONMENT), reason="neither kustomize nor kubectl is here")


def build(root: Path, limits: Limits = Limits()) -> Rendered:  # noqa: B008
    return read_rendered(root, RenderOptions(ENVIRONMENT, limits=limits))


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def placed(resources: tuple[Resource, ...]) -> list[tuple[str, str, int, str]]:
    return sorted(
        (r.origin.rendered_from, r.origin.path, r.origin.document, f"{r.kind}/{r.name.rpartition('-')[0]}")
        if r.kind == "ConfigMap"
        else (r.origin.rendered_from, r.origin.path, r.origin.document, f"{r.kind}/{r.name}")
        for r in resources
    )


def test_overlays_are_built_and_their_objects_point_to_the_base() -> None:
    found = build(KUSTOMIZATIONS)
    assert placed(found.resources) == [
        ("overlays/dev", "base/kustomization.yaml", 0, "ConfigMap/dev-settings"),
        ("overlays/dev", "base/web.yaml", 0, "ServiceAccount/dev-web"),
        ("overlays/dev", "base/web.yaml", 1, "Deployment/dev-web"),
        ("overlays/prod", "base/kustomization.yaml", 0, "ConfigMap/settings"),
        ("overlays/prod", "base/web.yaml", 0, "ServiceAccount/web"),
        ("overlays/prod", "base/web.yaml", 1, "Deployment/web"),
    ]
    assert {(r.origin.kind, r.origin.root) for r in found.resources} == {("kustomize", str(KUSTOMIZATIONS))}
    assert all("annotations" not in r.body["metadata"] for r in found.resources)
    assert len({r.id for r in found.resources}) == 6
    assert (found.kustomizations, found.charts) == (2, 0)


def test_the_program_that_built_and_its_version_are_named() -> None:
    (used,) = build(KUSTOMIZATIONS / "overlays" / "dev").renderers
    assert re.fullmatch(r"kustomize v[\d.]+(?: of kubectl v[\w.-]+)?", used)


def test_what_is_not_built_is_named() -> None:
    found = build(KUSTOMIZATIONS)
    assert found.unread == (
        Unread(
            "inflating",
            "inflates Helm charts, which is not enabled",
            "not rendered",
            hint="scan the output of: kustomize build --enable-helm",
            kind="kustomization",
        ),
        Unread(
            "remote",
            "builds upon the remote https://github.com/acme/shop//deploy?ref=v1",
            "not rendered",
            hint="download it, or allow the network; 1 file is judged as written",
            kind="kustomization",
        ),
    )
    assert found.notes == (
        Unread(
            "components/unused",
            "a component that no kustomization here uses; the files it lists are judged unchanged",
            "not rendered",
        ),
        Unread("empty", "builds to nothing: its kustomization is empty", "not rendered"),
    )


def test_each_file_has_one_owner() -> None:
    found = build(KUSTOMIZATIONS)
    assert found.owners == {
        "base/kustomization.yaml": Owner("kustomize", "overlays/dev"),
        "base/web.yaml": Owner("kustomize", "overlays/dev"),
        "components/debug/kustomization.yaml": Owner("kustomize", "overlays/prod"),
        "components/debug/privileged.yaml": Owner("kustomize", "overlays/prod"),
        "components/unused/kustomization.yaml": Owner("kustomize", "components/unused"),
        "empty/Kustomization": Owner("kustomize", "empty"),
        "inflating/kustomization.yaml": Owner("kustomize", "inflating"),
        "inflating/shop-values.yaml": Owner("kustomize", "inflating"),
        "overlays/dev/kustomization.yaml": Owner("kustomize", "overlays/dev"),
        "overlays/prod/kustomization.yaml": Owner("kustomize", "overlays/prod"),
        "remote/kustomization.yaml": Owner("kustomize", "remote"),
    }
    assert found.claimed == {str(KUSTOMIZATIONS / path) for path in found.owners}


def test_field_is_found_in_the_base_and_in_the_patch_that_sets_it() -> None:
    found = build(KUSTOMIZATIONS)
    places = RenderedPlaces(found.texts, FilePlaces())
    web = next(
        r for r in found.resources if r.kind == "Deployment" and r.origin.rendered_from == "overlays/prod"
    )
    containers = "spec.template.spec.containers"
    assert [c["name"] for c in web.body["spec"]["template"]["spec"]["containers"]] == ["web", "sidecar"]
    patch = "components/debug/privileged.yaml:11"
    assert places.find(web, f"{containers}[0].securityContext.privileged") == Place(
        "base/web.yaml", 16, 9, False, patch
    )
    assert places.find(web, f"{containers}[1].image") == Place("base/web.yaml", 15, 9)
    assert places.lines(web, 15, 15) == ["        image: acme/sidecar"]


ROWS = """\
resources: [web.yaml]
patches:
- target: {kind: Deployment, name: web}
  patch: |-
    - op: add
      path: /spec/template/spec/hostPID
      value: true
- path: net.yaml
  target: {kind: Deploy.*}
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec: {template: {spec: {hostIPC: true}}}
- target: {kind: Service}
  patch: |-
    - op: add
      path: /spec/template/spec/restartPolicy
      value: Always
"""
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      restartPolicy: Always
      containers: [{name: web, image: nginx}]
"""


def test_a_row_of_patches_that_sets_a_field_is_named(tmp_path: Path) -> None:
    network = '[{"op": "add", "path": "/spec/template/spec/containers/0/tty", "value": true}]'
    root = write(tmp_path, {"kustomization.yaml": ROWS, "web.yaml": WEB, "net.yaml": network})
    found = build(root)
    (web,) = found.resources
    places = RenderedPlaces(found.texts, FilePlaces())

    def steered_by(path: str) -> str:
        place = places.find(web, f"spec.template.spec.{path}")
        return place.steered_by if place else "no place"

    assert steered_by("hostPID") == "kustomization.yaml:4"
    assert steered_by("containers[0].tty") == "net.yaml:1"
    assert steered_by("hostIPC") == "kustomization.yaml:10"
    assert steered_by("containers[0].image") == ""
    assert steered_by("restartPolicy") == ""


def test_base_beside_the_scanned_folder_is_built_within_one_repository(tmp_path: Path) -> None:
    files = {
        "base/kustomization.yaml": "resources: [pod.yaml]\n",
        "base/pod.yaml": POD,
        "prod/kustomization.yaml": "resources: [../base]\n",
    }
    root = write(tmp_path, files)
    (root / ".git").mkdir()
    assert placed(build(root / "prod").resources) == [("", "../base/pod.yaml", 0, "Pod/a")]


def test_base_outside_is_refused(tmp_path: Path) -> None:
    files = {"base/kustomization.yaml": "resources: [pod.yaml]\n", "base/pod.yaml": POD}
    root = write(tmp_path, files | {"prod/kustomization.yaml": "resources: [../base]\n"})
    hint = "scan the folder that holds both"
    assert build(root / "prod").unread == (
        Unread(
            "",
            "builds upon ../base: it leads out of the scanned folder",
            "not rendered",
            hint=hint,
            kind="kustomization",
        ),
    )


def test_link_to_a_folder_outside_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "out", {"kustomization.yaml": "resources: [pod.yaml]\n", "pod.yaml": POD})
    root = write(tmp_path / "in", {"prod/kustomization.yaml": "resources: [base]\n"})
    (root / "prod/base").symlink_to(tmp_path / "out")
    found = build(root)
    assert (found.resources, [u.where for u in found.unread]) == ((), ["prod"])


def test_file_outside_its_kustomization_is_not_read(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "secret.txt": "hidden",
            "a/kustomization.yaml": "configMapGenerator: [{name: a, files: [../secret.txt]}]\n",
        },
    )
    found = build(root)
    assert (found.resources, [u.where for u in found.unread]) == ((), ["a/kustomization.yaml"])
    assert "hidden" not in str(found)


def test_broken_kustomization_leaves_its_objects_to_the_plain_reader(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "a/kustomization.yaml": "resources: [pod.yaml, absent.yaml]\npatches: [{path: patch.yaml}]\n",
            "a/pod.yaml": POD,
            "a/patch.yaml": POD,
            "b/kustomization.yaml": "resources: [pod.yaml]\n",
            "b/pod.yaml": POD,
        },
    )
    found = build(root)
    assert placed(found.resources) == [("b", "b/pod.yaml", 0, "Pod/a")]
    assert [(u.where, u.hint) for u in found.unread] == [
        ("a/kustomization.yaml", "1 file is judged as written")
    ]
    assert sorted(found.owners) == [
        "a/kustomization.yaml",
        "a/patch.yaml",
        "b/kustomization.yaml",
        "b/pod.yaml",
    ]


def test_file_that_a_chart_owns_is_judged_with_the_chart_alone(tmp_path: Path) -> None:
    pytest.importorskip("helm_python", reason="the extra 'render' is not installed")
    files = {
        "chart/Chart.yaml": "apiVersion: v2\nname: one\nversion: 1.0.0\n",
        "chart/crds/pod.yaml": POD,
        "kustomization.yaml": "resources: [chart/crds/pod.yaml, b]\nnamePrefix: x-\n",
        "b/kustomization.yaml": "resources: [pod.yaml]\n",
        "b/pod.yaml": POD.replace("name: a", "name: b"),
        "broken/kustomization.yaml": "resources: [../chart/crds/pod.yaml, gone.yaml]\n",
    }
    found = build(write(tmp_path, files))
    assert placed(found.resources) == [
        ("", "b/pod.yaml", 0, "Pod/x-b"),
        ("chart", "chart/crds/pod.yaml", 0, "Pod/a"),
    ]
    assert found.notes == (
        Unread("", "what it takes from charts is judged with them alone: chart/crds/pod.yaml", "incomplete"),
    )
    assert [(u.where, u.hint) for u in found.unread] == [("broken/kustomization.yaml", "")]


REASONS = {
    "bases: [../away]\ncommonLabels: {a: b}\n": "evalsymlink failure on 'away' : lstat away: no such file or directory",
    "resources: [../secret.yaml]\n": "security; file 'secret.yaml' is not in or below 'a'",
    "resources: [pod.yaml]\npatches: [{path: gone.yaml}]\n": (
        "trouble configuring builtin PatchTransformer with config: ` path: gone.yaml `: failed to get the patch file"
        " from path(gone.yaml): evalsymlink failure on 'a/gone.yaml' : lstat a/gone.yaml: no such file or directory"
    ),
}


@pytest.mark.parametrize("text", REASONS)
def test_reason_is_kustomize_s_own_without_its_warnings_and_what_it_tried_next(
    tmp_path: Path, text: str
) -> None:
    root = write(tmp_path / "scanned", {"secret.yaml": POD, "a/kustomization.yaml": text, "a/pod.yaml": POD})
    assert [u.why.replace(f"{tmp_path}/", "") for u in build(root).unread] == [f"not built: {REASONS[text]}"]


REMOTE_FILES = (
    "configMapGenerator: [{name: a, files: ['b=https://acme.example/it']}]\n",
    "patches: [{path: https://acme.example/it, target: {kind: Pod}}]\n",
    "openapi: {path: https://acme.example/it}\n",
)


@pytest.mark.parametrize("text", REMOTE_FILES)
def test_file_from_elsewhere_is_a_remote_as_a_base_is(tmp_path: Path, text: str) -> None:
    root = write(tmp_path, {"a/kustomization.yaml": f"{text}resources: [pod.yaml]\n", "a/pod.yaml": POD})
    assert [u.why for u in build(root).unread] == ["builds upon the remote https://acme.example/it"]


def test_ring_of_kustomizations_ends_in_an_unread(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a]\n"},
    )
    found = build(root)
    assert [u.where for u in found.unread] == ["a/kustomization.yaml"]
    assert "cycle" in found.unread[0].why


def test_plugins_stay_off(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    plugin = "apiVersion: v1\nkind: Run\nmetadata:\n  name: a\n  annotations:\n    config.kubernetes.io/function: |\n"
    plugin += "      exec: {path: ./run.sh}\n"
    root = write(
        tmp_path,
        {
            "a/kustomization.yaml": "generators: [plugin.yaml]\n",
            "a/plugin.yaml": plugin,
            "a/run.sh": f"#!/bin/sh\ntouch {marker}\n",
        },
    )
    (root / "a/run.sh").chmod(0o755)
    assert [u.where for u in build(root).unread] == ["a/kustomization.yaml"]
    assert not marker.exists()


def test_build_beyond_its_time_is_unread() -> None:
    found = build(KUSTOMIZATIONS / "base", Limits(timeout_s=0.001))
    assert [(u.where, u.why) for u in found.unread] == [
        ("kustomization.yaml", "not built: not finished after 0.001 s")
    ]


def test_without_kustomize_the_objects_are_left_to_the_plain_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    found = read_rendered(KUSTOMIZATIONS / "base", RenderOptions({"PATH": str(tmp_path)}))
    assert found.unread == (
        Unread(
            "",
            "no Kustomize found to build it",
            "not rendered",
            hint="put kustomize or kubectl on the PATH or install leadline[render]; 1 file is judged as written",
            kind="kustomization",
        ),
    )
    assert sorted(found.owners) == ["kustomization.yaml"]


def test_single_kustomization_file_may_be_named() -> None:
    found = build(KUSTOMIZATIONS / "base" / "kustomization.yaml")
    assert [r.kind for r in found.resources] == ["ServiceAccount", "ConfigMap", "Deployment"]
