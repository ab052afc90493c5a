"""What containers were recorded to do, and what follows from it, as pages."""

import asyncio

import pytest
import yaml
from msgspec.structs import replace

from leadline.model.container import Container
from leadline.model.profile import ExecutedProgram, OpenedFile, Peer, Profile
from leadline.model.report import PostureReport, Target
from leadline.model.resource import resource_of
from leadline.programs.ui.html import Html
from leadline.scans.pages.page import Ask, Lines, Neighbours, Page, Table
from leadline.scans.pages.site import PAGES
from leadline.scans.pages.world import Known, World
from leadline.scans.rehearsing.target import RehearsalTarget
from leadline.scans.stored.behaviour import store_profile
from leadline.scans.suggesting.keeping import keep_behaviour
from memory_store import MemoryStore

KINDS = {kind.name: kind for kind in PAGES}
LABELS = {"app": "web"}
WEB = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "selector": {"matchLabels": LABELS},
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {"containers": [{"name": "web", "image": "web:1"}]},
        },
    },
}


@pytest.fixture
def known() -> Known:
    container = Container(
        "c1", "web", "web:1", namespace="shop", workload_kind="Deployment", workload="web", revision="5d4f",
        labels=(("app", "web"),),
    )  # fmt: skip
    profile = Profile(
        container, "complete", (), executed=(ExecutedProgram("/bin/web", ("web", "-x\u202e")),),
        opened=(OpenedFile("/tmp/a", ("O_CREAT", "O_RDWR")),), loaded=("/bin/web",), syscalls=("read",), users=(7,),
        peers=(
            Peer("connects", "198.51.100.7", 443, "TCP", ("api.example.org",)), Peer("accepts", "192.0.2.9", 8080, "TCP"),
        ), since_s=1000.0, until_s=8200.0,
    )  # fmt: skip
    store = MemoryStore()

    async def fill() -> None:
        await store_profile(store, profile, 3600.0, 9000.0)
        await keep_behaviour(store, RehearsalTarget((resource_of(WEB),), (), ()))

    asyncio.run(fill())
    report = PostureReport(Target("cluster", "shop"), (), (), (), ())
    return Known(report, "2026-01-01T00:00:00Z", "leadline get", store=store)


def built(name: str, world: World, **query: str) -> Page:
    async def build() -> Page:
        return await KINDS[name].build(world, Ask({key: (value,) for key, value in query.items()}))

    return asyncio.run(build())


def rows(page: Page) -> list[list[str]]:
    (table,) = (one for one in page.sections if isinstance(one, Table))
    return [[cell.text for cell in row] for row in table.rows]


def followed(page: Page, world: World) -> Page:
    (table,) = (one for one in page.sections if isinstance(one, Table))
    link = table.rows[0][0].link
    assert link is not None
    return built(link.page, world, **dict(link.query))


def test_the_network_is_a_table_and_one_workload_a_picture(known: Known) -> None:
    world = World(known)
    page = built("network", world)
    assert [row[:5] for row in rows(page)] == [
        ["shop/Deployment/web", "in", "192.0.2.9", "8080/TCP", "web"],
        ["shop/Deployment/web", "out", "198.51.100.7", "443/TCP", "web"],
    ]
    assert len(rows(built("network", world, q="example.org"))) == 1
    (picture,) = (one for one in followed(page, world).sections if isinstance(one, Neighbours))
    assert picture.comes_in == (("192.0.2.9", "8080/TCP"),)
    assert picture.goes_out == (("api.example.org", "443/TCP"),)
    html = Html().page(followed(page, world), world, 1).decode()
    assert "1 into shop/Deployment/web, 1 out of it" in html
    assert html.count('class="edge"') == 2


def test_who_may_not_see_a_namespace_sees_none_of_its_neighbours(known: Known) -> None:
    world = World(known, frozenset({"other"}))
    assert rows(built("network", world)) == []
    with pytest.raises(LookupError):
        built("network", world, workload="shop/Deployment/web")


def test_a_container_shows_what_was_recorded_and_how_completely(known: Known) -> None:
    world = World(known)
    page = built("behaviour", world)
    assert rows(page)[0][:2] == [
        "shop/Deployment/web, container web",
        "learned; 1 container seen from the start, the longest for 2 h",
    ]
    texts = repr(followed(page, world).sections)
    for part in ("connects 198.51.100.7 port 443/TCP (api.example.org)", "/tmp/a", "/bin/web"):
        assert part in texts
    assert "\u202e" not in texts


def test_a_suggestion_shows_its_state_and_its_text(known: Known) -> None:
    world = World(known)
    page = built("suggestions", world)
    assert rows(page)[0][:2] == ["shop/Deployment/web", "rehearsed"]
    shown, *applied = (one for one in followed(page, world).sections if isinstance(one, Lines))
    assert any("readOnlyRootFilesystem: true" in line for line in shown.lines)
    setting = next(one for one in applied if one.title == "To write into container web")
    assert yaml.safe_load("\n".join(setting.lines))["securityContext"]["readOnlyRootFilesystem"] is True
    policy = next(one for one in applied if one.title == "NetworkPolicy to apply")
    assert yaml.safe_load("\n".join(policy.lines))["metadata"]["namespace"] == "shop"


def test_who_may_not_see_the_namespace_sees_neither(known: Known) -> None:
    world = World(known, frozenset({"other"}))
    assert rows(built("behaviour", world)) == rows(built("suggestions", world)) == []
    for name in ("recorded", "suggestion"):
        with pytest.raises(LookupError, match="you may not see it"):
            built(name, world, id="shop/deployment-web")


def test_without_a_store_it_is_said_where_they_come_from(known: Known) -> None:
    world = World(replace(known, store=None))
    for name in ("behaviour", "suggestions"):
        (table,) = (one for one in built(name, world).sections if isinstance(one, Table))
        assert "capabilities.nodeAgent" in table.why_empty


def test_a_command_of_kubectl_is_shown_for_the_store_of_a_cluster_alone(known: Known) -> None:
    for is_kubernetes, begin in ((False, "leadline get"), (True, "kubectl get ")):
        world = World(replace(known, is_kubernetes=is_kubernetes))
        shown = [built(name, world) for name in ("behaviour", "network", "suggestions")]
        shown += [followed(shown[0], world), followed(shown[2], world)]
        assert all(page.command.startswith(begin) for page in shown)
