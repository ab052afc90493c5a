"""The top command. It imports the file of the one command that is run, and none for ``--help``."""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from leadline.errors import UsageError
from leadline.programs.serving.empty_values import refuse_empty_values
from leadline.version import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "access": "Who can do what, and by which binding, role and rule.",
    "alerts": "What the rules of the agent saw containers do.",
    "baseline": "Remembers findings, to speak of what is new.",
    "completion": "Prints what lets a shell complete commands.",
    "config": "Shows what is configured, and the settings of controls.",
    "db": "The vulnerability database.",
    "decrypt": "Decrypts a report that was encrypted to you.",
    "diff": "Compares two scans.",
    "explain": "Explains a control, a vulnerability, or the score.",
    "fix": "Edits files so that findings go away.",
    "get": "Shows stored results.",
    "harden": "What a workload could be held to, by what it did.",
    "history": "What was found before, and the trend.",
    "host": "What a node says of itself.",
    "image": "What is inside an image.",
    "list": "Lists controls or frameworks.",
    "lsp": "Serves an editor: findings while typing, and their fixes.",
    "migrate": "Takes over what other scanners leave out or accept.",
    "rbac": "Prints the smallest ClusterRole for a scan.",
    "reach": "Whether network policies let one workload reach another.",
    "rehearse": "What recorded behaviour a policy would have blocked.",
    "report": "Several repositories and clusters in one report.",
    "reveal": "Turns the pseudonyms of a redacted report back.",
    "risk": "Ranks workloads by what is at stake.",
    "rules": "Lists the rules of the agent, and tries your own on events.",
    "scan": "Scans files, charts or a cluster and says what to change.",
    "schema": "Prints the JSON Schema of a report, waivers, or leadline.toml.",
    "store": "Backs up, restores and checks a file of results.",
    "version": "Says what this is and what it brings.",
    "waiver": "Accepts findings, and shows which entry matches what.",
}
"""Each is a file in ``commands``, ``-`` in the name being ``_`` in the file's."""
SERVERS = {
    "agent": "Watches what the containers of this machine do.",
    "admission": "Judges what is about to be written to a cluster.",
    "apiserver": "Serves stored results as objects of the Kubernetes API.",
    "exporter": "Answers Prometheus with numbers about stored results.",
    "mcp": "Lets an assistant ask, read-only.",
    "operator": "Keeps the stored results of a cluster current.",
    "provider": "Receives reports of many clusters and repositories.",
    "ui": "Shows what was found as pages in a browser.",
}
"""Programs of their own, which ``main`` starts by name."""
GROUPS = {
    "Every day": ("scan", "fix", "diff", "baseline", "waiver", "explain", "ui", "lsp"),
    "Risk and access": ("risk", "reach", "access", "rehearse", "harden"),
    "Images": ("image", "db"),
    "Stored results and reports": ("report", "history", "alerts", "get", "store", "reveal", "decrypt"),
    "Set up": ("config", "migrate", "completion", "list", "rules", "rbac", "host", "schema", "version"),
    "In the cluster": ("operator", "apiserver", "exporter", "admission", "agent"),
    "Many clusters": ("provider",),
    "Assistants": ("mcp",),
}
"""The commands as help shows them; what is in no group comes last."""
_PACKAGE = "leadline.programs.cli.commands"
_SHORTER: dict[tuple[str, ...], tuple[str, ...]] = {("scan", "image"): ("image", "scan")}
"""Two words that mean two others."""


class LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        texts = COMMANDS | SERVERS
        grouped = {name for names in GROUPS.values() for name in names}
        rest = tuple(sorted(texts.keys() - grouped))
        # One width for all, so that the columns of the groups are one.
        widest = max(map(len, texts))
        for title, names in {**GROUPS, "More": rest}.items():
            rows = [(name.ljust(widest), texts[name]) for name in names if name in texts]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
        formatter.write_paragraph()
        formatter.write_text("leadline help COMMAND shows flags and examples.")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"{_PACKAGE}.{cmd_name.replace('-', '_')}")
        command = module.command
        if not isinstance(command, click.Command):
            return None
        if ctx.resilient_parsing:
            from leadline.programs.cli.options.completing import (
                with_values,  # for a shell at the TAB key alone
            )

            return with_values(command, cmd_name)
        refuse_empty_values(command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first = args[0] if args and not ctx.resilient_parsing else ""
        if first.startswith("-") and first not in ("-h", "--help", "--version"):
            raise UsageError(
                f"{first} belongs to a command",
                hint="leadline scan PATH scans files, leadline scan a cluster",
            )
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Without importing the commands for their help."""
        from click.shell_completion import CompletionItem

        names = sorted((COMMANDS | SERVERS).items())
        found = [CompletionItem(name, help=help) for name, help in names if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if ctx.resilient_parsing and args and args[0] not in COMMANDS:
            return None, None, []
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise UsageError(f"unknown command {args[0]}", hint=suggestion(args, sorted(COMMANDS | SERVERS)))
        name, command, rest = super().resolve_command(
            ctx, [*_SHORTER.get(tuple(args[:2]), args[:2]), *args[2:]]
        )
        if name == "image" and isinstance(command, click.Group) and rest:
            _refuse_image_as_command(command, rest)
        return name, command, rest


def _refuse_image_as_command(images: click.Group, words: list[str]) -> None:
    """``leadline image nginx:1.27``, which is a scan to others."""
    if not words[0].startswith("-") and words[0] not in images.commands:
        from shlex import join  # only for a word that is wrong

        known = ", ".join(sorted(images.commands))
        raise UsageError(
            f"unknown command image {words[0]}",
            hint=f"use leadline scan image {join(words)}; of leadline image there are {known}",
        )


def suggestion(words: list[str], names: list[str]) -> str:
    """The command line that does what ``words`` ask for, where another tool calls it so; else the nearest of ``names``."""
    from difflib import get_close_matches  # as above

    from leadline.programs.cli.options.habits import command_of

    word = words[0]
    if there := command_of(words):
        return there
    if Path(word).exists() or "://" in word:
        return f"to scan it: leadline scan {word}"
    near = get_close_matches(word, names, n=1, cutoff=0.7)
    return f"did you mean {near[0]}?" if near else "leadline --help shows the commands"


@click.group(
    cls=LazyGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, message="leadline %(version)s")
def leadline() -> None:
    """Finds where Kubernetes can be broken into, and says what to change."""
