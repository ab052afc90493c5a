"""``leadline fix`` and ``leadline scan --fix``: shows the edits, asks, writes them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from msgspec.structs import replace

from leadline.errors import GATE_FAILED, StoreError, UsageError
from leadline.model.resource import Resource
from leadline.outputs.rows.remediation import fix as edit_text
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.plain import count, plain
from leadline.programs.cli.options.option import GRADES
from leadline.programs.cli.options.table import CONFIG, FIXING, OPTIONS, Request
from leadline.programs.cli.output.gate_text import verdict_text
from leadline.programs.cli.output.terminal import PAGE_WIDTH, Display, wants_colour, width_of
from leadline.programs.cli.scanning.requests import gates_of, reading
from leadline.scans.fixing.drafts import write_drafts
from leadline.scans.fixing.fix_scan import Agree, FixAim, FixResult, agree_to_all, fix_scan, is_safe
from leadline.scans.fixing.review import Service, review_of
from leadline.scans.fixing.wanted_edits import WantedEdit
from leadline.scans.fixing.working_copy import write_back
from leadline.scans.fixing.written import patches_of, shown_lines, summary_lines
from leadline.scans.gates import Verdict
from leadline.scans.options import PostureOptions

_COLOURS = {"-": "31", "+": "32", "@": "36"}


def refuse_other_flags(request: Request) -> None:
    """Raises: ``UsageError`` for a flag of a scan that ``--fix`` does not honour; values of configuration are passed over."""
    honoured = {*FIXING, *CONFIG, "fix", "yes", *request.configured.filled}
    refused = [
        option.word
        for field, option in OPTIONS.items()
        if field not in honoured and getattr(request, field) != option.default
    ]
    if refused:
        raise UsageError(
            f"--fix does not take {', '.join(refused)}",
            hint="it shows a diff and writes files; scan again afterwards for a report",
        )


def fix_files(
    request: Request, *, is_dry_run: bool, is_agreed: bool, format: str = "diff", drafts: str = ""
) -> int:
    """Edits the files of the request, and writes drafts into the folder ``drafts``; returns the exit code.

    A ``format`` other than ``diff`` is printed, and no file is written.

    Raises: ``LeadlineError`` of every kind; ``UsageError`` where no one could be asked.
    """
    is_terminal, is_printed = os.isatty(0) and os.isatty(1), format != "diff"
    if not (is_dry_run or is_agreed or is_printed or is_terminal):
        raise UsageError(
            "no one can be asked here before files are written",
            hint="--yes writes without asking, --dry-run writes nothing",
        )
    with reading(request, f"fixing {' '.join(request.targets)}") as (options, display):
        may_ask = is_terminal and not (is_dry_run or is_agreed or is_printed)
        agrees = _Agreement(display) if may_ask else is_safe
        with _aimed(request, options, agree_to_all if request.risky else agrees) as (options, aim):
            result = fix_scan(request.targets, options, replace(aim, is_located=is_printed))
    if format == "patch":
        patches, secret = patches_of(result)
        sys.stdout.writelines(patches)
        if secret:
            names = ", ".join(plain(path, 4096) for path in secret)
            raise StoreError(
                f"left out, since the patch would show secrets: {names}", hint="leadline fix --yes edits them"
            )
    elif is_printed:
        _print_review(result, request, "github" if format == "github" else "gitlab")
    else:
        hint = "; leadline fix --drafts FOLDER writes them"
        _print(result, request, "" if drafts else hint)
    if drafts and not is_dry_run:
        for path in write_drafts(result.drafts, drafts):
            click.echo(f"written: {plain(path, 4096)}", err=True)
    if not result.files or is_dry_run or is_printed:
        return _closed(result.verdict, request)
    if not is_agreed and not click.confirm(f"write {count(len(result.files), 'file')}?", default=False):
        click.echo("nothing was written", err=True)
        return _closed(result.verdict_before, request)
    write_back(result.files)
    if not request.quiet:
        click.echo(f"written: {count(len(result.files), 'file')}", err=True)
    return _closed(result.verdict, request)


class _Agreement:
    """Asks a person about each edit that may stop what runs."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._for_all: bool | None = None

    def __call__(self, edit: WantedEdit, resource: Resource) -> bool:
        if self._for_all is None:
            self._display.end()
            click.echo(f"risky  {plain(resource.title)}  {edit_text(edit.finding)}", err=True)
            click.echo(f"    {plain(edit.risk, 1_000)}", err=True)
            choices = click.Choice(("y", "n", "all", "none"))
            said = click.prompt(
                "    make it? y, n, all, none", type=choices, default="n", show_choices=False, err=True
            )
            if said in ("y", "n"):
                return bool(said == "y")
            self._for_all = said == "all"
        return self._for_all


@contextmanager
def _aimed(
    request: Request, options: PostureOptions, agrees: Agree
) -> Iterator[tuple[PostureOptions, FixAim]]:
    """Of two bounds the one that leaves more as it is; and the options that count with it."""
    given = [word for word in (request.min_severity, request.severity_threshold) if word in GRADES]
    aim = FixAim(
        least=max(given, key=GRADES.index, default="unknown"),
        known_by=request.baseline or request.since,
        gates=gates_of(request),
        agrees=agrees,
        may_be_empty=request.allow_empty,
    )
    if not aim.known_by:
        yield options, aim
        return
    from leadline.programs.cli.scanning.compared_with import compared_with

    with compared_with(request, options) as (options, known):
        yield options, replace(aim, known=known)


def _closed(verdict: Verdict, request: Request) -> int:
    """The exit code, once the last line has said what the gates make of the files."""
    if verdict.results and not request.quiet:
        click.echo(verdict_text(verdict), err=True)
    return 0 if verdict.passed else GATE_FAILED


def _print_review(result: FixResult, request: Request, service: Service) -> None:
    """The requests on stdout; what has no suggestion is counted on stderr."""
    review = review_of(result, request.targets[0], request.since, os.environ, service)
    sys.stdout.write(json_text(review.request) + "\n")
    left = (
        f", {count(review.left, 'edit')} without: not a line of the change, or it would show a secret"
        if review.left
        else ""
    )
    if not request.quiet:
        click.echo(f"{count(review.suggestions, 'suggestion')}{left}", err=True)


def _print(result: FixResult, request: Request, drafts_hint: str) -> None:
    is_terminal = os.isatty(1)
    is_coloured = is_terminal and not request.no_color and wants_colour(os.environ)
    width = width_of(os.environ, is_terminal=is_terminal, usual=PAGE_WIDTH)
    for line in shown_lines(result):
        colour = _COLOURS.get(line[:1]) if is_coloured and line[:3] not in ("---", "+++") else None
        click.echo(f"\x1b[{colour}m{line}\x1b[0m" if colour else line, color=True)
    if result.files:
        click.echo()
    for line in summary_lines(
        result, width, shows_all=request.verbose, risky_hint="; --risky makes them", drafts_hint=drafts_hint
    ):
        click.echo(line)
