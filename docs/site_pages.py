"""Hooks of MkDocs: adds the reference pages, and names files of the repository where a page links to one."""

import re
import sys
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS), str(DOCS.parent / "src")]

from build_reference import pages  # noqa: E402

_LINK = re.compile(r"\[([^\]]+)\]\((\.\./[^)#]*)(#[^)]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    # Those on disk may be old.
    for file in [file for file in files if file.src_uri.startswith("reference/")]:
        files.remove(file)
    for name, page in pages():
        files.append(File.generated(config, f"reference/{name}", content=page))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """A link that leads out of ``docs`` becomes the path in the repository, which is no part of the site."""
    folder = PurePosixPath(page.file.src_uri).parent

    def named(link: re.Match[str]) -> str:
        target = (DOCS / folder / link[2]).resolve()
        if target.is_relative_to(DOCS):
            return link[0]
        if not target.exists():
            raise FileNotFoundError(f"{page.file.src_uri}: a link leads to {link[2]}, which does not exist")
        return f"{link[1]} (`{target.relative_to(DOCS.parent)}`)"

    return _LINK.sub(named, markdown)
