import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from code_server import serving
from test_neovim import POD, ROOT

pytestmark = pytest.mark.nightly("editors")
BUILD = ROOT / "integrations/editors/vscode/build.py"
PICTURES = os.environ.get("LEADLINE_PICTURES", "")
"""A folder that the pictures of the documentation are written to."""
_WAIT_MS = 90_000


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("vsix") / "leadline.vsix"
    subprocess.run([sys.executable, str(BUILD), "1.0.0", str(made)], check=True, timeout=600)
    return made


def test_the_extension_is_packed_the_same_twice(extension: Path, tmp_path: Path):
    subprocess.run(
        [sys.executable, str(BUILD), "1.0.0", str(tmp_path / "again.vsix")], check=True, timeout=600
    )
    assert (tmp_path / "again.vsix").read_bytes() == extension.read_bytes()


@pytest.fixture
def page(extension: Path, tmp_path: Path) -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/pod.yaml").write_text(POD)
    starter = tmp_path / "leadline"
    starter.write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT / "src"}" exec "{sys.executable}" -m leadline.programs.cli.main "$@"\n'
    )
    starter.chmod(0o755)
    home = tmp_path / "editor"
    home.mkdir()
    with serving(home, extension, [str(starter), "lsp"]) as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{address}/?folder={tmp_path / 'shop'}")
        page.wait_for_selector(".monaco-workbench", timeout=_WAIT_MS)
        yield page
        browser.close()


def picture(page: object, name: str) -> None:
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES, f"{name}.png")))  # type: ignore[attr-defined]


def test_squiggles_a_hover_and_a_fix_that_is_saved(page, tmp_path: Path):
    page.get_by_text("pod.yaml").first.dblclick(timeout=_WAIT_MS)
    page.wait_for_selector(".view-lines", timeout=_WAIT_MS)
    page.wait_for_selector(".squiggly-warning, .squiggly-info", timeout=_WAIT_MS)
    page.keyboard.press("Control+Shift+m")
    page.wait_for_selector(".markers-panel .monaco-list-row", timeout=_WAIT_MS)
    picture(page, "vscode-problems")
    token = page.locator(".markers-panel .monaco-list-row", has_text="Service account token mounted")
    token.first.click()
    page.locator(".monaco-editor .view-lines").first.click()
    page.keyboard.press("Control+g")
    page.wait_for_selector(".quick-input-widget input", timeout=_WAIT_MS)
    page.keyboard.type("4:2")
    page.keyboard.press("Enter")
    page.wait_for_selector(".quick-input-widget", state="hidden", timeout=_WAIT_MS)
    page.keyboard.press("Control+k")
    page.keyboard.press("Control+i")
    hover = page.locator(".monaco-hover", has_text=re.compile("Cannot see"))
    hover.first.wait_for(timeout=_WAIT_MS)
    picture(page, "vscode-hover")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+.")
    fix = page.locator(".action-widget .monaco-list-row", has_text="automountServiceAccountToken to false")
    fix.first.wait_for(timeout=_WAIT_MS)
    picture(page, "vscode-fix")
    page.keyboard.press("Enter")  # the preferred one is chosen
    page.locator(".view-lines", has_text="automountServiceAccountToken").first.wait_for(timeout=_WAIT_MS)
    token.first.wait_for(state="detached", timeout=_WAIT_MS)
    page.keyboard.press("Control+s")
    file = tmp_path / "shop/pod.yaml"
    page.wait_for_selector(".tab.active:not(.dirty)", timeout=_WAIT_MS)
    assert "automountServiceAccountToken: false" in file.read_text()
    picture(page, "vscode-fixed")
