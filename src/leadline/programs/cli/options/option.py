"""What a row of the table of options can say, and what derives from it."""

from collections.abc import Callable, Container, Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeVar

import click
from msgspec import Struct

from leadline.model.control import SEVERITIES

PREFIX = "LEADLINE_"
UNMATCHED = "unmatched"
"""The gate that scans of images alone have."""
GRADES = tuple(reversed([severity for severity in SEVERITIES if severity != "unknown"]))
"""The mildest first."""
VIEWS = ("control", "object", "namespace", "fix")
"""What a terminal can count findings by."""
F = TypeVar("F", bound=Callable[..., Any])
Texts = tuple[str, ...]
Value = str | Texts | float | bool
Kind = Literal["text", "texts", "number", "whole number", "switch", "file", "files", "place"]
"""``file``: a path, relative to the folder of ``leadline.toml``; ``place``: one, or ``kube``."""
Inside = Literal[
    "adds",
    "left out by name",
    "at a terminal",
    "would hide findings",
    "would change verdicts",
    "would run code",
    "would write",
    "would reach elsewhere",
]
"""What becomes of a key in a file that comes with the code; those that begin with *would* are not taken."""
MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "adds": "counts: it only asks for more",
        "left out by name": "counts as an ignore file does: what is left out is named, --no-waivers-from-target takes it in",
        "at a terminal": "counts where the output is a terminal, not in a pipe or a file",
        "would hide findings": "not taken: it would hide findings",
        "would change verdicts": "not taken: it would change verdicts",
        "would run code": "not taken: it would run code",
        "would write": "not taken: it would write",
        "would reach elsewhere": "not taken: it would reach another place",
    }
)
_KINDS: Mapping[Any, Kind] = {
    str: "text",
    Texts: "texts",
    bool: "switch",
    float: "number",
    int: "whole number",
}


class Flag(Struct, frozen=True):
    """How a command line says it."""

    text: str
    """Help, and description of the key."""
    metavar: str = ""
    words: str = ""
    """As they are written, ``-q --quiet``; empty for ``--`` and the name of the field."""
    commas: bool = False
    """Whether one value may hold several, with commas."""


class Key(Struct, frozen=True):
    """How ``leadline.toml`` and a variable say it."""

    inside: Inside
    example: str
    """As TOML writes it."""
    name: str = ""
    """Where that is not the name of the field."""
    kind: Literal["", "file", "files", "place"] = ""
    """Where it names files."""
    text: str = ""
    """Description, where that is not the help of the flag."""
    commands: Texts = ()
    """Where it counts, ``image scan``; empty for every command with that flag."""
    choices: Texts = ()


class Option(Struct, frozen=True):
    """One row: a field of ``Request`` with its flag, its key or both."""

    field: str
    type: Any
    default: Any
    flag: Flag | None
    key: Key | None

    @property
    def name(self) -> str:
        """Of the key."""
        return (self.key and self.key.name) or self.field.replace("_", "-")

    @property
    def word(self) -> str:
        """The flag as help shows it first in full, ``--output``."""
        words = self.flag.words.split() if self.flag else []
        return next((word for word in words if word.startswith("--")), f"--{self.field.replace('_', '-')}")

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper().replace("-", "_")

    @property
    def kind(self) -> Kind:
        return (self.key and self.key.kind) or _KINDS[self.type]

    @property
    def text(self) -> str:
        """Description of the key."""
        return (self.key and self.key.text) or (self.flag.text if self.flag else "")

    @property
    def choices(self) -> Texts:
        return self.key.choices if self.key else ()

    @property
    def inside(self) -> Inside:
        return self.key.inside if self.key else "adds"

    @property
    def example(self) -> str:
        return self.key.example if self.key else ""

    @property
    def counts_inside(self) -> bool:
        """Whether a file that comes with the code has a say at all."""
        return not self.inside.startswith("would")

    def counts_for(self, command: str, fields: Container[str]) -> bool:
        """Whether ``command``, whose flags fill ``fields``, takes the key."""
        if self.key is None:
            return False
        return command in self.key.commands if self.key.commands else self.field in fields

    def click_option(self, worded: Flag | None = None) -> Callable[[F], F]:
        """The flag; ``worded`` says words, text and metavar otherwise for one command."""
        flag, other = self.flag or Flag(""), worded or Flag("")
        text, metavar = other.text or flag.text, other.metavar or flag.metavar
        words = (*((other.words or flag.words).split() or [f"--{self.field.replace('_', '-')}"]), self.field)
        if self.type is bool:
            return click.option(*words, is_flag=True, help=text)
        if flag.commas and "repeated" not in text:
            text += " A list, with commas or repeated."
        if self.type == Texts:
            return click.option(*words, multiple=True, metavar=metavar, help=text)
        type: Any = click.IntRange(min=0) if self.type is int else self.type
        if self.choices is VIEWS:
            type = click.Choice(("", *VIEWS))
        return click.option(
            *words, default=self.default, type=type, metavar=metavar, show_choices=False, help=text
        )

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the key."""
        one: dict[str, Any] = {"type": "string", **({"enum": list(self.choices)} if self.choices else {})}
        match self.kind:
            case "texts" | "files":
                one = {"type": "array", "items": one}
            case "switch":
                one = {"type": "boolean"}
            case "number":
                one = {"type": "number", "minimum": 0, "maximum": 100}
            case "whole number":
                one = {"type": "integer", "minimum": 0}
        return {"description": self.text, **one}
