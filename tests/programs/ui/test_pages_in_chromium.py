"""Every page in a real browser: wide and narrow, with axe, with the script and without it."""

from collections.abc import Iterator

import pytest
from axe import MissingError, script
from pages_process import ROOT, chromium, pages_of, violations
from playwright.sync_api import Browser, ViewportSize

from leadline.scans.pages.site import PAGES

NAMES = [
    "overview",
    "changes",
    "findings",
    "workloads",
    "namespaces",
    "images",
    "controls",
    "accepted",
    "health",
]
FOLLOWED = {
    "finding": "findings",
    "workload": "workloads",
    "namespace": "namespaces",
    "control": "controls",
    "framework": "overview",
}
NARROW: ViewportSize = {"width": 390, "height": 844}
WIDE: ViewportSize = {"width": 1280, "height": 900}
ANSWER_MS = 60_000


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with pages_of(str(ROOT / "examples" / "shop")) as printed:
        yield printed


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


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["390", "1280"])
def test_every_page_fits_and_axe_finds_nothing(
    browser: Browser, address: str, axe: str, size: ViewportSize
) -> None:
    context = browser.new_context(viewport=size)
    page = context.new_page()
    page.set_default_timeout(ANSWER_MS)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address)
    base = page.url.rpartition("/")[0]
    found: dict[str, object] = {}
    wanted = [f"{base}/{name}" for name in NAMES]
    for name, start in FOLLOWED.items():
        page.goto(f"{base}/{start}")
        target = page.locator(f'main a[href^="{name}?"]').first.get_attribute("href")
        wanted.append(f"{base}/{target}")
    for one in wanted:
        page.goto(one)
        if bad := violations(page, axe):
            found[one] = bad
        if page.evaluate("document.documentElement.scrollWidth") > size["width"]:
            found[f"{one} is wider than the screen"] = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert {name.in_menu for name in PAGES if name.name in NAMES} == {True}
    assert found == {}
    assert said == []


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
