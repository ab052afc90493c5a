"""Runs the command line of a program that lives long: what ends it becomes a line and an exit code, the same for all.

It also keeps the memory of such a program close to what it holds.
"""

import ctypes
import sys
from collections.abc import Sequence
from typing import Any

import click

from leadline.errors import LeadlineError
from leadline.outputs.text.plain import plain

_LONGEST_LINE = 2_000
_KEPT_FREE = 1 << 18
"""Bytes at the end of each of the C library's heaps that stay with the process, and the largest block within one."""
_HEAPS = 2
# Of mallopt, https://man7.org/linux/man-pages/man3/mallopt.3.html
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8


def run(command: click.Command, arguments: Sequence[str] | None) -> int:
    """The exit code of ``command`` with ``arguments``, those of the process for ``None``.

    1 to 3 as of ``leadline`` itself; 3 too for what the system refuses. Its help calls it ``leadline NAME``.
    """
    hold_no_reserve()
    given = None if arguments is None else list(arguments)
    try:
        command.main(given, prog_name=f"leadline {command.name}", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        return _said(error.format_message(), error.exit_code)
    except LeadlineError as error:
        return _said(str(error), error.exit_code)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _said(f"{where}{error.strerror or error}", 3)
    except SystemExit:
        return 3  # the server has said why it cannot listen
    return 0


def hold_no_reserve() -> None:
    """Has the C library give freed memory back, where it is glibc.

    After a block of some MiB was freed, such as a page of a list, glibc holds twice as much in reserve in each of up to
    16 heaps: 170 of the 370 MiB that the operator once took for 5,000 objects.
    """
    mallopt = _of_c_library("mallopt")
    if mallopt is not None:
        for name, value in (
            (_MMAP_THRESHOLD, _KEPT_FREE),
            (_TRIM_THRESHOLD, _KEPT_FREE),
            (_ARENA_MAX, _HEAPS),
        ):
            mallopt(ctypes.c_int(name), ctypes.c_int(value))


def give_back_memory() -> None:
    """Gives back what is free between what is held: some milliseconds, after something large was worked on."""
    trim = _of_c_library("malloc_trim")
    if trim is not None:
        trim(ctypes.c_size_t(0))


def _of_c_library(name: str) -> Any:
    """``None`` where this C library has no such function."""
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError):
        return None


def _said(message: str, exit_code: int) -> int:
    sys.stderr.write(f"leadline: {plain(message, _LONGEST_LINE)}\n")
    return exit_code
