"""Where ``leadline`` starts: answers ``--version`` at once, runs a command, turns every error into a line and a code.

Exit codes: 0 passed, 1 a gate failed, 2 wrong usage, 3 nothing could be judged or written, 4 a fault of ours,
5 scanned and not delivered, 130 interrupted, 141 the reader of our output left, 143 asked to end.
"""

import os
import sys

WRONG_USAGE = 2
INTERRUPTED = 130
READER_LEFT = 141
FAULT = 4
SERVERS = {
    "agent": "leadline.programs.agent.main",
    "admission": "leadline.programs.admission.main",
    "apiserver": "leadline.programs.apiserver.main",
    "exporter": "leadline.programs.exporter.main",
    "mcp": "leadline.programs.mcp.main",
    "operator": "leadline.programs.operator.main",
    "provider": "leadline.programs.provider.main",
    "ui": "leadline.programs.ui.main",
    "unregister": "leadline.programs.apiserver.cluster.unregister",
}
EXTRAS = {"mcp": "mcp", "provider": "provider", "ui": "ui"}
"""What brings the libraries of a program, where it is not ``cluster``."""
_SWITCH_S = 0.0002
"""How soon a thread that comes back from decompressing gets the lock. Python's own 5 ms are longer than that takes."""


def main(arguments: list[str] | None = None) -> int:
    """Runs one command line and returns its exit code; the console script passes it to ``sys.exit``."""
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["help"]:
        # As git, kubectl and docker have it.
        words = [*words[1:], "--help"]
    _open_closed_streams()
    if words == ["--version"] and sys.stdout is not None:
        from leadline.version import __version__

        sys.stdout.write(f"leadline {__version__}\n")
        return 0
    if words[:1] and words[0] in SERVERS:
        return _served(words[0], words[1:])
    if arguments is not None:
        return _ended(words)
    _own_process()
    code = _ended(words)
    _leave(code)
    return code


def _served(name: str, arguments: list[str]) -> int:
    """Programs of their own, reached by name: they live long, share nothing with commands, and take libraries of their own."""
    import importlib

    try:
        program = importlib.import_module(SERVERS[name])
    except ModuleNotFoundError as absent:
        if absent.name is None or absent.name.partition(".")[0] == "leadline":
            raise
        extra = EXTRAS.get(name, "cluster")
        _say(f"{name} needs {absent.name}, which is not installed; pip install 'leadline[{extra}]' brings it")
        return WRONG_USAGE
    from leadline.programs.service import run

    return run(program.command, arguments)


def _ended(words: list[str]) -> int:
    """The exit code of a command, however it ended."""
    try:
        return _guarded(words)
    except KeyboardInterrupt:
        _say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        _forget_stdout()
        return READER_LEFT
    except _Ended as end:
        return end.exit_code


class _Ended(BaseException):
    """The process was asked to end by a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


def _own_process() -> None:
    """What must not be done in another program's process, and so nothing below the programs does."""
    import gc
    import signal

    # A command lives for seconds and what it parses lives as long as it does: looking for cycles only costs.
    gc.disable()
    sys.setswitchinterval(_SWITCH_S)

    def end(number: int, frame: object) -> None:
        """Lets temporary folders and unfinished files go away first."""
        raise _Ended(number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, end)


def _open_closed_streams() -> None:
    """A program started with closed streams (``<&-``) gets no input and writes no remarks.

    Standard output stays closed: results that no one could see are not success.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123


def _guarded(words: list[str]) -> int:
    from leadline.errors import LeadlineError
    from leadline.programs.cli.lean_libraries import import_libraries

    import_libraries()

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

            from leadline.outputs.text.plain import plain_lines

            sys.stderr.write(plain_lines(traceback.format_exc()))
        name = type(error).__name__
        _say(f"a fault of this program: {name}: {error}; please report it (--debug shows where it happened)")
        return FAULT


def _run(words: list[str]) -> int:
    import click

    from leadline.programs.cli.lazy_group import leadline

    try:
        if "_LEADLINE_COMPLETE" in os.environ:
            return _completed(words)
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
        from leadline.programs.service import complaint

        _say(complaint(error, "leadline"))
        return 2
    return result if isinstance(result, int) else 0


def _completed(words: list[str]) -> int:
    """Answers a shell at the TAB key; a line that makes no sense yet has no answer."""
    import click

    from leadline.errors import LeadlineError
    from leadline.programs.cli.lazy_group import leadline

    try:
        leadline.main(words, prog_name="leadline")
    except SystemExit as end:
        return 0 if end.code in (0, None) else 1
    except (LeadlineError, click.ClickException, OSError):
        return 1
    return 0


def _say(message: str) -> None:
    """One line on stderr, whatever the message holds; a terminal gets it wrapped at words."""
    from leadline.outputs.text.plain import without_commands

    line = f"leadline: {without_commands(''.join(c if c.isprintable() else ' ' for c in message))}"
    if sys.stderr.isatty():
        from leadline.programs.cli.output.terminal import at_words

        line = "\n".join(at_words([line], 2))
    try:
        sys.stderr.write(f"{line}\n")
    except UnicodeEncodeError:
        sys.stderr.write(f"{line.encode('ascii', 'backslashreplace').decode()}\n")


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
