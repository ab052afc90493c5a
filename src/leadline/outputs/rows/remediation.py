"""What to do about a finding, in words, and the parts of a control's documentation."""

from msgspec import Struct

from leadline.model.control import YOUR_VALUE, Control, Missing, Remove, Review, Set
from leadline.model.finding import Finding
from leadline.outputs.text.plain import plain, value_text


def fix(finding: Finding) -> str:
    """The fix on one line: ``remove spec.hostPID``, ``set spec.hostPID to false``."""
    path = plain(finding.path)
    match finding.violation:
        case Remove():
            return f"remove {path}"
        case Set(value=value):
            return f"set {path} {'(choose a value)' if value == YOUR_VALUE else f'to {value_text(value)}'}"
        case Review(advice=advice):
            if path:
                return f"review {path}: {plain(advice)}" if advice else f"review {path}"
            return plain(advice) if advice else "keep it only if it is needed as it is"
        case Missing(what=what):
            return f"add {plain(what)}"


class ControlText(Struct, frozen=True):
    """A control's documentation taken apart. Each part is plain text; empty where it is not there."""

    why: str
    """The first sentence, without its full stop."""
    body: str
    """The paragraphs between the first one and the fix, a blank line between each two."""
    fix: str
    cannot_see: str
    example: str
    """YAML, indentation removed."""
    links: tuple[str, ...]


def control_text(control: Control) -> ControlText:
    """The parts ``first line, text, Fix:, Example::, Cannot see:, See:`` of the control's docstring."""
    from textwrap import dedent  # compiles patterns, and a scan shows no example

    paragraphs = [p.strip("\n") for p in control.doc.strip().split("\n\n")]
    first, current = paragraphs[0] if paragraphs else "", "body"
    parts: dict[str, list[str]] = {"body": [], "fix": [], "cannot see": [], "example": [], "see": []}
    for paragraph in paragraphs[1:]:
        head, _, rest = paragraph.lstrip().partition(":")
        if head in ("Fix", "Cannot see", "See") and paragraph[:1] == head[0]:
            current, paragraph = head.lower(), rest.strip()
        elif paragraph.strip() in ("Example::", "Example:"):
            current = "example"
            continue
        elif current in ("fix", "cannot see") or (
            current == "example" and not paragraph.startswith((" ", "\t"))
        ):
            current = "body"
        parts[current].append(paragraph)
    links = " ".join(parts["see"]).replace(",", " ").split()
    return ControlText(
        " ".join(first.split()).removesuffix("."),
        "\n\n".join(" ".join(p.split()) for p in parts["body"]),
        " ".join(" ".join(parts["fix"]).split()),
        " ".join(" ".join(parts["cannot see"]).split()),
        dedent("\n\n".join(parts["example"])).strip("\n"),
        tuple(link for link in links if link.startswith("http")),
    )


def why(control: Control) -> str:
    """The first sentence of the control's documentation, without its full stop."""
    return " ".join(control.doc.strip().split("\n\n", 1)[0].split()).removesuffix(".").replace("``", "")
