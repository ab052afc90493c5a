"""No link of a checkout is dead, and the documentation site builds strictly and loads nothing from elsewhere."""

import re
import subprocess
import sys
from pathlib import Path

import changelog
import pytest

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
LOADED = re.compile(
    r"""(?:<(?:script|img|iframe|source)\b[^>]*\bsrc=|<link\b[^>]*\bhref=|@import\s+|\burl\()["']?((?:https?:)?//[^"')\s]+)"""
)
"""What a browser fetches by itself, from another host; a link that a person follows is not among it."""


def committed(pattern: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", pattern], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


TOP = {
    *(
        ".gitignore",
        ".pre-commit-hooks.yaml",
        "LICENSE",
        "changelog.py",
        "check.py",
        "mkdocs.yml",
        "pyproject.toml",
    ),
    *("ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"),
    *("requirements-cli.lock", "requirements-image.lock", "requirements.lock"),
}


def test_nothing_lies_at_the_top_that_somebody_left_there():
    assert {path.name for path in committed(".") if path.parent == ROOT} == TOP


def anchors(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def dead_links(page: Path) -> list[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    found = []
    for link in LINK.findall(re.sub(r"`[^`\n]*`", "", text)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        is_committed = target.is_dir() or bool(committed(str(target.relative_to(ROOT))))
        if not is_committed or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            found.append(f"{page.relative_to(ROOT)}: {link}")
    return found


def test_no_link_of_a_checkout_is_dead():
    pages = [page for page in committed("*.md") if "tests" not in page.relative_to(ROOT).parts]
    assert len(pages) > 40
    assert [link for page in pages for link in dead_links(page)] == []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_the_site_has_a_page_for_each_control_and_finds_it(site: Path):
    assert len(list((site / "reference" / "controls").glob("C-*.html"))) > 250
    assert '"reference/controls/C-0057.html"' in (site / "search" / "search_index.json").read_text("utf-8")


def test_nothing_but_pages_and_what_they_load_is_in_the_site(site: Path):
    suffixes = {path.suffix for path in site.rglob("*") if path.is_file()}
    assert suffixes & {".py", ".pyc", ".toml", ".md"} == set()


def test_the_site_loads_nothing_from_elsewhere(site: Path):
    files = [path for suffix in ("html", "css") for path in site.rglob(f"*.{suffix}")]
    assert len(files) > 350
    assert [f"{path.name}: {url}" for path in files for url in LOADED.findall(path.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    "line",
    [
        '<script src="https://cdn.example/x.js">',
        '<link rel="stylesheet" href="//cdn.example/x.css">',
        "src: url('https://fonts.example/x.woff2')",
        '@import "https://cdn.example/x.css"',
    ],
)
def test_what_would_be_loaded_from_elsewhere_is_seen(line: str):
    assert LOADED.findall(line)


def test_every_fragment_of_the_changelog_is_a_short_item():
    for fragment in changelog.fragments():
        item = changelog.entry(fragment)
        assert re.match(r"- [A-Z0-9`]", item), fragment.name
        assert item.count("\n") <= 4, f"{fragment.name}: at most four lines"


def test_a_release_takes_the_fragments_into_its_section():
    entries = "- New.\n"
    unreleased = "# Changelog\n\n## 0.1.0 (unreleased)\n\n- Old.\n"
    assert changelog.released(unreleased, entries, "0.1.0", "2027-01-31") == (
        "# Changelog\n\n## 0.1.0 (2027-01-31)\n\n- New.\n- Old.\n"
    )
    dated = "# Changelog\n\n## 0.1.0 (2027-01-31)\n\n- Old.\n"
    assert changelog.released(dated, entries, "0.2.0", "2027-02-28") == (
        "# Changelog\n\n## 0.2.0 (2027-02-28)\n\n- New.\n\n## 0.1.0 (2027-01-31)\n\n- Old.\n"
    )
