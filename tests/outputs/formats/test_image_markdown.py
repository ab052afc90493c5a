"""Comments on pull requests about images: what a name of the input may not do there, what is left out, and several images."""

import io

import pytest
from msgspec.structs import replace

from leadline.model.images_report import ImagesReport, ImageUse, ScannedImage, UnreadImage
from leadline.model.package import Package
from leadline.model.unread import Unread
from leadline.model.vulnerability import Match
from leadline.outputs.format_registry import Page, find_format
from leadline.outputs.rows.no_places import NoPlaces
from outputs.sample_sbom import VULNERABLE

HOSTILE = "x`|<img src=x>@octocat ::error::\n## y\x1b[2J%0A"


def written(name: str, report: object, **fields: object) -> str:
    out = io.StringIO()
    page = Page(NoPlaces(), **{"at": "2026-01-02T03:04:06Z", "version": "9.9", **fields})  # type: ignore[arg-type]
    find_format(name, type(report)).write(report, out, page)
    return out.getvalue()


def with_matches(count: int, name: str = "x") -> object:
    packages = [Package("npm", f"{name}{number}", "1.0.0") for number in range(count)]
    matches = tuple(Match(f"CVE-2024-{number}", package) for number, package in enumerate(packages))
    return replace(VULNERABLE, vulnerabilities=matches)


def several() -> ImagesReport:
    use = ImageUse("id", "shop/Deployment/web", "web")
    failed = UnreadImage(Unread("registry.example/gone:1", "not found", "unreachable"), (use,))
    return ImagesReport((ScannedImage(("web:1",), VULNERABLE, (use,)),), (failed,))


@pytest.mark.parametrize("format", ["markdown", "github"])
def test_a_hostile_name_stays_a_name(format: str):
    text = written(format, with_matches(1, HOSTILE))
    assert "\x1b" not in text
    assert "\n## y" not in text
    if format == "markdown":
        assert "| `x'\\|<img src=x>@octocat : :error::" in text
    else:
        assert not [line for line in text.splitlines()[:-1] if not line.startswith("::")]
        assert "%250A" in text


def test_a_long_report_ends_before_the_longest_comment_and_says_so():
    text = written("markdown", with_matches(49, "y" * 290))
    assert len(text) < 65_536
    assert "and 19 more packages" not in text
    text = written("markdown", with_matches(69))
    assert "and 19 more packages (19 unknown)" in text


def test_of_many_annotations_those_that_github_shows_are_written():
    lines = written("github", with_matches(200)).splitlines()
    assert len(lines) == 52
    assert "more lines; --format markdown shows all" in lines[-2]


@pytest.mark.parametrize("format", ["markdown", "github"])
def test_each_of_several_images_is_named_with_what_could_not_be_read(format: str):
    text = written(format, several(), verdict="failed: --severity-threshold high", passed=False)
    assert "web:1" in text
    assert "registry.example/gone:1" in text
    assert "not found" in text
    assert "failed" in text
    assert "CVE-2021-44228" in text
    if format == "markdown":
        assert text.startswith("## ❌ Leadline: `2 images, 1 of them not read`\n")
        assert "run by `" in text


def test_a_gate_that_passed_is_marked():
    assert written("markdown", VULNERABLE, verdict="passed", passed=True).startswith("## ✅ ")
