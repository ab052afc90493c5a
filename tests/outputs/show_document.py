"""Shows an encoded report in every format, in a process of its own: ``python show_document.py DOCUMENT PAGE FOLDER``."""

import sys
from pathlib import Path
from typing import Any

import msgspec

from leadline.model.report import PostureReport
from leadline.outputs.documents.report_document import decode
from leadline.outputs.format_registry import Asked, Page, formats_for
from leadline.outputs.rows.no_places import NoPlaces
from leadline.outputs.rows.place import Places

LOOKS: dict[str, dict[str, Any]] = {
    "plain": {"least": "high"},
    "verbose": {"verbose": True, "coverage": True, "width": 80, "colour": True},
}


def page_of(fields: dict[str, Any], places: Places) -> Page:
    return Page(places=places, **{**fields, "asked": Asked(**fields.get("asked", {}))})


def show(report: PostureReport, places: Places, fields: dict[str, Any], folder: Path) -> None:
    """One file for each format and look."""
    folder.mkdir()
    for look, more in LOOKS.items():
        page = page_of({**fields, **more}, places)
        for name, format in formats_for(PostureReport).items():
            with (folder / f"{look}{format.suffix}.{name}").open("w", encoding="utf-8", newline="") as out:
                format.write(report, out, page)


if __name__ == "__main__":
    document, page, folder = sys.argv[1:]
    found = decode(Path(document).read_bytes())
    assert isinstance(found, PostureReport)
    show(found, NoPlaces(), msgspec.json.decode(page), Path(folder))
