"""The top command. It imports the file of the one command that is run, and all of them only for ``--help``."""

import importlib
from pathlib import Path

import click

from leadline.errors import UsageError
from leadline.version import __version__

_PACKAGE = "leadline.programs.cli.commands"
_SHORTER: dict[tuple[str, ...], tuple[str, ...]] = {("scan", "image"): ("image", "scan")}
"""Two words that stand for two others."""


class LazyGroup(click.Group):
    """Finds a command by the name of its file; ``-`` in the name is ``_`` in the file's."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        files = (Path(__file__).parent / "commands").glob("[a-z]*.py")
        return sorted(file.stem.replace("_", "-") for file in files)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"{_PACKAGE}.{cmd_name.replace('-', '_')}")
        command = module.command
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        names = self.list_commands(ctx)
        if args and args[0] not in names and not args[0].startswith("-"):
            raise UsageError(f"unknown command {args[0]}", hint=_suggestion(args[0], names))
        return super().resolve_command(ctx, [*_SHORTER.get(tuple(args[:2]), args[:2]), *args[2:]])


def _suggestion(word: str, names: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, names, n=1)
    if near:
        return f"did you mean {near[0]}?"
    if Path(word).exists():
        return f"to scan it: leadline scan {word}"
    return f"there are {', '.join(names)}"


@click.group(
    cls=LazyGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, message="leadline %(version)s")
def leadline() -> None:
    """Finds where Kubernetes can be broken into, and says what to change."""
