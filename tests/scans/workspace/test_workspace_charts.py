import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fresh_scan import said_by_scan

from leadline.scans.options import PostureOptions
from leadline.scans.workspace.fixes import fix_of
from leadline.scans.workspace.workspace import Asked, Workspace

CHART = Path("tests/sources/charts/shop")
OPTIONS = PostureOptions(environ=os.environ)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(CHART, tmp_path / "deploy/shop")
    shutil.copytree("tests/sources/kustomizations/base", tmp_path / "deploy/base")
    shutil.copy("examples/shop/web.yaml", tmp_path / "deploy")
    return tmp_path / "deploy"


@pytest.fixture
def space(folder: Path) -> Iterator[Workspace]:
    space = Workspace(str(folder), Asked(OPTIONS, is_trusted=True))
    yield space
    space.close()


def number_of_problems(space: Workspace, folder: Path) -> int:
    return sum(len(space.judged(str(file)).problems) for file in folder.rglob("*") if file.is_file())


def test_what_is_rendered_is_judged_as_by_a_scan_and_again_once_it_is_saved(space: Workspace, folder: Path):
    assert number_of_problems(space, folder) == sum(said_by_scan(folder, OPTIONS)[0].values())
    template = folder / "shop/templates/web.yaml"
    template.write_text(template.read_text().replace("kind: Deployment", "kind: StatefulSet", 1))
    assert str(template) in space.refresh()
    assert number_of_problems(space, folder) == sum(said_by_scan(folder, OPTIONS)[0].values())


def test_a_finding_of_a_chart_is_at_the_value_that_decides(space: Workspace, folder: Path):
    values = folder / "shop/values.yaml"
    problems = space.judged(str(values)).problems
    assert problems
    assert all(one.related[0].file.endswith("templates/web.yaml") for one in problems)
    assert {values.read_text().splitlines()[one.line - 1].strip()[:1] for one in problems}.isdisjoint(
        {"", "#"}
    )
    text = values.read_text()
    space.show(str(values), "# one more line\n" + text)
    moved = space.judged(str(values))
    assert [one.line - 1 for one in moved.problems] == [one.line for one in problems]
    assert not moved.is_current
    assert all(fix_of(space, one) is None for one in moved.problems)


def test_a_fix_of_a_chart_is_offered_and_said_to_be_untried(space: Workspace, folder: Path):
    values = folder / "shop/values.yaml"
    space.show(str(values), values.read_text())
    fixes = [fix for one in space.judged(str(values)).problems if (fix := fix_of(space, one))]
    assert fixes
    assert not any(fix.is_tried or fix.is_proven for fix in fixes)


def test_nothing_of_an_untrusted_workspace_is_rendered_and_that_is_said(folder: Path):
    space = Workspace(str(folder), Asked(OPTIONS))
    template, build = folder / "shop/templates/web.yaml", folder / "base/kustomization.yaml"
    assert space.judged(str(template)).problems == ()
    for file in (template, folder / "shop/values.yaml", build):
        (unread,) = space.judged(str(file)).unread
        assert unread.why.startswith("the workspace is not trusted")
    assert space.judged(str(folder / "base/web.yaml")).problems
    assert [one.kind for one in space.notes()] == ["chart", "kustomization"]
    assert {Path(one.origin.file).parent.name for one in space.objects} == {"deploy", "base"}


def test_own_controls_of_an_untrusted_workspace_do_not_run(folder: Path, tmp_path: Path):
    mark = tmp_path / "ran"
    (folder / "own.py").write_text(f"open({str(mark)!r}, 'w')\n")
    options = PostureOptions(own_controls=(str(folder / "own.py"),))
    space = Workspace(str(folder), Asked(options))
    assert not mark.exists()
    assert any("controls of your own" in one.why for one in space.notes())
