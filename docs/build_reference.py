"""Writes the reference pages of controls and frameworks from the code: ``python docs/build_reference.py [--check]``.

With ``--check`` nothing is written; the exit code is 1 when a page is missing, out of date or no longer wanted.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from leadline.posture.catalogue import load_controls, load_frameworks
from leadline.programs.cli.explain import markdown
from leadline.programs.cli.scanning.settings import shipped_settings

ROOT = Path(__file__).resolve().parent / "reference"


def pages() -> Iterator[tuple[str, str]]:
    """Path below the reference folder, and text."""
    controls = load_controls()
    frameworks = load_frameworks(controls)
    settings = shipped_settings(controls)
    for control in controls:
        yield f"controls/{control.id}.md", "\n".join(markdown(control, frameworks, settings)) + "\n"
    rows = [
        f"| [{c.id}]({c.id}.md) | {c.title} | {c.severity} | {c.category} | {_state(c)} |"
        for c in sorted(controls, key=lambda c: c.id)
    ]
    head = ["# Controls", "", "| id | title | severity | category | |", "|---|---|---|---|---|"]
    yield "controls/README.md", "\n".join([*head, *rows]) + "\n"
    built = {c.id for c in controls if c.is_built}
    rows = [
        f"| {f.name} | {f.title} | {len(f.entries)} | {sum(e.control in built for e in f.entries)} |" for f in frameworks
    ]
    head = ["# Frameworks", "", "| name | title | controls | built |", "|---|---|--:|--:|"]
    yield "frameworks.md", "\n".join([*head, *rows]) + "\n"


def _state(control: object) -> str:
    if getattr(control, "manual", ""):
        return "for a person to judge"
    return "" if getattr(control, "is_built", False) else "not built yet"


def main() -> int:
    wanted = dict(pages())
    present = {str(p.relative_to(ROOT)): p for p in ROOT.rglob("*.md")}
    stale = [name for name, text in wanted.items() if name not in present or present[name].read_text("utf-8") != text]
    unwanted = sorted(present.keys() - wanted.keys())
    if "--check" in sys.argv[1:]:
        for name in (*stale, *unwanted):
            print(f"out of date: docs/reference/{name}; run python docs/build_reference.py")
        return 1 if stale or unwanted else 0
    for name in stale:
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[name], "utf-8")
    for name in unwanted:
        present[name].unlink()
    print(f"{len(stale)} pages written, {len(unwanted)} removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
