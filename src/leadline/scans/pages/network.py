"""Network: which connections containers were recorded to make and take, and one workload with its neighbours as a picture."""

from collections.abc import Iterable

from leadline.model.profile import Peer
from leadline.outputs.text.plain import count
from leadline.runtime.rehearsal.network import INCOMING
from leadline.scans.pages.behaviour import recorded_by
from leadline.scans.pages.page import Ask, Cell, Column, Neighbours, Page, Section, link, safe
from leadline.scans.pages.world import World
from leadline.scans.rehearsing.written import moment
from leadline.scans.stored.behaviour import StoredRecord

_COLUMNS = (
    Column("Workload", "name"),
    Column("Direction"),
    Column("Peer", "name", note="Name"),
    Column("Port", "number"),
    Column("Container"),
    Column("Until", "date"),
)
_MOST = 12
"""Neighbours that a side of the picture shows."""


async def network(world: World, ask: Ask) -> Page:
    """All connections, or those of one workload with ``workload``. Raises: ``LookupError``."""
    records, why = await recorded_by(world)
    wanted, words = ask.one("workload"), ask.one("q").lower().split()
    if wanted:
        records = [one for one in records if _workload(one) == wanted]
        if not records:
            raise LookupError(f"nothing is recorded of {safe(wanted)}, or you may not see it")
    rows = [row for one in records for row in _rows(one) if all(word in _text(row) for word in words)]
    if records:
        unfinished = sum(not one.is_complete for one in records)
        why = f"No connection was recorded in {count(len(records), 'container')}"
        why += f"; {unfinished:,} of them not recorded completely." if unfinished else "."
    table = ask.table("", _COLUMNS, rows, world.why_empty(why), "connection")
    picture: tuple[Section, ...] = ()
    if wanted:
        peers = sorted({peer for one in records for peer in one.record.profile.peers})
        sides = (
            _named(peer for peer in peers if (peer.direction in INCOMING) is is_in) for is_in in (True, False)
        )
        picture = (Neighbours("Neighbours", safe(wanted), *sides),)
    asked = (("workload", wanted), ("q", " ".join(words)))
    return Page(
        "network",
        safe(wanted) or "Network",
        (*picture, table),
        "Connections that containers were recorded to make and take. What was not recorded yet is not here.",
        crumbs=(Cell("Network", link("network")),) if wanted else (),
        command=world.kubectl("get", "networkneighborhoods", "-A"),
        query=tuple(pair for pair in asked if pair[1]),
    )


def _workload(one: StoredRecord) -> str:
    container = one.record.profile.container
    return f"{container.namespace}/{container.workload_kind}/{container.workload}"


def _rows(one: StoredRecord) -> Iterable[tuple[Cell, ...]]:
    workload, profile = _workload(one), one.record.profile
    for peer in sorted(profile.peers):
        yield (
            Cell(safe(workload), link("network", workload=workload)),
            Cell("in" if peer.direction in INCOMING else "out"),
            Cell(safe(peer.address) or "any", note=safe(", ".join(peer.names[:3]))),
            Cell(f"{peer.port}/{safe(peer.protocol)}"),
            Cell(safe(profile.container.name)),
            Cell(moment(profile.until_s)),
        )


def _text(row: tuple[Cell, ...]) -> str:
    return " ".join(f"{cell.text} {cell.note}" for cell in row).lower()


def _named(peers: Iterable[Peer]) -> tuple[tuple[str, str], ...]:
    """What each neighbour is called, and its ports; the rest as a number."""
    ports: dict[str, list[str]] = {}
    for peer in peers:
        name = safe(peer.names[0] if peer.names else peer.address) or "any"
        ports.setdefault(name, []).append(f"{peer.port}/{safe(peer.protocol)}")
    named = [(name, ", ".join(dict.fromkeys(those))) for name, those in ports.items()]
    left = len(named) - _MOST
    return (*named[:_MOST], *([(f"and {left:,} more", "in the table below")] if left > 0 else ()))
