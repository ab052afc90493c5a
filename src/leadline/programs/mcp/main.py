"""``leadline mcp``: answers an assistant over standard input and output until it leaves."""

import os
import sys

import anyio
import click

from leadline.errors import UsageError
from leadline.programs.mcp.answer import BUDGET_BYTES
from leadline.programs.mcp.calls import Calls
from leadline.programs.mcp.wire import serve
from leadline.programs.serving.log import log_to_stderr
from leadline.scans.answering.evidence import Evidence, Given

EPILOG = """
\b
  leadline mcp deploy/
      an assistant may ask about the files in deploy/
  leadline mcp --from-store results.db
      about stored results and their history

An assistant's program starts this command. It answers on standard output and reads nothing but what is named here. No tool
writes, none takes a path, a credential or a kubeconfig.

Exit codes: 0 the assistant left, 2 wrong usage, 3 nothing could be read.
"""


@click.command("mcp", epilog=EPILOG)
@click.argument("roots", nargs=-1, metavar="[PATH]...")
@click.option(
    "--from-store", "store", default="", metavar="kube|FILE", help="Stored results instead of files."
)
@click.option(
    "--kubeconfig", default="", metavar="FILE", help="For kube: of an account that may only read results."
)
@click.option(
    "--profile", "profiles", multiple=True, metavar="FILE", help="As leadline agent --profiles writes it."
)
@click.option(
    "--audit-log", "audit_logs", multiple=True, metavar="FILE", help="Of kube-apiserver; may be gzip."
)
@click.option("--images", multiple=True, metavar="FILE", help="A JSON report of leadline scan image.")
@click.option("--waivers", multiple=True, metavar="FILE", help="Accepted findings.")
@click.option(
    "--controls", "own_controls", multiple=True, metavar="FOLDER", help="Your own controls; needs --trust."
)
@click.option(
    "--trust", "is_trusted", is_flag=True, help="Render charts and kustomizations, which starts programs."
)
@click.option(
    "--redact", "names_file", default="", metavar="FILE", help="Pseudonyms for names; FILE turns them back."
)
@click.option(
    "--budget",
    type=click.IntRange(4_096, 1 << 20),
    default=BUDGET_BYTES,
    show_default=True,
    help="Bytes of one answer.",
)
@click.option(
    "--log", "log_file", default="", metavar="FILE", help="Where every call is written, a line each."
)
def command(budget: int, log_file: str, **given: object) -> None:
    """Lets an assistant ask, read-only, about what is named here (Model Context Protocol)."""
    log_to_stderr()
    if sys.stdin.isatty():
        sys.stderr.write(
            "leadline mcp speaks with an assistant's program; docs/assistants.md says how it is set up\n"
        )
    if given["own_controls"] and not given["is_trusted"]:
        raise UsageError("own controls are programs", hint="add --trust where you trust who wrote them")
    evidence = Evidence(Given(**given), os.environ)  # type: ignore[arg-type]  # the options are its fields
    with Calls.open(evidence, budget, log_file) as calls:
        anyio.run(serve, calls)
