"""``leadline alerts``: what the rules of the node agent saw containers do."""

import asyncio

import click
import msgspec

from leadline.api.protocol import Store
from leadline.programs.cli.options.option import Flag
from leadline.programs.cli.options.table import CLUSTER, takes
from leadline.programs.cli.output.terminal import list_width
from leadline.programs.cli.scanning.storing import KUBE, StorePlace, with_store
from leadline.scans.stored.alerts import alert_lines, chosen_alerts, followed_alerts, stored_alerts

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

    def show(alerts: list[object]) -> int:
        chosen = chosen_alerts(alerts, severity=severity or "", namespace=namespace, shows_accepted=accepted)  # type: ignore[arg-type]
        for one in chosen:
            if format == "json":
                click.echo(msgspec.json.encode(one).decode())
            else:
                click.echo("\n".join(alert_lines(one, list_width(), shows_all=verbose)))
        return len(chosen)

    async def follow_all(store: Store) -> None:
        async for one in followed_alerts(store):
            show([one])

    async def all_now(store: Store) -> list[object]:
        return list(await stored_alerts(store))

    if follow:
        try:
            with_store(place, follow_all)
        except (KeyboardInterrupt, asyncio.CancelledError):
            return 0
    elif not show(with_store(place, all_now)) and format == "text":
        click.echo("no alerts are stored, or none of those asked for")
    return 0
