"""``leadline history``: what was found before, in a namespace, a workload, of a control."""

from datetime import UTC, datetime

import click

from leadline.programs.cli.options.option import Flag
from leadline.programs.cli.options.table import CLUSTER, takes
from leadline.programs.cli.output.showing import show
from leadline.programs.cli.output.terminal import list_width, progress
from leadline.programs.cli.scanning.storing import KUBE, StorePlace, with_store
from leadline.scans.stored.history.reading import asked_of
from leadline.scans.stored.history.shown import shown_history

EPILOG = """
\b
  leadline history
      the cluster, the last thirty days
  leadline history shop --since 7d
      the namespace shop
  leadline history shop/Deployment/web --since 2027-01-01
      one workload
  leadline history C-0057 --since 1y
      one control, over all objects
  leadline history CVE-2021-44228
      one vulnerability, over the images of all containers
  leadline history cluster-admin
      who can become cluster admin
  leadline history shop --format svg > shop.svg
      the trend as a picture

The operator keeps the history, and so does leadline scan --store of a whole cluster. It goes back two years.

Exit codes: 0 done, 2 wrong usage, 3 no history is stored, 4 a fault of leadline.
"""


@click.command("history", epilog=EPILOG)
@click.argument("name", metavar="[NAMESPACE | WORKLOAD | CONTROL | CVE | cluster-admin]", default="")
@click.option(
    "--since",
    default="30d",
    show_default=True,
    metavar="7d|DATE",
    help="From when on: 7d, 4w, 6m, 1y, or a day.",
)
@click.option("-f", "--format", type=click.Choice(["text", "json", "svg"]), default="text", show_default=True)
@takes(
    "verbose",
    "from_store",
    *CLUSTER,
    "quiet",
    verbose=Flag("Every change and every finding.", words="-v --verbose"),
    from_store=Flag("Where results are kept; kube where it is left out.", "kube|FILE"),
)
def command(
    name: str,
    since: str,
    format: str,
    verbose: bool,
    from_store: str,
    kube_context: str,
    kubeconfig: str,
    quiet: bool,
) -> int:
    """What was found before: when each finding was first seen, went, came back or was accepted, and the trend."""
    asked = asked_of(name, since, datetime.now(UTC))
    place = StorePlace(from_store or KUBE, kube_context, kubeconfig)
    with progress(f"reading {place.where}", is_wanted=not quiet):
        found = with_store(place, lambda store: shown_history(store, asked))
    show(format, found.document, lambda: found.lines(list_width(), shows_all=verbose), found.picture)
    return 0
