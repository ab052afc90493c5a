"""Where ``leadline`` starts: answers ``--version`` at once, runs a command, turns every error into a line and a code.

Exit codes: 0 passed, 1 a gate failed, 2 wrong usage, 3 nothing could be judged or written, 4 a fault of ours,
130 interrupted, 141 the reader of our output left.
"""

import os
import sys

INTERRUPTED = 130
READER_LEFT = 141
FAULT = 4


def main(arguments: list[str] | None = None) -> int:
    """Runs one command line and returns its exit code; the console script passes it to ``sys.exit``."""
    words = sys.argv[1:] if arguments is None else arguments
    _open_closed_streams()
    if words == ["--version"] and sys.stdout is not None:
        from leadline import __version__

        sys.stdout.write(f"leadline {__version__}\n")
        return 0
    try:
        code = _guarded(words)
    except KeyboardInterrupt:
        _say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        _forget_stdout()
        return READER_LEFT
    if arguments is None:
        _leave(code)
    return code


def _open_closed_streams() -> None:
    """Whoever starts a program with closed streams (``<&-``) has nothing to tell it and does not want remarks.

    Standard output stays closed: results that nobody could see are no success.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123


def _guarded(words: list[str]) -> int:
    import gc

    # A command lives for seconds and what it parses lives as long as it does: looking for cycles only costs.
    gc.disable()
    from leadline.errors import LeadlineError

    try:
        return _run(words)
    except LeadlineError as error:
        _say(str(error))
        return error.exit_code
    except BrokenPipeError:
        raise
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        _say(f"cannot read or write{where}: {(error.strerror or str(error)).lower()}")
        return 3
    except Exception as error:
        if "--debug" in words:
            import traceback

            traceback.print_exc()
        name = type(error).__name__
        _say(f"a fault of this program: {name}: {error}; please report it (--debug shows where it happened)")
        return FAULT


def _run(words: list[str]) -> int:
    if "_LEADLINE_COMPLETE" not in os.environ:
        code = None
        if words[:1] == ["image"] or words[:2] == ["scan", "image"]:
            code = _run_image(words)
        elif words[:1] == ["scan"]:
            code = _run_scan(words[1:])
        if code is not None:
            return code
    return _run_click(words)


def _import_msgspec() -> None:
    """Before anybody else does."""
    # It takes two names from this if it is there, at the price of a bare start; since 3.11 typing has both.
    sys.modules.setdefault("typing_extensions", None)  # type: ignore[arg-type]
    import msgspec  # noqa: F401

    if sys.modules["typing_extensions"] is None:
        del sys.modules["typing_extensions"]


def _run_scan(words: list[str]) -> int | None:
    """``None`` where click has to read the words."""
    _import_msgspec()
    from leadline.programs.cli.scanning.flags import FLAGS
    from leadline.programs.cli.words.flag import plain_words

    parsed = plain_words(words, FLAGS)
    if parsed is None:
        return None
    from leadline.programs.cli.scanning.request import request_of
    from leadline.programs.cli.scanning.run import run

    return run(request_of(*parsed))


def _run_image(words: list[str]) -> int | None:
    """``None`` where click has to read the words."""
    is_scan = "scan" in words[:2]
    if not is_scan and words[1:2] != ["sbom"]:
        return None
    _import_msgspec()
    from leadline.programs.cli.imaging.flags import FLAGS, SCAN_FLAGS
    from leadline.programs.cli.words.flag import plain_words

    parsed = plain_words(words[2:], SCAN_FLAGS if is_scan else FLAGS)
    if parsed is None or len(parsed[0]) != 1:
        return None
    from leadline.programs.cli.imaging.request import image_request
    from leadline.programs.cli.imaging.run import run

    return run(image_request(parsed[0][0], is_scan, parsed[1]))


def _run_click(words: list[str]) -> int:
    _import_msgspec()
    import click

    from leadline.programs.cli.lazy_group import leadline

    if words[:2] == ["scan", "image"]:
        words = ["image", "scan", *words[2:]]
    try:
        if "_LEADLINE_COMPLETE" in os.environ:
            leadline.main(words, prog_name="leadline")
        # click's own ``main`` turns a reader that left into exit code 1, which here means a failed gate.
        with leadline.make_context("leadline", list(words)) as context:
            result = leadline.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.exceptions.NoArgsIsHelpError as error:
        sys.stdout.write(error.format_message() + "\n")
        return 0
    except click.ClickException as error:
        path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "leadline"
        message = " ".join(error.format_message().split()).removesuffix(".")
        _say(f"{message[:1].lower()}{message[1:]}; {path} --help shows what there is")
        return 2
    return result if isinstance(result, int) else 0


def _say(message: str) -> None:
    """One line on stderr, whatever the message holds."""
    line = "".join(c if c.isprintable() else " " for c in message)
    try:
        sys.stderr.write(f"leadline: {line}\n")
    except UnicodeEncodeError:
        sys.stderr.write(f"leadline: {line.encode('ascii', 'backslashreplace').decode()}\n")


def _leave(code: int) -> None:
    """Ends at once. Taking apart all that a scan has built would take the interpreter a tenth of the scan."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except OSError:
        return  # the interpreter says what it cannot write
    os._exit(code)


def _forget_stdout() -> None:
    """Points stdout at nothing, so that the interpreter's last flush does not fail again."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)


if __name__ == "__main__":
    sys.exit(main())
