"""The HTML of image reports: everything in it is text, and it needs nothing but itself."""

import io
from html.parser import HTMLParser

import msgspec
import pytest

from leadline.model.image_report import ImageFinding, ImageReport
from leadline.model.images_report import ImagesReport, ImageUse, ScannedImage, UnreadImage
from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.model.unread import Unread
from leadline.model.vulnerability import DatabaseState, Exploited, FeedState, Match, Suppressed
from leadline.outputs.format_registry import Page, find_format
from leadline.outputs.rows.no_places import NoPlaces

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=y>&\x1b[31m"


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in ("meta", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


def report(name: str) -> ImageReport:
    package = Package("deb", name, name, found_in=(name,))
    match = Match(
        f"CVE-2024-1{name}",
        package,
        "high",
        "fixed",
        (name,),
        summary=name,
        exploited=Exploited("CVE-2024-1", name),
    )
    identity = ImageIdentity(name, digest="sha256:" + "a" * 64)
    return ImageReport(
        Sbom(identity, (package,), unread=(Unread(name, name, hint=name, reason="malformed"),)),
        (ImageFinding("medium", name, name, name, name),),
        (name,),
        (match,),
        (Suppressed(match, "VEX", name),),
        (),
        DatabaseState("2026-06-30T00:00:00Z", (FeedState(name, name, "2026-06-30"),)),
    )


def several(name: str) -> ImagesReport:
    use = ImageUse("id", name, name)
    one = ScannedImage((name, f"{name}2"), report(name), (use,))
    other = msgspec.structs.replace(one, names=("other",))
    return ImagesReport(
        (one, other),
        (UnreadImage(Unread(name, name, reason="missing"), (use,)),),
        None,
        1,
        (Unread(name, name, reason="missing"),),
    )


def written(found: ImageReport | ImagesReport) -> str:
    out = io.StringIO()
    page = Page(NoPlaces(), verdict=HOSTILE, passed=False, at="2026-07-01T00:00:00Z", version="1")
    find_format("html", type(found)).write(found, out, page)
    return out.getvalue()


@pytest.mark.parametrize("make", [report, several])
def test_a_hostile_name_stays_text(make):
    seen = Seen()
    seen.feed(written(make(HOSTILE)))
    assert seen.open == []
    assert not seen.tags & {"script", "img", "iframe", "object", "form", "base", "svg", "link"}
    assert [name for name, _ in seen.attributes if name.startswith("on") or name == "src"] == []
    assert "\x1b" not in seen.words
    assert "<script>alert(1)</script>" in seen.words


@pytest.mark.parametrize("make", [report, several])
def test_it_asks_for_nothing_from_elsewhere(make):
    text = written(make("plain"))
    assert "default-src 'none'" in text
    assert "url(" not in text
    assert "@import" not in text
    seen = Seen()
    seen.feed(text)
    addresses = [value for name, value in seen.attributes if name == "href" and value]
    assert addresses
    assert [one for one in addresses if not one.startswith(("https://", "#"))] == []


def test_everything_that_was_found_or_not_is_in_it():
    seen = Seen()
    seen.feed(written(several("zlib")))
    for words in (
        "CVE-2024-1",
        "used by attackers",
        "Do first",
        "2 images",
        "1 image not read",
        "Not read",
        "Run by",
    ):
        assert words in seen.words


def test_an_image_that_was_not_matched_is_not_called_clean():
    seen = Seen()
    seen.feed(written(msgspec.structs.replace(report("x"), database=None, vulnerabilities=())))
    assert "no vulnerability database was asked" in seen.words
    assert "were not matched" in seen.words
    assert "No advisory" not in seen.words


def test_a_package_is_one_row_with_the_upgrade_that_fixes_all_of_it():
    package = Package("pypi", "django", "3.0")
    fixes = (("CVE-1", "critical", "3.1"), ("CVE-2", "low", "3.2"), ("CVE-3", "low", ""))
    matches = tuple(
        Match(id, package, severity, "fixed" if fix else "not fixed", (fix,) if fix else ())
        for id, severity, fix in fixes
    )
    text = written(msgspec.structs.replace(report("x"), vulnerabilities=matches))
    start = text.index("<th>Upgrade to")
    rows = text[start : text.index("</table>", start)].split("<tr ")[1:]
    assert len(rows) == 1
    for words in (">3.2<", "1 without a fix", "1 critical, 2 low", "CVE-1", "CVE-2", "CVE-3"):
        assert words in rows[0]
