"""The object that a page offers to accept a finding accepts this finding, and no other."""

import asyncio
from pathlib import Path

import pytest

from leadline.scans.options import PostureOptions
from leadline.scans.pages.page import Ask, Lines
from leadline.scans.pages.reading import read_folder
from leadline.scans.pages.site import PAGES
from leadline.scans.pages.world import World

SHOP = Path(__file__).parents[3] / "examples" / "shop"
FINDING = next(kind for kind in PAGES if kind.name == "finding")


@pytest.fixture(scope="module")
def world() -> World:
    return World(read_folder([str(SHOP)], PostureOptions()))


def offered(world: World, key: str) -> str:
    page = asyncio.run(FINDING.build(world, Ask({"id": (key,)})))
    (lines,) = [one for one in page.sections if isinstance(one, Lines) and one.title == "To accept it"]
    assert lines.is_copied
    return "\n".join(lines.lines)


@pytest.mark.parametrize("kind", ["Deployment", "ServiceAccount", "Namespace"])
def test_what_is_offered_accepts_that_finding_and_no_other(world: World, tmp_path: Path, kind: str) -> None:
    row = next(row for row in world.rows.all if world.report.resource(row.edit.subjects[0]).kind == kind)
    file = tmp_path / "exception.yaml"
    file.write_text(offered(world, row.key))
    after = read_folder([str(SHOP)], PostureOptions(waivers=(str(file),))).report
    assert [use.state for use in after.waivers] == ["used"]
    meant = {(control, id) for control in row.controls for id in row.edit.subjects}
    before = {one.pair for one in world.report.findings}
    assert {one.finding.pair for one in after.waived} == meant & before
    assert before - {one.pair for one in after.findings} == meant & before
