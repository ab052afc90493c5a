"""Pages as HTML: one template for all, and files by a name that changes with what is in them."""

import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files
from urllib.parse import urlencode

from jinja2 import DictLoader, Environment
from markupsafe import Markup, escape

from leadline.model.risk import AttackStep
from leadline.programs.ui.picture import bar, neighbours_picture, path_picture, trend_picture
from leadline.scans.pages.page import Link, Neighbours, Page, safe
from leadline.scans.pages.site import PAGES
from leadline.scans.pages.world import World
from leadline.version import __version__

_FILES = {"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8"}
_BREAKS = re.compile(r"([/.\]:@])")
_IDS = re.compile(r"\b([CL]-\d{4})\b")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?Z")
_PER_CENT = re.compile(r"(\d+) %")


class Assets:
    """The style sheet and the script, which browsers may keep for good."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, str]] = {}
        self.names: dict[str, str] = {}
        for name, media in _FILES.items():
            content = files("leadline.programs.ui").joinpath("static", name).read_bytes()
            stem, dot, end = name.partition(".")
            hashed = f"{stem}-{hashlib.sha256(content).hexdigest()[:12]}{dot}{end}"
            self.files[hashed] = content, media
            self.names[end] = hashed


class Html:
    def __init__(self) -> None:
        self.assets = Assets()
        source = files("leadline.programs.ui").joinpath("templates", "page.html").read_text("utf-8")
        environment = Environment(
            loader=DictLoader({"page.html": source}), autoescape=True, trim_blocks=True, lstrip_blocks=True
        )
        # Whatever a page holds, no control character and no mark that turns text around reaches the browser.
        environment.finalize = lambda value: (
            value if isinstance(value, Markup | int | float) else safe(str(value))
        )
        environment.filters |= {
            "address": address,
            "breaks": _with_breaks,
            "moment": lambda text: _MOMENT.sub(r"\1 \2", text),
            "bar": _bar,
            "lines": _lines,
            "kind": lambda section: type(section).__name__.lower(),
            "slug": lambda text: re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "list",
            "path_picture": _path,
            "neighbours_picture": _neighbours,
            "trend_picture": lambda one: Markup(trend_picture(one.days, one.sentence)),  # noqa: S704 drawn and escaped by picture.py
            "step_words": _step_words,
            "with_page": _with_page,
        }
        environment.globals |= {
            "assets": self.assets.names,
            "menu": [kind for kind in PAGES if kind.in_menu],
            "version": __version__,
        }
        self._template = environment.get_template("page.html")

    def page(self, page: Page, world: World, revision: int) -> bytes:
        return self._template.render(page=page, world=world, revision=revision).encode()


def address(link: Link, **more: str) -> str:
    """Relative: proxies serve pages below paths that are not known here."""
    query = urlencode([*link.query, *more.items()])
    return f"{link.page}?{query}" if query else link.page


def _with_breaks(text: str) -> Markup:
    """Long names break after a slash or a dot, never within a word or the id of a control."""
    broken = _BREAKS.sub(r"\1<wbr>", str(escape(safe(text))))
    return Markup(_IDS.sub(r'<span class="id">\1</span>', broken))  # noqa: S704 escaped


def _bar(text: str) -> Markup:
    found = _PER_CENT.fullmatch(text)
    return Markup(bar(float(found[1]))) if found else Markup("")  # noqa: S704 a number alone


def _lines(lines: Sequence[str]) -> Markup:
    """What a button copies: as it is, but for characters that are not shown."""
    text = "\n".join("".join(c if c.isprintable() else "?" for c in line) for line in lines)
    return escape(text)


def _path(steps: Sequence[AttackStep], words: str) -> Markup:
    return Markup(path_picture(steps, safe(words)))  # noqa: S704 drawn and escaped by picture.py


def _neighbours(one: Neighbours) -> Markup:
    words = f"Connections: {len(one.comes_in):,} into {one.name}, {len(one.goes_out):,} out of it"
    return Markup(neighbours_picture(one.comes_in, one.name, one.goes_out, words))  # noqa: S704 drawn and escaped by picture.py


def _step_words(step: AttackStep) -> str:
    details = f" ({', '.join(step.details)})" if step.details else ""
    return f"{step.text}{details}"


def _with_page(query: Sequence[tuple[str, str]], number: int) -> str:
    """``query`` of an address, with the number of the page where it is not the first."""
    return urlencode([*query, *([("page", str(number))] if number > 1 else [])])
