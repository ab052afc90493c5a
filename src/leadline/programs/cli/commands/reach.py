"""``leadline reach``: whether network policies let a connection through, and by which rule."""

import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

import click
from msgspec.structs import replace

from leadline.errors import GATE_FAILED, SourceError, UsageError
from leadline.kube.reachability import MAX_PORT, PROTOCOLS, Connection, Port, Side
from leadline.outputs.rows.fix_summary import unread_lines
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.plain import plain, wrapped
from leadline.posture.inventory import Facts
from leadline.posture.reach import Point, points_of, reach
from leadline.posture.worlds import Worlds
from leadline.programs.cli.options.configured import ConfiguredCommand
from leadline.programs.cli.options.table import CHARTS, CLUSTER, NAMESPACES, takes
from leadline.programs.cli.output.terminal import width_of
from leadline.programs.cli.scanning.requests import reading, request_of
from leadline.scans.posture.exposed_objects import ways_before
from leadline.scans.posture.posture_scan import open_posture_scan

EPILOG = """
\b
  leadline reach shop/web shop/db deploy/ --port 5432
      by the policies of files
  leadline reach monitoring/prometheus shop/web
      in the cluster of the current context, at every
      port that containers of web declare
  leadline reach shop/web 169.254.169.254 --port 80
      an address outside of the cluster
  leadline reach shop/web Deployment/dns --port 53/UDP

A port is that of the pods, a number or the name of a container's port, not that of a Service. What Cilium's and Calico's
policies let through is not known, unless it is everything; AdminNetworkPolicies are not read. Whether the cluster enforces
policies is not known either.

Exit codes: 0 allowed, 1 denied, not known, or something was not read that may hold a policy, 2 wrong usage, 3 nothing could
be judged, 4 a fault of leadline.
"""
Reached = tuple[Port, Connection, str]
"""With the verdict over both sides and over what was not read."""
_USUAL_WIDTH = 100
_NAMED = 5
_WORDS = {"allowed": "allowed", "denied": "denied", "unknown": "not known"}


@click.command("reach", cls=ConfiguredCommand, targets=lambda flags: flags["paths"], epilog=EPILOG)
@click.argument("source", metavar="FROM")
@click.argument("destination", metavar="TO")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option(
    "--port",
    "asked",
    multiple=True,
    metavar="PORT[/PROTOCOL]",
    help="Number or name, TCP if no protocol is written.",
)
@click.option("-f", "--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@takes(*NAMESPACES, "exclude_paths", *CLUSTER, *CHARTS, "quiet", "debug")
def command(
    source: str, destination: str, paths: tuple[str, ...], asked: tuple[str, ...], **flags: Any
) -> int:
    """Whether network policies let FROM connect to TO: which side denies it, or which rule lets it through.

    FROM and TO are NAMESPACE/KIND/NAME, NAMESPACE/NAME, NAME, or an address.
    """
    format = flags.pop("format")
    request = replace(request_of((), flags), targets=paths)
    with (
        reading(request, f"reading {' '.join(paths)}") as (options, _),
        open_posture_scan(paths, replace(options, with_fronts=True)) as scan,
    ):
        report = scan.report_with_bodies
    if scan.why_no_verdict:
        raise SourceError(scan.why_no_verdict)
    facts = Facts(is_whole=report.target.kind == "cluster", server_version=report.target.server_version)
    objects = [one for one in report.resources if one.origin.kind != "derived"]
    worlds = Worlds(objects, facts)
    ends = (_point(source, worlds), _point(destination, worlds))
    reached = [(port, reach(*ends, port)) for port in _ports(asked, ends[1])]
    # What was not read may hold a policy, so that nothing is certain to pass.
    found = [
        (port, one, "unknown" if report.unread and one.verdict == "allowed" else one.verdict)
        for port, one in reached
    ]
    ways = tuple(dict.fromkeys(ways_before(*ends[1].pods))) if ends[1].pods else ()
    if format == "json":
        not_read = [plain(one.where, 4096) for one in report.unread]
        outside = [{"through": through, "login": login} for through, login in ways]
        rows = [_row(ends, *one) for one in found]
        click.echo(json_text({"connections": rows, "fromOutside": outside, "notRead": not_read}))
    else:
        width = width_of(os.environ, is_terminal=os.isatty(1), usual=_USUAL_WIDTH)
        for line in (*_lines(ends, found, width), *_outside_lines(ways, width)):
            click.echo(line)
        for line in unread_lines(report.unread, width, shows_all=False) if report.unread else ():
            click.echo(line)
    return 0 if all(verdict == "allowed" for _, _, verdict in found) else GATE_FAILED


def _point(name: str, worlds: Worlds) -> Point:
    found = list(points_of(name, worlds))
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
            raise UsageError(f"{plain(destination.title)} declares no port", hint="name one: --port 8080")
        return sorted(declared)
    return [port for one in asked for port in _read_port(one, destination)]


def _read_port(written: str, destination: Point) -> list[Port]:
    name, _, protocol = written.partition("/")
    protocol = protocol.upper() or "TCP"
    if protocol not in PROTOCOLS:
        raise UsageError(
            f"--port {plain(written)}: the protocol is none of {', '.join(PROTOCOLS)}", hint="write 53/UDP"
        )
    if re.fullmatch("[0-9]{1,5}", name) and 0 < int(name) <= MAX_PORT:
        return [Port(int(name), protocol)]
    numbers = destination.end.ports.get((name, protocol), frozenset()) if name else frozenset()
    if not numbers:
        raise UsageError(
            f"--port {plain(written)}: no container of {plain(destination.title)} has such a port",
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
