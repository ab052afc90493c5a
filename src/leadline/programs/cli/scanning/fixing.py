"""``leadline fix`` and ``leadline scan --fix``: shows the edits, asks, writes them."""

import os
import sys
from collections.abc import Iterator

import click

from leadline.errors import StoreError, UsageError
from leadline.outputs.rows.fix_summary import not_made_lines, question_lines, questions, unread_lines
from leadline.outputs.rows.remediation import fix
from leadline.outputs.text.patch import exact_patch, shown_patch
from leadline.outputs.text.plain import count, plain, wrapped
from leadline.programs.cli.options.table import Request
from leadline.programs.cli.output.terminal import wants_colour, width_of
from leadline.programs.cli.scanning.requests import reading
from leadline.scans.fixing.fix_scan import FixResult, fix_scan
from leadline.scans.fixing.working_copy import write_back

_COLOURS = {"-": "31", "+": "32", "@": "36"}
_USUAL_WIDTH = 100


def fix_files(request: Request, *, is_dry_run: bool, is_agreed: bool, as_patch: bool) -> int:
    """Edits the files of the request; returns the exit code.

    Raises: ``LeadlineError`` of every kind; ``UsageError`` where no one could be asked.
    """
    is_terminal = os.isatty(0) and os.isatty(1)
    if not (is_dry_run or is_agreed or as_patch or is_terminal):
        raise UsageError(
            "no one can be asked here before files are written",
            hint="--yes writes without asking, --dry-run writes nothing",
        )
    with reading(request, f"fixing {' '.join(request.targets)}") as (options, _):
        result = fix_scan(request.targets, options)
    if as_patch:
        _print_patch(result)
    else:
        _print(result, request)
    if not result.files or is_dry_run or as_patch:
        return 0
    if not is_agreed and not click.confirm(f"write {count(len(result.files), 'file')}?", default=False):
        click.echo("nothing was written", err=True)
        return 0
    write_back(result.files)
    if not request.quiet:
        click.echo(f"written: {count(len(result.files), 'file')}", err=True)
    return 0


def _print_patch(result: FixResult) -> None:
    secret: list[str] = []
    for file in result.files:
        patch = exact_patch(file)
        if patch is None:
            secret.append(file.path)
        else:
            sys.stdout.write(patch)
    if secret:
        names = ", ".join(plain(path, 4096) for path in secret)
        raise StoreError(
            f"left out, since the patch would show secrets: {names}", hint="leadline fix --yes edits them"
        )


def _print(result: FixResult, request: Request) -> None:
    is_terminal = os.isatty(1)
    is_coloured = is_terminal and not request.no_color and wants_colour(os.environ)
    width = width_of(os.environ, is_terminal=is_terminal, usual=_USUAL_WIDTH)
    for file in result.files:
        for line in shown_patch(file):
            colour = _COLOURS.get(line[:1]) if is_coloured and line[:3] not in ("---", "+++") else None
            click.echo(f"\x1b[{colour}m{line}\x1b[0m" if colour else line, color=True)
    if result.files:
        click.echo()
    for line in _summary(result, width, shows_all=request.verbose):
        click.echo(line)


def _summary(result: FixResult, width: int, *, shows_all: bool) -> Iterator[str]:
    controls = {control.id: control for control in result.controls}
    asked = questions(result.decisions, controls, result.objects)
    if result.not_made:
        yield f"not edited  {len(result.not_made):,}"
        rows = [
            (result.objects[one.edit.on].title, fix(one.edit.finding), one.why) for one in result.not_made
        ]
        yield from not_made_lines(rows, width, shows_all=shows_all)
        yield ""
    if result.came:
        yield f"fails only now  {len(result.came):,}, less grave than what is gone"
        for id, on in result.came:
            control = controls[id]
            text = f"{control.severity}  {id}  {control.problem or control.title}: {result.objects[on].title}"
            yield from (f"  {line}" for line in wrapped(plain(text), width - 2))
        yield ""
    if asked:
        yield f"for you to decide  {count(len(asked), 'question')}"
        yield from question_lines(asked, width, shows_all=shows_all)
        yield ""
    if result.unread:
        yield from unread_lines(result.unread, width, shows_all=shows_all)
        yield ""
    edits = count(len(result.made), "edit")
    files = count(len(result.files), "file")
    becomes = "becomes" if result.failed_before == 1 else "become"
    left = f"{count(result.failed_before, 'finding')} {becomes} {result.failed_after:,}"
    if result.made:
        yield from wrapped(f"{edits} in {files}: {left}, judged again after the edits", width)
    elif result.failed_before:
        yield f"no edit can be made without you: {count(result.failed_before, 'finding')}"
    else:
        unread = f" in what was read; {len(result.unread):,} not read" if result.unread else ""
        yield f"nothing to fix: no findings{unread}"
