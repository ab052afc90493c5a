"""The flags of ``leadline scan``, once: click's command and the short way past click are both made of this table."""

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

_LIST = "A list, with commas or repeated."


class Flag(Struct, frozen=True):
    names: tuple[str, ...]
    """As written; the last one, without dashes, is the name of the request's field."""
    kind: Literal["switch", "text", "texts", "number"]
    help: str
    metavar: str = ""
    default: Any = None

    @property
    def field(self) -> str:
        return self.names[-1].lstrip("-").replace("-", "_")


FLAGS = (
    Flag(("-f", "--format"), "texts", f"pretty, lines, json, sarif … {_LIST}", "NAME"),
    Flag(("-o", "--output"), "text", "Write there; several formats add their suffixes.", "FILE", ""),
    Flag(("-v", "--verbose"), "switch", "Every finding with its lines and its cure."),
    Flag(("--verbose-coverage",), "switch", "Why each control that judged nothing did not."),
    Flag(("-q", "--quiet"), "switch", "No remarks on stderr but errors."),
    Flag(("--severity-threshold",), "text", "Exit 1 on a finding at or above it.", "SEVERITY", ""),
    Flag(("--compliance-threshold",), "number", "Exit 1 on a score below it.", "PER_CENT"),
    Flag(("--fail-on",), "texts", "Exit 1 when something could not be read.", "unread"),
    Flag(("--min-severity",), "text", "Show nothing below it; gates see all.", "SEVERITY", "unknown"),
    Flag(("--include-namespaces",), "texts", f"Judge only these. {_LIST}", "NAMES"),
    Flag(("-e", "--exclude-namespaces"), "texts", f"Judge all but these. {_LIST}", "NAMES"),
    Flag(("--exclude-path",), "texts", "Leave files out, as .gitignore writes it.", "PATTERN"),
    Flag(("--exclude-controls",), "texts", f"Leave controls out. {_LIST}", "IDS"),
    Flag(("--controls-config",), "text", "Settings of controls: JSON, YAML or TOML.", "FILE", ""),
    Flag(("--controls",), "texts", "Your own controls, Python files; they are run.", "FOLDER"),
    Flag(("--framework-file",), "texts", "Your own framework, TOML.", "FILE"),
    Flag(("--context", "--kube-context"), "text", "The context of the kubeconfig.", "NAME", ""),
    Flag(("--kubeconfig",), "text", "Another kubeconfig.", "FILE", ""),
    Flag(("--values",), "texts", "Values for Helm charts; later files win.", "FILE"),
    Flag(("--set",), "texts", "A value for Helm charts.", "KEY=VALUE"),
    Flag(("--set-string",), "texts", "A value that is text.", "KEY=VALUE"),
    Flag(("--kube-version",), "text", "The Kubernetes version charts are rendered for.", "VERSION", ""),
    Flag(("--api-versions",), "texts", "API versions that charts may count on.", "GROUP/VERSION"),
    Flag(("--no-color",), "switch", "No colour; NO_COLOR does the same."),
    Flag(("--debug",), "switch", "Tracebacks and a log on stderr."),
)


def plain_words(arguments: Sequence[str]) -> tuple[tuple[str, ...], dict[str, Any]] | None:
    """Words and flags of a command line that is plainly right; ``None`` leaves it to click.

    Importing click costs more than a bare start of Python, so it is kept for help, errors and rare spellings.
    """
    flags: dict[str, Any] = {flag.field: _start(flag) for flag in FLAGS}
    by_name = {name: flag for flag in FLAGS for name in flag.names}
    words: list[str] = []
    rest = list(reversed(arguments))
    while rest:
        word = rest.pop()
        if word == "-" or not word.startswith("-"):
            words.append(word)
            continue
        name, equals, value = word.partition("=")
        flag = by_name.get(name)
        if flag is None or (equals and (flag.kind == "switch" or not name.startswith("--"))):
            return None
        if flag.kind == "switch":
            flags[flag.field] = True
            continue
        if not equals:
            if not rest or (rest[-1].startswith("-") and rest[-1] != "-"):
                return None
            value = rest.pop()
        if not _take(flags, flag, value):
            return None
    return tuple(words), flags


def _start(flag: Flag) -> Any:
    return {"switch": False, "texts": ()}.get(flag.kind, flag.default)


def _take(flags: dict[str, Any], flag: Flag, value: str) -> bool:
    """Whether the value could be taken."""
    if flag.kind == "number":
        try:
            flags[flag.field] = float(value)
        except ValueError:
            return False
    elif flag.kind == "texts":
        flags[flag.field] = (*flags[flag.field], value)
    else:
        flags[flag.field] = value
    return True
