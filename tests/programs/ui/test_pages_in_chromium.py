"""Every page in a real browser: wide and narrow, with axe, with the script and without it."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from typing import Literal

import pytest
from axe import MissingError, script
from hostile_names import hostile_report
from pages_process import chromium, pages_of, violations
from pages_states import STATES
from playwright.sync_api import Browser, Page, ViewportSize

from leadline.scans.pages.site import PAGES

NAMES = [kind.name for kind in PAGES if kind.in_menu]
FOLLOWED = [kind.name for kind in PAGES if not kind.in_menu]
"""Pages about one thing, which others lead to."""
NARROW: ViewportSize = {"width": 390, "height": 844}
WIDE: ViewportSize = {"width": 1280, "height": 900}
ANSWER_MS = 60_000
Scheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with pages_of("examples/shop") as printed:
        yield printed


@pytest.fixture(scope="module")
def state_address() -> Iterator[Callable[[str], str]]:
    """The address of the pages in a state, which are served from the first question on."""
    with ExitStack() as stack:
        yield cache(lambda name: stack.enter_context(STATES[name].served()))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def axe() -> str:
    try:
        return script().read_text("utf-8")
    except MissingError as error:
        pytest.skip(str(error))


def addresses(page: Page, base: str, most: int = 1) -> list[str]:
    """Every page of the menu, and of each other sort the first ``most`` that these lead to."""
    wanted = [f"{base}/{name}" for name in NAMES]
    found: dict[str, list[str]] = {name: [] for name in FOLLOWED}
    for one in tuple(wanted):
        page.goto(one)
        for link in page.eval_on_selector_all(
            "main a[href]", "links => links.map(one => one.getAttribute('href'))"
        ):
            name = link.partition("?")[0]
            if name in found and link not in found[name] and len(found[name]) < most:
                found[name].append(link)
    return [*wanted, *(f"{base}/{link}" for links in found.values() for link in links)]


def looked_at(
    browser: Browser,
    address: str,
    axe: str,
    size: ViewportSize,
    scheme: Scheme = "light",
    *,
    follow: bool = True,
) -> dict[str, object]:
    """What is wrong with any page, by its address: those of the menu, and where they lead to with ``follow``."""
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(ANSWER_MS)
    found: dict[str, object] = {}
    page.on("console", lambda message: found.setdefault(f"said at {page.url}", message.text))
    page.on("pageerror", lambda error: found.setdefault(f"failed at {page.url}", str(error)))
    page.goto(address)
    base = page.url.rpartition("/")[0]
    wanted = addresses(page, base) if follow else [f"{base}/{name}" for name in NAMES]
    for one in wanted:
        page.goto(one)
        if bad := violations(page, axe):
            found[one] = bad
        if (width := page.evaluate("document.documentElement.scrollWidth")) > size["width"]:
            found[f"{one} is wider than the screen"] = width
    context.close()
    return found


@pytest.mark.parametrize(
    "size",
    [pytest.param(NARROW, id="390", marks=pytest.mark.nightly("pages")), pytest.param(WIDE, id="1280")],
)
def test_every_page_fits_and_axe_finds_nothing(
    browser: Browser, address: str, axe: str, size: ViewportSize
) -> None:
    assert looked_at(browser, address, axe, size) == {}


SIZES: tuple[tuple[int, Scheme], ...] = (
    *((width, "light") for width in (390, 1280, 1920)),
    *((width, "dark") for width in (390, 1280, 1920)),
)


@pytest.mark.nightly("pages")
@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_axe_finds_nothing_in_any_width_dark_and_light(
    browser: Browser, address: str, axe: str, width: int, scheme: Scheme
) -> None:
    assert looked_at(browser, address, axe, {"width": width, "height": 900}, scheme) == {}


@pytest.mark.nightly("pages")
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark"), (1920, "light")])
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_in_any_state(
    browser: Browser, axe: str, state_address: Callable[[str], str], state: str, width: int, scheme: Scheme
) -> None:
    address = state_address(state)
    with closing(browser.new_page()) as page:
        page.goto(address)
        assert STATES[state].says in page.inner_text("body")
    size: ViewportSize = {"width": width, "height": 900}
    assert looked_at(browser, address, axe, size, scheme, follow=False) == {}


@pytest.mark.nightly("pages")
def test_a_keyboard_is_enough(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    page.set_default_timeout(ANSWER_MS)
    page.goto(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id || location.hash") in ("main", "#main")
    page.goto(page.url.replace("overview", "findings").partition("#")[0])
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.locator("tr.here").count() == 1
    page.keyboard.press("Enter")
    page.wait_for_url("**/finding?id=*")
    page.go_back()
    page.keyboard.press("n")
    page.wait_for_url("**page=2")
    context.close()


@pytest.mark.nightly("pages")
def test_a_printed_page_holds_what_an_auditor_needs_and_nothing_to_click(
    browser: Browser, address: str
) -> None:
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    page.set_default_timeout(ANSWER_MS)
    page.goto(address)
    page.goto(page.url.replace("overview", "framework?name=NSA"))
    page.emulate_media(media="print")
    assert not page.locator("header").is_visible()
    assert not page.locator("button").first.is_visible()
    assert "compliance of what was judged" in page.inner_text("main")
    assert page.pdf().startswith(b"%PDF")
    for name in NAMES:
        page.goto(page.url.rpartition("/")[0] + f"/{name}")
        shown = page.locator("header, button, form.filter, nav.pages, #live").filter(visible=True)
        assert (name, shown.count()) == (name, 0)
        assert page.pdf().startswith(b"%PDF")
    context.close()


@pytest.mark.nightly("pages")
def test_the_pictures_of_the_documentation_are_taken(browser: Browser, address: str, tmp_path: Path) -> None:
    """``LEADLINE_PICTURES=docs/images`` keeps them."""
    folder = Path(os.environ.get("LEADLINE_PICTURES") or tmp_path)
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    page.set_default_timeout(ANSWER_MS)
    page.goto(address)
    page.screenshot(path=folder / "pages-overview.png")
    page.get_by_role("link", name="shop-ops/DaemonSet/agent").click()
    page.wait_for_selector("svg.path")
    page.screenshot(path=folder / "pages-workload.png")
    context.close()
    assert all((folder / f"pages-{name}.png").stat().st_size > 20_000 for name in ("overview", "workload"))


def test_a_list_is_narrowed_while_one_types_and_the_address_follows(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    page.set_default_timeout(ANSWER_MS)
    page.goto(address)
    page.goto(page.url.replace("overview", "findings"))
    page.keyboard.press("/")
    page.keyboard.type("agent")
    page.wait_for_url("**/findings?q=agent")
    assert all("agent" in text.lower() for text in page.locator(".rows tbody tr").all_inner_texts())
    assert page.evaluate("document.activeElement.name") == "q"
    assert page.evaluate("document.activeElement.value") == "agent"
    page.go_back()
    page.wait_for_function("!location.search && document.querySelectorAll('.rows tbody tr').length > 20")
    context.close()


def test_without_a_script_everything_works(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport=WIDE, java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(ANSWER_MS)
    page.goto(address)
    page.get_by_role("link", name="Findings", exact=True).click()
    page.get_by_role("checkbox", name="critical").check()
    page.get_by_role("button", name="Apply").click()
    assert "severity=critical" in page.url
    assert set(page.locator("td.severity").all_inner_texts()) == {"critical"}
    context.close()


@pytest.mark.parametrize(
    "policy", [pytest.param(True, marks=pytest.mark.nightly("pages")), False], ids=["policy", "no-policy"]
)
def test_no_name_becomes_markup_or_code(browser: Browser, tmp_path: Path, *, policy: bool) -> None:
    """Also where a browser heeds no policy."""
    hostile_report(tmp_path / "hostile.json")
    with pages_of(str(tmp_path / "hostile.json")) as address:
        context = browser.new_context(viewport=WIDE, bypass_csp=not policy)
        page = context.new_page()
        page.set_default_timeout(ANSWER_MS)
        ran: list[str] = []
        page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
        page.goto(address)
        base = page.url.rpartition("/")[0]
        wanted = addresses(page, base, 8)
        for one in wanted:
            page.goto(one)
            assert (
                page.locator("main img, main script, main [onmouseover], main [onerror], main iframe").count()
                == 0
            )
            assert page.locator('a[href^="javascript" i]').count() == 0
            text = page.content()
            assert "49" not in page.title()
            assert not set(text) & set("\u202e\x1b")
        context.close()
    assert len(wanted) > 20
    assert ran == []
