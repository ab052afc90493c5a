"""Files that say how a folder is rendered, and what of a chart runs for its test alone."""

import os
from pathlib import Path

import pytest

from leadline.scans.options import ChartOptions, PostureOptions
from leadline.scans.posture.file_source import read_files

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  annotations: {annotations}\n"
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "templates/web.yaml": POD.format(name="web", annotations="{}"),
    "templates/test.yaml": POD.format(name="check", annotations='{"helm.sh/hook": test}'),
    "templates/both.yaml": POD.format(name="both", annotations='{"helm.sh/hook": "post-install, test"}'),
    "templates/old.yaml": POD.format(name="old", annotations='{"helm.sh/hook": test-success}'),
}


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def names(target: Path, **charts: bool) -> list[str]:
    options = PostureOptions(environ=os.environ, charts=ChartOptions(**charts))
    return sorted(resource.name for resource in read_files((str(target),), options).resources)


@pytest.mark.parametrize("name", ["", "Chart.yaml"])
def test_the_description_of_a_chart_stands_for_its_folder(tmp_path, name):
    assert names(write(tmp_path, CHART) / name) == ["both", "web"]


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_a_kustomization_stands_for_its_folder(tmp_path, name):
    root = write(
        tmp_path, {name: "resources: [p.yaml]\nnamePrefix: dev-\n", "p.yaml": CHART["templates/web.yaml"]}
    )
    assert names(root / name) == ["dev-web"]


def test_an_object_of_flux_in_such_a_file_is_an_object(tmp_path):
    flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps}\n"
    assert names(write(tmp_path, {"kustomization.yaml": flux}) / "kustomization.yaml") == ["apps"]


def test_what_runs_for_the_test_of_a_chart_alone_is_left_out_and_named(tmp_path):
    reading = read_files((str(write(tmp_path, CHART)),), PostureOptions(environ=os.environ))
    named = [unread.where.rpartition("/")[2] for unread in reading.left_out if unread.reason == "left out"]
    assert sorted(named) == ["check", "old"]
    assert reading.unread == ()
    assert names(tmp_path, with_tests=True) == ["both", "check", "old", "web"]
