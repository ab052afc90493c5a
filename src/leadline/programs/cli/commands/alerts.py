"""``leadline alerts``: what the rules of the node agent saw containers do."""

import asyncio
from collections.abc import Iterator, Sequence

import click
import msgspec

from leadline.api.kinds.alerts import RaisedAlert
from leadline.api.protocol import Store
from leadline.programs.cli.options.option import Flag
from leadline.programs.cli.options.table import CLUSTER, takes
from leadline.programs.cli.output.terminal import list_width
from leadline.programs.cli.scanning.storing import KUBE, StorePlace, with_store
from leadline.scans.stored.alerts import (
    MOST_KEPT,
    LeftOut,
    alert_lines,
    chosen_alerts,
    followed_alerts,
    left_out,
    stored_alerts,
)

NONE = "no alerts are stored; 'leadline agent --store kube' on the nodes stores them"
EPILOG = """
\b
  leadline alerts
      what is stored, the newest first
  leadline alerts -v --namespace shop
      with the chain of processes, what is at stake and what to do first
  leadline alerts --follow --severity high
      each that comes, until Ctrl-C

The agent stores alerts with leadline agent --store kube. They are kept for 30 days.

Exit codes: 0 done, 2 wrong usage, 3 the store cannot be read, 4 a fault of leadline.
"""


@click.command("alerts", epilog=EPILOG)
@click.option("--follow", is_flag=True, help="Show each that comes too, until Ctrl-C.")
@click.option(
    "--severity", type=click.Choice(["critical", "high", "medium", "low"]), default=None, help="The lowest."
)
@click.option("--namespace", default="", metavar="NAME", help="Of this namespace alone.")
@click.option("--accepted", is_flag=True, help="Those that a waiver accepts as well.")
@click.option("-f", "--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@takes(
    "verbose",
    "from_store",
    *CLUSTER,
    verbose=Flag("The chain of processes, what is at stake, and what to do first.", words="-v --verbose"),
    from_store=Flag("Where alerts are kept; kube where it is left out.", "kube|FILE"),
)
def command(
    follow: bool,
    severity: str | None,
    namespace: str,
    accepted: bool,
    format: str,
    verbose: bool,
    from_store: str,
    kube_context: str,
    kubeconfig: str,
) -> int:
    """What the rules of the node agent saw containers do, the newest first."""
    place = StorePlace(from_store or KUBE, kube_context, kubeconfig)

    def show(alerts: Sequence[RaisedAlert]) -> None:
        for one in chosen_alerts(
            alerts, severity=severity or "", namespace=namespace, shows_accepted=accepted
        ):
            if format == "json":
                click.echo(msgspec.json.encode(one).decode())
            else:
                click.echo("\n".join(alert_lines(one, list_width(), shows_all=verbose)))

    async def follow_all(store: Store) -> None:
        if not await stored_alerts(store):
            click.echo(f"{NONE}; waiting for the first, Ctrl-C ends", err=True)
        async for one in followed_alerts(store):
            show([one])

    async def all_now(store: Store) -> list[RaisedAlert]:
        return await stored_alerts(store)

    if follow:
        try:
            with_store(place, follow_all)
        except (KeyboardInterrupt, asyncio.CancelledError):
            return 0
    else:
        stored = with_store(place, all_now)
        show(stored)
        missing = left_out(stored, severity=severity or "", namespace=namespace, shows_accepted=accepted)
        for line in _left_out_lines(len(stored), missing, severity or "", namespace):
            click.echo(line, err=True)
    return 0


def _left_out_lines(stored: int, missing: LeftOut, severity: str, namespace: str) -> Iterator[str]:
    if not stored:
        yield NONE
    if stored >= MOST_KEPT:
        yield f"{stored:,} are stored; of more than {MOST_KEPT:,} the oldest are forgotten before their month is over"
    if missing.accepted:
        yield f"not shown: {missing.accepted:,} accepted; --accepted shows them"
    if missing.others:
        reasons = [
            text
            for text, given in (("of a lower severity", severity), ("of another namespace", namespace))
            if given
        ]
        yield f"not shown: {missing.others:,} {' or '.join(reasons)}"
