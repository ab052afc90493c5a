"""Every page in Firefox ESR: no name becomes markup or code, and the script works there."""

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from firefox import ANSWER_S, FIREFOX, Firefox, firefox
from hostile_names import hostile_report
from pages_process import ROOT, pages_of

from leadline.scans.pages.site import PAGES

pytestmark = pytest.mark.nightly("pages")
PROMPT = "browsingContext.userPromptOpened"
MARKUP = "main img, main script, main iframe, main [onmouseover], main [onerror], a[href^='javascript' i]"
NAMES = [kind.name for kind in PAGES if kind.in_menu]


@pytest.fixture(scope="module")
def browser() -> Iterator[Firefox]:
    if not FIREFOX:
        assert not os.environ.get("LEADLINE_REQUIRE_PROGRAMS"), "firefox-esr is not installed"
        pytest.skip("firefox-esr is not installed")
    with firefox() as one:
        yield one


def value(browser: Firefox, expression: str) -> object:
    return json.loads(str(browser.value(f"JSON.stringify({expression})")))


def until(browser: Firefox, expression: str) -> None:
    waited = threading.Event()
    for _ in range(ANSWER_S * 10):
        if value(browser, expression):
            return
        waited.wait(0.1)
    raise TimeoutError(expression)


class Alerting(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>x</title><script>setTimeout(() => alert(9))</script>"
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_no_name_becomes_markup_or_code(browser: Firefox, tmp_path: Path) -> None:
    hostile_report(tmp_path / "hostile.json")
    with pages_of(str(tmp_path / "hostile.json")) as address:
        browser.open(address)
        base = str(value(browser, "location.href")).rpartition("/")[0]
        wanted = [*NAMES]
        for name in tuple(wanted):
            browser.open(f"{base}/{name}")
            links = value(
                browser, "[...document.querySelectorAll('main a[href]')].map(a => a.getAttribute('href'))"
            )
            assert isinstance(links, list)
            pages = [link for link in links if "." not in link.partition("?")[0]]
            wanted += [link for link in pages if link not in wanted][:4]
        for one in wanted:
            browser.open(f"{base}/{one}")
            assert value(browser, f"document.querySelectorAll({json.dumps(MARKUP)}).length") == 0, one
            text = str(value(browser, "document.documentElement.outerHTML"))
            assert not set(text) & set("\u202e\x1b"), one
        assert len(wanted) > 30
    assert [event for event in browser.events if event["method"] == PROMPT] == []


def test_an_alert_would_have_been_noticed(browser: Firefox) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Alerting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    before = len(browser.events)
    browser.open(f"http://127.0.0.1:{server.server_address[1]}/")
    while not any(event["method"] == PROMPT for event in browser.events[before:]):
        browser.ask("browsingContext.getTree")
    browser.close_prompt()
    server.shutdown()
    server.server_close()


def test_a_list_is_narrowed_while_one_types(browser: Firefox) -> None:
    with pages_of(str(ROOT / "examples" / "shop")) as address:
        browser.open(address)
        browser.open(str(value(browser, "location.href")).replace("overview", "findings"))
        until(browser, "document.documentElement.classList.contains('scripted')")
        browser.type_into(".words input", "agent")
        rows = "[...document.querySelectorAll('.rows tbody tr')]"
        found = f"{rows}.length && {rows}.every(row => row.innerText.includes('agent'))"
        until(browser, f"location.search === '?q=agent' && {found}")
