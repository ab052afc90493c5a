"""Runs the command line of a program that lives long: what ends it becomes a line and an exit code, the same for all."""

import ctypes
import gc
import sys
from collections.abc import Sequence
from contextlib import suppress

import click

from leadline.errors import LeadlineError
from leadline.outputs.text.plain import plain
from leadline.programs.serving.empty_values import refuse_empty_values

_LONGEST_LINE = 2_000
_COLLECTED_AFTER = (20_000, 20, 100)
"""New objects, and looks at young ones, before the collector looks for cycles. After 700, as usual, it looks at every JSON document
that is being read; 2,000 objects of a cluster then took 13 % longer to be read, judged and ranked.
"""


def run(command: click.Command, arguments: Sequence[str] | None) -> int:
    """The exit code of ``command`` with ``arguments``, those of the process for ``None``.

    1 to 3 as of ``leadline`` itself; 3 too for what the system refuses. Its help calls it ``leadline NAME``.
    """
    # What was loaded stays for as long as the program lives.
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AFTER)
    # An empty flag means something to those that have a file of settings beside it.
    refuse_empty_values(command, click.Argument)
    given = None if arguments is None else list(arguments)
    try:
        result = command.main(given, prog_name=f"leadline {command.name}", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.Abort:
        return 130  # Ctrl-C
    except click.exceptions.NoArgsIsHelpError as error:
        sys.stderr.write(f"{error.format_message()}\n")
        return error.exit_code
    except click.ClickException as error:
        return _said(complaint(error, f"leadline {command.name}"), error.exit_code)
    except LeadlineError as error:
        return _said(str(error), error.exit_code)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _said(f"{where}{error.strerror or error}", 3)
    except SystemExit:
        return 3  # the server has said why it cannot listen
    return result if isinstance(result, int) else 0


def complaint(error: click.ClickException, command: str) -> str:
    """What click says of a command line, as one sentence of ours with the help that explains it; ``command`` where it names none."""
    path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else command
    near = (
        error.possibilities
        if isinstance(error, click.NoSuchOption | click.exceptions.NoSuchCommand)
        else None
    )
    # What these two say without the words that they mean, which click writes into brackets.
    message = error.message if near else error.format_message()
    message = " ".join(message.split()).removesuffix(".").replace("a valid integer range", "a whole number")
    meant = f"; did you mean {', '.join(near)}?" if near else ";"
    return f"{message[:1].lower()}{message[1:]}{meant} {path} --help shows what there is"


def give_back_memory() -> None:
    """Gives back what is free between what is held: some milliseconds, after something large was worked on.

    Only glibc has this function; elsewhere nothing is done.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(ctypes.c_size_t(0))


def _said(message: str, exit_code: int) -> int:
    sys.stderr.write(f"leadline: {plain(message, _LONGEST_LINE)}\n")
    return exit_code
