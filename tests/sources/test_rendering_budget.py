"""What all charts and kustomizations of one scan may cost together."""

from pathlib import Path

import pytest

from leadline.sources.rendering.kustomize.build import find_program
from leadline.sources.rendering.plan.budget import Budget
from leadline.sources.rendering.plan.result import RenderOptions
from leadline.sources.rendering.render import read_rendered, with_one_budget
from sources.test_boundary import ENVIRONMENT, POD, chart, write

OVER = "the time for all charts and kustomizations, 0 s, is over"


def test_time_and_bytes_are_spent_by_all_together():
    budget = Budget(1_000.0, 3 << 20)
    assert budget.why_spent() == ""
    budget.spend(2 << 20)
    assert budget.why_spent() == ""
    budget.spend(1 << 20)
    assert budget.why_spent() == "all that was rendered before comes to more than 3 MiB"
    assert Budget(0.0, 1).why_spent() == OVER


def test_charts_beyond_the_time_are_named(tmp_path: Path):
    pytest.importorskip("helm_python")
    root = write(tmp_path, chart("a") | chart("b"))
    found = read_rendered(root, RenderOptions(ENVIRONMENT, total_s=0.0))
    assert found.resources == ()
    assert [(u.where, u.why.partition(": ")[2]) for u in found.unread] == [("a", OVER), ("b", OVER)]


def test_charts_beyond_the_bytes_are_named(tmp_path: Path):
    pytest.importorskip("helm_python")
    root = write(tmp_path, chart("a") | chart("b"))
    found = read_rendered(root, RenderOptions(ENVIRONMENT, total_bytes=1, workers=1))
    assert ([r.origin.rendered_from for r in found.resources], [u.where for u in found.unread]) == (
        ["a"],
        ["b"],
    )


@pytest.mark.skipif(not find_program(ENVIRONMENT), reason="neither kustomize nor kubectl is here")
def test_kustomizations_beyond_the_time_are_named(tmp_path: Path):
    root = write(tmp_path, {"k/kustomization.yaml": "resources: [pod.yaml]\n", "k/pod.yaml": POD})
    found = read_rendered(root, RenderOptions(ENVIRONMENT, total_s=0.0))
    assert [u.why for u in found.unread] == [f"not built: {OVER}"]
    assert found.claimed == {str(root / "k/kustomization.yaml")}, "the pod is left to the plain reader"


def test_a_helm_that_cannot_start_confined_leaves_the_chart_to_the_bundled_engine(tmp_path: Path):
    pytest.importorskip("helm_python")
    program = tmp_path / "bin/helm"
    write(tmp_path, {"bin/helm": "#!/bin/sh\nexit 126\n"})
    program.chmod(0o755)
    root = write(tmp_path / "scanned", chart("a"))
    found = read_rendered(root, RenderOptions({"PATH": str(program.parent)}))
    assert (len(found.resources), found.unread) == (1, ())


@pytest.mark.skipif(not find_program(ENVIRONMENT), reason="neither kustomize nor kubectl is here")
def test_a_kustomize_that_cannot_start_confined_leaves_it_to_the_next_program(tmp_path: Path):
    program = tmp_path / "bin/kustomize"
    write(tmp_path, {"bin/kustomize": "#!/bin/sh\nexit 127\n"})
    program.chmod(0o755)
    root = write(tmp_path / "scanned", {"kustomization.yaml": "resources: [pod.yaml]\n", "pod.yaml": POD})
    path = f"{program.parent}:{ENVIRONMENT['PATH']}"
    found = read_rendered(root, RenderOptions({"PATH": path}))
    assert (len(found.resources), found.unread) == (1, ())


def test_several_roots_of_one_scan_share_what_there_is(tmp_path: Path):
    pytest.importorskip("helm_python")
    options = with_one_budget(RenderOptions(ENVIRONMENT, total_bytes=1, workers=1))
    first, second = (read_rendered(write(tmp_path / name, chart("a")), options) for name in ("x", "y"))
    assert (len(first.resources), first.unread) == (1, ())
    assert second.resources == ()
    assert [unread.why.partition(": ")[2] for unread in second.unread] == [
        "all that was rendered before comes to more than 0 MiB"
    ]
