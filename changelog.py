"""Prints the changes that are not released yet; ``python changelog.py VERSION DATE`` moves them into CHANGELOG.md.

Fragments and not one file, since that was the place where changes met most often. Forty lines of our own and not
towncrier: there are no categories and no numbers of issues, and it would bring a template language along.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
FRAGMENTS = ROOT / "changelog.d"
CHANGELOG = ROOT / "CHANGELOG.md"
_UNRELEASED = re.compile(r"^## \S+ \(unreleased\)\n+", re.MULTILINE)


def fragments(folder: Path = FRAGMENTS) -> list[Path]:
    """In the order of their names."""
    return sorted(path for path in folder.glob("*.md") if path.name != "README.md")


def entry(fragment: Path) -> str:
    """Its lines as one item of a list."""
    lines = fragment.read_text("utf-8").strip().splitlines()
    lines[0] = lines[0].removeprefix("- ")
    return "- " + "\n  ".join(line.strip() for line in lines) + "\n"


def released(changelog: str, entries: str, version: str, date: str) -> str:
    """The changelog with a dated section: that of what is not released, if there is one, with the entries on top."""
    heading = f"## {version} ({date})\n\n"
    if _UNRELEASED.search(changelog):
        return _UNRELEASED.sub(lambda _: heading + entries, changelog, count=1)
    first = changelog.find("\n## ")
    head, rest = (changelog[: first + 1], changelog[first + 1 :]) if first >= 0 else (changelog + "\n", "")
    return f"{head}{heading}{entries}\n{rest}".rstrip() + "\n"


def main(arguments: list[str]) -> int:
    found = fragments()
    entries = "".join(map(entry, found))
    if not arguments:
        sys.stdout.write(entries)
        return 0
    if len(arguments) != 2 or not re.fullmatch(r"\d{4}-\d\d-\d\d", arguments[1]):
        sys.stderr.write("usage: python changelog.py [VERSION YYYY-MM-DD]\n")
        return 2
    CHANGELOG.write_text(released(CHANGELOG.read_text("utf-8"), entries, *arguments), "utf-8")
    for fragment in found:
        fragment.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
