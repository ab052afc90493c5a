"""Whether network policies let a connection through, and by which rule: asked, as lines and as data."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from leadline.errors import UsageError
from leadline.kube.reachability import MAX_PORT, PROTOCOLS, Connection, Port, Side
from leadline.model.report import PostureReport
from leadline.outputs.rows.fix_summary import unread_lines
from leadline.outputs.text.plain import plain, wrapped
from leadline.posture.inventory import Facts
from leadline.posture.reach import Point, ReadPod, points_of, reach, read_pod
from leadline.posture.worlds import Worlds
from leadline.scans.posture.exposed_objects import ways_before

Reached = tuple[Port, Connection, str]
"""With the verdict over both sides and over what was not read."""
_NAMED = 5
_WORDS = {"allowed": "allowed", "denied": "denied", "unknown": "not known"}


class ReachAnswer(Struct, frozen=True):
    """The connections from one workload to another, and the ways to the other from outside."""

    report: PostureReport
    ends: tuple[Point, Point]
    found: tuple[Reached, ...]
    ways: tuple[tuple[str, str], ...]
    """What leads to it from outside of the cluster, and the login before it."""

    @property
    def is_allowed(self) -> bool:
        return all(verdict == "allowed" for _, _, verdict in self.found)

    def document(self) -> dict[str, Any]:
        return {
            "connections": [_row(self.ends, *one) for one in self.found],
            "fromOutside": [{"through": through, "login": login} for through, login in self.ways],
            "notRead": [plain(one.where, 4096) for one in self.report.unread],
        }

    def lines(self, width: int) -> Iterator[str]:
        yield from _lines(self.ends, self.found, width)
        yield from _outside_lines(self.ways, width)
        if self.report.unread:
            yield from unread_lines(self.report.unread, width, shows_all=False)


class Pods:
    """Those that have an address, which a report does not hold: workloads take their place, and it has no status."""

    def __init__(self) -> None:
        self.read: list[ReadPod] = []

    def observe(self, key: str, body: Mapping[str, Any]) -> None:
        """As ``PostureOptions.observe``."""
        found = read_pod(body) if key == "Pod" and len(self.read) < _MOST_PODS else None
        if found is not None:
            self.read.append(found)


_MOST_PODS = 500_000


def reach_answer(
    report: PostureReport,
    source: str,
    destination: str,
    ports: tuple[str, ...],
    pods: Pods | None = None,
) -> ReachAnswer:
    """Asks by the policies that a scan read; ``ports`` empty for those that the destination declares.

    Rules about networks are held against the addresses of ``pods``.

    Raises: ``UsageError`` for a name that means none or several, or a port that is not there.
    """
    facts = Facts(is_whole=report.target.kind == "cluster", server_version=report.target.server_version)
    worlds = Worlds([one for one in report.resources if one.origin.kind != "derived"], facts)
    read = pods.read if pods is not None else []
    ends = (_point(source, worlds, read), _point(destination, worlds, read))
    reached = [(port, reach(*ends, port)) for port in _ports(ports, ends[1])]
    # What was not read may hold a policy, so that nothing is certain to pass.
    found = tuple(
        (port, one, "unknown" if report.unread and one.verdict == "allowed" else one.verdict)
        for port, one in reached
    )
    ways = tuple(dict.fromkeys(ways_before(*ends[1].pods))) if ends[1].pods else ()
    return ReachAnswer(report, ends, found, ways)


def _point(name: str, worlds: Worlds, pods: Sequence[ReadPod]) -> Point:
    found = list(points_of(name, worlds, pods))
    if len(found) == 1:
        return found[0]
    if found:
        titles = ", ".join(plain(one.title) for one in found[:_NAMED])
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        raise UsageError(f"{plain(name)} may be {titles}{more}", hint="write NAMESPACE/KIND/NAME")
    raise UsageError(
        f"no workload is called {plain(name)}", hint="write NAMESPACE/KIND/NAME as leadline scan shows it"
    )


def _ports(asked: tuple[str, ...], destination: Point) -> list[Port]:
    if not asked:
        declared = {
            Port(number, protocol)
            for (_, protocol), numbers in destination.end.ports.items()
            for number in numbers
        }
        if not declared:
            raise UsageError(f"{plain(destination.title)} declares no port", hint="name one, such as 8080")
        return sorted(declared)
    return [port for one in asked for port in _read_port(one, destination)]


def _read_port(written: str, destination: Point) -> list[Port]:
    name, _, protocol = written.partition("/")
    protocol = protocol.upper() or "TCP"
    if protocol not in PROTOCOLS:
        raise UsageError(
            f"port {plain(written)}: the protocol is none of {', '.join(PROTOCOLS)}", hint="write 53/UDP"
        )
    if re.fullmatch("[0-9]{1,5}", name) and 0 < int(name) <= MAX_PORT:
        return [Port(int(name), protocol)]
    numbers = destination.end.ports.get((name, protocol), frozenset()) if name else frozenset()
    if not numbers:
        raise UsageError(
            f"port {plain(written)}: no container of {plain(destination.title)} has such a port",
            hint="write a number from 1 to 65535",
        )
    return [Port(number, protocol) for number in sorted(numbers)]


def _lines(ends: tuple[Point, Point], found: Sequence[Reached], width: int) -> Iterator[str]:
    yield from wrapped(f"{plain(ends[0].title)} → {plain(ends[1].title)}", width)
    for port, one, verdict in found:
        yield f"  {port.number}/{port.protocol}  {_WORDS[verdict]}"
        for way, side in (("out", one.egress), ("in", one.ingress)):
            for number, line in enumerate(wrapped(_said(side), width - 9)):
                yield f"    {'' if number else way:3}  {line}"
    yield ""


def _outside_lines(ways: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    """What leads to the destination from outside of the cluster, whatever was asked for."""
    for through, login in ways[:_NAMED]:
        yield from wrapped(f"from outside: {plain(through, 1_000)}, {plain(login)}", width)
    if len(ways) > _NAMED:
        yield f"and {len(ways) - _NAMED} more ways; -f json has all"
    if ways:
        yield ""


def _said(side: Side) -> str:
    by = f"{plain(side.by.title)} {side.rule}" if side.by else ""
    if side.verdict == "denied":
        return f"denied: no rule of {', '.join(plain(one.title) for one in side.policies)} lets it through"
    if side.verdict == "allowed" and by:
        return f"allowed by {by}"
    return f"{_WORDS[side.verdict]}: {side.why}{f' ({by})' if by else ''}"


def _row(ends: tuple[Point, Point], port: Port, found: Connection, verdict: str) -> dict[str, Any]:
    def side(one: Side) -> dict[str, Any]:
        return {
            "verdict": one.verdict,
            "why": one.why,
            "policies": [policy.title for policy in one.policies],
            "by": one.by.title if one.by else "",
            "rule": one.rule,
        }

    return {
        "from": ends[0].title,
        "to": ends[1].title,
        "port": port.number,
        "protocol": port.protocol,
        "verdict": verdict,
        "egress": side(found.egress),
        "ingress": side(found.ingress),
    }
