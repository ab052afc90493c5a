"""Every page says what it shows, where it is from, and why it is empty where it is."""

import asyncio
import csv
import io
import json
import shlex
from pathlib import Path

import pytest
from msgspec.structs import replace

from leadline.api.kinds.scans import KnownAdmin, ScanOutcome, ScanRun
from leadline.model.report import PostureReport, Target
from leadline.scans.options import PostureOptions
from leadline.scans.pages.page import Ask, Page, Table
from leadline.scans.pages.reading import read_folder
from leadline.scans.pages.site import PAGES
from leadline.scans.pages.twins import page_csv, page_json
from leadline.scans.pages.world import Known, World
from leadline.scans.stored.scan_runs import record
from memory_store import MemoryStore

SHOP = Path(__file__).parents[3] / "examples" / "shop"
KINDS = {kind.name: kind for kind in PAGES}


@pytest.fixture(scope="module")
def known() -> Known:
    return read_folder([str(SHOP)], PostureOptions())


@pytest.fixture(scope="module")
def world(known: Known) -> World:
    return World(known)


def built(name: str, world: World, /, rows: int = 50, **query: str) -> Page:
    return asyncio.run(as_page(name, world, Ask({key: (value,) for key, value in query.items()}, rows)))


async def as_page(name: str, world: World, ask: Ask) -> Page:
    return await KINDS[name].build(world, ask)


def tables(page: Page) -> list[Table]:
    return [one for one in page.sections if isinstance(one, Table)]


def csv_of(name: str, world: World) -> list[list[str]]:
    async def pieces() -> str:
        return "".join([piece.decode() async for piece in page_csv(KINDS[name], world, Ask())])

    return list(csv.reader(io.StringIO(asyncio.run(pieces()))))


def test_every_page_has_a_command_that_names_what_it_is_of(world: World) -> None:
    for name in KINDS:
        if KINDS[name].in_menu:
            words = shlex.split(built(name, world).command)
            assert words[0] in ("leadline", "kubectl"), name
    assert built("workloads", world).command == f"leadline risk {SHOP}"
    assert built("access", world).command == f"leadline access to-admin {SHOP}"


def test_a_name_of_a_hostile_manifest_is_one_word_of_the_command(tmp_path: Path) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a; $(id) `id`", "namespace": "'b"},
        "spec": {},
    }
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "pod.json").write_text(json.dumps(pod))
    world = World(read_folder([str(folder)], PostureOptions()))
    (key,) = [key for key, one in world.by_key.items() if one.kind == "Pod"]
    words = shlex.split(built("workload", world, id=key).command)
    assert words == ["leadline", "scan", "workload", "'b/Pod/a; $(id) `id`", str(folder)]


def test_every_link_of_every_page_leads_to_a_page(world: World) -> None:
    waiting, seen = [("overview", ())], set()
    while waiting:
        name, query = waiting.pop()
        if (name, query) in seen or len([one for one in seen if one[0] == name]) > 12:
            continue
        seen.add((name, query))
        page = built(name, world, **dict(query))
        document = json.loads(page_json(page, world))
        waiting += [(link["page"], tuple(map(tuple, link["query"]))) for link in links_in(document)]
    assert {name for name, _ in seen} >= {
        "overview",
        "findings",
        "finding",
        "workloads",
        "workload",
        "health",
    }


def links_in(value: object) -> list[dict[str, list[list[str]]]]:
    if isinstance(value, dict):
        if set(value) == {"page", "query"} and isinstance(value["page"], str):
            return [value]
        return [one for part in value.values() for one in links_in(part)]
    return [one for part in value for one in links_in(part)] if isinstance(value, list) else []


@pytest.mark.parametrize("name", [kind.name for kind in PAGES if kind.in_menu])
def test_an_empty_section_says_why_it_is_empty(name: str) -> None:
    empty = PostureReport(Target("directory", "nothing"), (), (), (), (), is_sealed=True)
    page = built(name, World(Known(empty, "2027-01-31T00:00:00Z", "leadline scan nothing")))
    for table in tables(page):
        assert table.rows or table.why_empty.endswith((".", ":")), table.title
    assert "nothing is wrong" not in str(page).lower()


def test_what_was_not_read_is_on_the_first_page(world: World) -> None:
    text = str(built("overview", world))
    assert all(one.where in text for one in world.report.unread)


def test_numbers_are_those_of_the_report(world: World) -> None:
    numbers = world.report.numbers
    assert built("findings", world).lead.startswith(f"{numbers.findings} findings of ")
    assert len(world.rows.all) == numbers.edits + numbers.decisions


def test_a_csv_holds_every_row_and_no_formula(world: World) -> None:
    rows = csv_of("findings", world)
    assert rows[0] == ["Severity", "Problem", "Controls", "Object", "Fix", "Place"]
    assert len(rows) - 1 == len(world.rows.all)
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_a_filter_narrows_and_stays_in_the_address(world: World) -> None:
    page = built("findings", world, severity="critical", q="agent")
    (table,) = tables(page)
    assert table.rows
    assert {row[0].text for row in table.rows} == {"critical"}
    assert page.query == (("severity", "critical"), ("q", "agent"))


def test_a_chosen_value_without_rows_is_still_offered(world: World) -> None:
    page = built("findings", world, namespace="nowhere")
    (table,) = tables(page)
    assert not table.rows
    assert "('nowhere', 0, True)" in str(page.sections[0])


def test_what_a_user_may_not_see_is_not_counted(known: Known) -> None:
    part = World(known, frozenset({"shop"}))
    assert {one.namespace for one in part.report.resources} == {"shop"}
    assert part.report.numbers.findings < known.report.numbers.findings
    assert "namespace that you may not read" in str(built("overview", part))
    hidden = next(one for one in World(known).rows.all if one.namespace != "shop")
    with pytest.raises(LookupError):
        built("finding", part, id=hidden.key)


def test_what_was_not_read_elsewhere_is_counted_and_not_named(known: Known) -> None:
    """Of what was not read nobody knows the namespace."""
    part = World(known, frozenset({"shop"}))
    for kind in PAGES:
        if kind.in_menu:
            text = str(built(kind.name, part))
            assert not [one.where for one in known.report.unread if one.where in text], kind.name
            said = f"{len(known.report.unread)} inputs not read" in text
            assert said == (kind.name in ("overview", "health")), kind.name


def test_an_unknown_object_is_said_not_to_be_there(world: World) -> None:
    for name in ("finding", "workload", "image"):
        with pytest.raises(LookupError):
            built(name, world, id="0" * 16)


def test_what_is_still_being_read_is_not_called_empty(known: Known) -> None:
    empty = replace(known.report, resources=(), findings=(), judged=(), risks=(), joined=(), waived=())
    page = built("findings", World(replace(known, report=empty, reading="configurations")))
    assert "Still reading: configurations." in str(page)


def test_access_shows_paths_to_cluster_admin_with_their_steps(known: Known, world: World) -> None:
    paths, subjects, _ = tables(built("access", world))
    assert paths.total == 1
    assert [cell.text for cell in paths.rows[0][:2]] == ["Group/shop-operators", "is cluster admin"]
    assert "ClusterRoleBinding/ops gives it ClusterRole/cluster-admin" in paths.rows[0][2].text
    assert "Group/shop-operators" in [row[0].text for row in subjects.rows]
    # Who may see one namespace sees the accounts in it, and neither groups nor users.
    narrow = built("access", World(known, frozenset(("shop",))))
    assert not tables(narrow)[0].rows
    assert {row[0].text.partition("/")[0] for row in tables(narrow)[1].rows} <= {"shop"}


def test_what_is_never_used_is_shown_by_an_audit_log(world: World, tmp_path: Path) -> None:
    event = {
        "kind": "Event", "stage": "ResponseComplete", "verb": "get", "user": {"username": "system:serviceaccount:shop:api"},
        "objectRef": {"resource": "pods", "namespace": "shop", "name": "x"},
    }  # fmt: skip
    (tmp_path / "audit.log").write_text(f"{json.dumps(event)}\nbroken\n")
    seen = World(read_folder([str(SHOP)], PostureOptions(), [str(tmp_path / "audit.log")]))
    for name, others in (("access", 2), ("unused", 0)):
        table = tables(built(name, seen))[others]
        assert table.total == len(csv_of("unused", seen)) - 1 > 0
        assert table.rows
        row = table.rows[0]
        assert row[3].text
        assert row[0].link
        one = built("unused", seen, **dict(row[0].link.query))
        assert str(one).count("@@ ") > 0
    assert "1 line is not an audit event" in str(built("unused", seen))
    assert "Not known" in tables(built("unused", world))[0].why_empty
    assert not tables(built("unused", World(seen.known, frozenset(("other",)))))[0].rows


def test_access_of_a_store_shows_who_its_scans_found(known: Known) -> None:
    store = MemoryStore()
    admins = (
        KnownAdmin("User/alice", "", "ClusterRoleBinding/ops gives it ClusterRole/cluster-admin"),
        KnownAdmin("shop/ServiceAccount/bob", "2027-01-02T08:00:00Z", "it may impersonate User/alice"),
    )
    at = "2027-01-02T08:00:00Z"
    asyncio.run(record(store, "run", ScanRun(status=ScanOutcome("Succeeded", at, at, admins=admins))))
    bare = replace(
        known,
        report=replace(known.report, resources=tuple(replace(r, body={}) for r in known.report.resources)),
        store=store,
    )
    paths, *_ = tables(built("access", World(bare)))
    assert [[cell.text for cell in row] for row in paths.rows] == [
        ["User/alice", "since the first look", admins[0].how],
        ["shop/ServiceAccount/bob", at, admins[1].how],
    ]
    narrow = tables(built("access", World(bare, frozenset(("shop",)))))[0]
    assert [row[0].text for row in narrow.rows] == ["shop/ServiceAccount/bob"]


def test_access_of_stored_results_says_why_it_draws_no_path(known: Known) -> None:
    bare = replace(known.report, resources=tuple(replace(one, body={}) for one in known.report.resources))
    paths, subjects, _ = tables(built("access", World(replace(known, report=bare))))
    assert not paths.rows
    assert "No stored scan looked for them" in paths.why_empty
    assert subjects.rows


HOSTILE = "a\u202e\x1b[31m<b>"


def test_no_text_of_a_page_steers_a_terminal_or_turns_around(known: Known) -> None:
    """Addresses hold names as they are; all that is shown, in JSON and CSV as well, does not."""
    report = known.report
    names = {one.id: one.id + HOSTILE for one in report.resources}
    resources = tuple(
        replace(
            one,
            id=names[one.id],
            name=one.name + HOSTILE,
            namespace=one.namespace and one.namespace + HOSTILE,
        )
        for one in report.resources
    )
    findings = tuple(
        replace(
            one,
            resource=names[one.resource],
            related=tuple(names.get(id, id) for id in one.related),
            lines=tuple(line + HOSTILE for line in one.lines),
            violation=replace(one.violation, on="") if hasattr(one.violation, "on") else one.violation,
        )
        for one in report.findings
    )
    risks = tuple(
        replace(
            one,
            resource=names[one.resource],
            sentence=one.sentence + HOSTILE,
            path=tuple(replace(step, text=HOSTILE, details=(HOSTILE,)) for step in one.path),
        )
        for one in report.risks or ()
    )
    report = replace(report, resources=resources, findings=findings, risks=risks, joined=(), gave_up={})
    world = World(replace(known, report=report))
    waiting: list[tuple[str, tuple[tuple[str, str], ...]]] = [
        (kind.name, ()) for kind in PAGES if kind.in_menu
    ]
    seen = set()
    while waiting and len(seen) < 150:
        name, query = waiting.pop(0)
        if (name, query) not in seen:
            seen.add((name, query))
            document = json.loads(page_json(built(name, world, **dict(query)), world))
            assert steering(document) == [], name
            waiting += [
                (one["page"], tuple((key, text) for key, text in one["query"])) for one in links_in(document)
            ]
    assert {"finding", "workload", "namespace"} <= {name for name, _ in seen}


def steering(value: object) -> list[str]:
    """Texts that a person is shown; of addresses and of filters the values are parameters."""
    if isinstance(value, dict):
        parts = [part for name, part in value.items() if name not in ("query", "facets", "link", "more")]
        return [one for part in parts for one in steering(part)]
    if isinstance(value, list):
        return [one for part in value for one in steering(part)]
    return [value] if isinstance(value, str) and set(value) & set("\u202e\x1b") else []
