"""What the pages answer: to whom, with which policy, and in which forms."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from asgi_browser import Answered, asked_at, get

from leadline.programs.cli.main import main
from leadline.programs.ui.app import App, Patience
from leadline.programs.ui.doors import COOKIE, Asked, KeyDoor
from leadline.programs.ui.keeping import Shown
from leadline.scans.options import PostureOptions
from leadline.scans.pages.reading import read_folder
from leadline.scans.pages.rows import object_key
from leadline.scans.pages.site import PAGES
from leadline.scans.pages.world import Known, World

KEY = "a-key"
ROOM = "/a-room"
SHOP = Path(__file__).parents[3] / "examples" / "shop"
MENU = [kind.name for kind in PAGES if kind.in_menu]
LARGEST_PAGE = 60_000


@pytest.fixture(scope="module")
def known() -> Known:
    return read_folder([str(SHOP)], PostureOptions())


@pytest.fixture
def app(known: Known) -> App:
    return App(Shown(known), KeyDoor(KEY, frozenset({"127.0.0.1:8000"}), ROOM))


def page(app: App, name: str, **headers: str) -> Answered:
    return get(app, f"/pages/{name}", cookie=f"{COOKIE}={KEY}", **headers)


def test_without_the_key_nothing_is_shown(app: App) -> None:
    for cookie in ("", f"{COOKIE}=another", "broken;;==", f"{COOKIE}=é"):
        answer = get(app, "/pages/overview", cookie=cookie)
        assert (answer.status, "shop" in answer.text) == (403, False)


def test_the_key_of_the_address_becomes_a_cookie_and_leaves_the_address(app: App) -> None:
    answer = get(app, f"/pages/findings?key={KEY}")
    assert (answer.status, answer.headers["location"]) == (303, "findings")
    assert {"HttpOnly", "SameSite=Strict"} <= {
        part.strip() for part in answer.headers["set-cookie"].split(";")
    }


def test_the_cookie_goes_to_no_other_program_on_this_machine(known: Known) -> None:
    """Cookies belong to a host, whatever the port: a browser sends this one below a path that no other program knows."""
    door = KeyDoor(KEY, frozenset({"127.0.0.1:8000"}), ROOM)
    app = App(Shown(known), door, (f"{ROOM}/pages",))
    answer = get(app, f"{ROOM}/pages/overview?key={KEY}")
    assert "Path=/a-room" in [part.strip() for part in answer.headers["set-cookie"].split(";")]
    assert get(app, f"{ROOM}/pages/overview", cookie=f"{COOKIE}={KEY}").status == 200
    for path in ("/", "/pages/overview", "/pages"):
        refused = get(app, path)
        assert (refused.status, ROOM in f"{refused.text}{refused.headers}") == (403, False)


@pytest.mark.parametrize(
    "path", ["https:evil.example", "a\r\nset-cookie: a=b", "é", "?x", "..", "\\evil.example"]
)
def test_a_key_leads_to_a_page_of_this_program_alone(app: App, path: str) -> None:
    answer = asyncio.run(asked_at(app, f"/pages/{path}", f"key={KEY}"))
    assert answer.status == 303
    assert re.fullmatch(r"[a-zA-Z0-9._%-]+", answer.headers["location"])


def test_another_name_for_this_machine_is_refused(app: App) -> None:
    assert page(app, "overview", host="evil.example:8000").status == 421


def test_a_header_that_names_a_user_is_not_believed(app: App) -> None:
    answer = get(app, "/pages/overview", x_remote_user="admin", x_forwarded_user="admin", remote_user="admin")
    assert answer.status == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_pages_are_read_alone(app: App, method: str) -> None:
    assert get(app, "/pages/overview", method, cookie=f"{COOKIE}={KEY}").status == 405


@pytest.mark.parametrize("name", MENU)
def test_every_page_is_small_has_the_policy_and_relative_links_alone(app: App, name: str) -> None:
    answer = page(app, name)
    assert answer.status == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert len(answer.body) <= LARGEST_PAGE
    targets = re.findall(r"""(?:href|src|action)=["']([^"']*)""", answer.text)
    assert not [one for one in targets if one.startswith(("/", "http", "javascript"))]
    assert "style=" not in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize("name", MENU)
def test_the_twins_say_the_same(app: App, name: str) -> None:
    document = json.loads(page(app, f"{name}.json").body)
    assert document["page"]["name"] == name
    assert page(app, f"{name}.csv").status == 200


def test_what_is_not_there_is_a_page_that_says_so(app: App) -> None:
    for name in ("nothing", "finding?id=0", "overview.xml", "finding/1", "../etc/passwd"):
        answer = page(app, name)
        assert (answer.status, "text/html" in answer.headers["content-type"]) == (404, True), name


def test_files_are_kept_and_named_by_what_is_in_them(app: App) -> None:
    found = re.findall(r'"(page-[0-9a-f]{12}\.(?:css|js))"', page(app, "overview").text)
    assert len(found) == 2
    for name in found:
        assert "immutable" in page(app, name).headers["cache-control"]


def test_the_script_is_small() -> None:
    script = Path(__file__).parents[3] / "src/leadline/programs/ui/static/page.js"
    assert len(script.read_bytes()) < 5_000


def test_an_answer_is_compressed_where_it_is_taken(app: App) -> None:
    assert page(app, "findings", accept_encoding="gzip").headers["content-encoding"] == "gzip"


def test_a_head_has_no_body(app: App) -> None:
    answer = get(app, "/pages/overview", "HEAD", cookie=f"{COOKIE}={KEY}")
    assert (answer.status, answer.body) == (200, b"")


def test_a_user_sees_what_he_may_see_alone(known: Known) -> None:
    class Part:
        async def seen(self, asked: object, namespaces: frozenset[str]) -> frozenset[str]:
            return frozenset({"shop"})

    answer = get(App(Shown(known), Part()), "/pages/overview")
    assert "shop-ops" not in answer.text
    assert "in 1 of 2 namespaces" in answer.text


@pytest.mark.parametrize("since", ["", "&since=0"])
def test_a_change_is_told_to_who_looks(known: Known, since: str) -> None:
    """Also to a page that was made before it and asks after it."""

    async def listened() -> str:
        shown = Shown(known)
        app = App(shown, KeyDoor(KEY, frozenset({"127.0.0.1:8000"}), ROOM))
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        leaves = asyncio.Event()

        async def receive() -> dict[str, str]:
            await leaves.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, bytes]) -> None:
            await heard.put(message.get("body", b""))

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/pages",
            "query_string": f"watch=true{since}".encode(),
            "headers": [(b"host", b"127.0.0.1:8000"), (b"cookie", f"{COOKIE}={KEY}".encode())],
        }
        if since:
            await shown.become(known)
        task = asyncio.ensure_future(app(scope, receive, send))
        assert await heard.get() == b""
        assert await heard.get() == b": here\n\n"
        if not since:
            await shown.become(known)
        said = (await heard.get()).decode()
        leaves.set()
        await task
        return said

    assert "id: 1\nevent: changed\ndata: 1\n" in asyncio.run(listened())


def test_who_opens_many_pages_keeps_no_other_from_being_told_of_changes(known: Known) -> None:
    class Named:
        async def seen(self, asked: Asked, namespaces: frozenset[str]) -> frozenset[str]:
            return frozenset({asked.header(b"x-test-namespace")})

    async def opened() -> list[int]:
        app = App(Shown(known), Named(), patience=Patience(most_streams=6, most_of_part=2))
        leaves = asyncio.Event()
        codes: list[int] = []

        async def receive() -> dict[str, str]:
            await leaves.wait()
            return {"type": "http.disconnect"}

        async def ask(namespace: str) -> None:
            began = asyncio.Event()

            async def send(message: dict[str, Any]) -> None:
                if "status" in message:
                    codes.append(message["status"])
                    began.set()

            scope = {
                "type": "http",
                "method": "GET",
                "path": "/pages",
                "query_string": b"watch=true",
                "headers": [(b"x-test-namespace", namespace.encode())],
            }
            tasks.append(asyncio.ensure_future(app(scope, receive, send)))
            await began.wait()

        tasks: list[asyncio.Future[None]] = []
        for namespace in ("noisy", "noisy", "noisy", "quiet"):
            await ask(namespace)
        leaves.set()
        await asyncio.gather(*tasks)
        leaves.clear()
        await ask("noisy")
        leaves.set()
        await asyncio.gather(*tasks)
        return codes

    assert asyncio.run(opened()) == [200, 200, 503, 200, 200]


def test_pages_explain_in_the_words_of_the_command(app: App, known: Known, tmp_path, capfd) -> None:
    file = str(tmp_path / "shop.report.json")
    assert main(["scan", str(SHOP), "-q", "-o", file]) == 0
    capfd.readouterr()

    def explained(what: str) -> str:
        assert main(["explain", what, "--report", file]) == 0
        return " ".join(capfd.readouterr().out.split())

    def words(name: str, title: str) -> str:
        sections = json.loads(page(app, name).body)["page"]["sections"]
        return " ".join(next(one["paragraphs"] for one in sections if one.get("title") == title))

    assert words("controls.json", "Why the score is what it is") == explained("score")
    risk = World(known).risks[0]
    title = known.report.resource(risk.resource).title
    id = object_key(risk.resource)
    assert words(f"workload.json?id={id}", "Why it ranks there") == explained(title)
