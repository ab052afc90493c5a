"""A command line on the same thing, as it can be pasted."""

from collections.abc import Iterator, Sequence
from shlex import join

import click

from leadline.programs.cli.scan_request import ScanRequest

_NOT_REPEATED = frozenset(
    (
        *("format", "output", "set", "set_string"),
        *("fail_on", "allow_empty", "severity_threshold", "compliance_threshold"),
        *("verbose", "verbose_coverage", "quiet", "no_color", "debug", "watch", "fix", "yes"),
    )
)
"""About the outcome or the look, not about what is scanned."""


def rerun_words(request: ScanRequest, verb: str, flags: Sequence[click.Parameter]) -> str:
    """``scan framework nsa deploy/ --exclude-controls C-0057``: the request again, as far as ``flags`` say it."""
    configured = request.configured
    is_plain = request.form == "everything" or (request.names == configured.frameworks and verb == "scan")
    form = () if is_plain else (request.form, ",".join(request.names))
    is_said_there = configured.filled.keys() | configured.flags if verb == "scan" else frozenset[str]()
    repeated = (word for flag in flags if flag.name not in is_said_there for word in _repeated(request, flag))
    return join((verb, *form, *request.targets, *repeated, *(configured.words if verb == "scan" else ())))


def _repeated(request: ScanRequest, flag: click.Parameter) -> Iterator[str]:
    """The words that say ``flag`` again, where it chooses what is read or shown."""
    name = flag.name or ""
    if not isinstance(flag, click.Option) or name in _NOT_REPEATED:
        return
    value = getattr(request, name)
    if not value or value == flag.default:
        return
    word = next(word for word in flag.opts if word.startswith("--"))
    if flag.is_flag:
        yield word
        return
    for part in value if isinstance(value, tuple) else (value,):
        yield from (word, part)
