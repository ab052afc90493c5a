"""What libraries say of a document that has another form, or of a file that cannot be read, in words for users."""

import re

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
    "bytes": "text in base64",
    "datetime": "a moment such as 2026-01-31T12:00:00Z",
}
# Compiled where something is wrong: every start imports this.
_EXPECTED = (
    r"Expected `(?P<kinds>[^`]+)`"
    r"(?: (?P<sign>[<>]=?) (?P<bound>\S+)| of (?:at least )?length (?P<length>[<>]=? )?(?P<count>\d+)"
    r"| that's a multiple of (?P<factor>\S+)| matching regex (?P<pattern>.+?))?"
    r"(?:, got `?(?P<got>\w+)`?)?"
)
_FORMS = {
    r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$": _KINDS["datetime"],
    r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$": "a UUID",
}
"""Of patterns that say less to a reader than an example."""
_BOUNDS = {">=": "of at least", "<=": "of at most", ">": "above", "<": "below"}
_OTHERS = (
    (r"Object missing required field `(.*)`", r"\1", "is missing"),
    (r"Object contains unknown field `(.*)`", r"\1", "is not a known field"),
    # The value is not repeated: it may be a credential in the wrong field.
    (r"Invalid (?:enum )?value .*", "", "is not one of the values that are known"),
    (r"Input data was truncated", "", "empty or cut short"),
    (r"(\w+)(?: data)? is malformed: (.*) \(byte (\d+)\)", "", r"not \1 at byte \3: \2"),
)
_LONGEST = 300


def in_words(error: Exception) -> str:
    """``listen.port: must be a whole number of at most 65535``; of an ``OSError`` what the system says."""
    return ": ".join(filter(None, placed(error)))


def placed(error: Exception) -> tuple[str, str]:
    """The field as it is written in the document, empty for all of it, and what is wrong there; both may be shown as they are."""
    place, why = _placed(error)
    return _shown(place), _shown(why)


def _shown(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else " " if one in "\t\n" else "?" for one in text)


def _placed(error: Exception) -> tuple[str, str]:
    if isinstance(error, OSError):
        return "", (error.strerror or str(error)).lower()
    if isinstance(error, UnicodeDecodeError):
        return "", f"not UTF-8 at byte {error.start}"
    if isinstance(error, RecursionError):
        return "", "too deeply nested"
    said, _, where = str(error).rpartition(" - at `")
    if not said:
        said, where = str(error), ""
    key, _, holder = where.rpartition("` in `")
    place = (holder or where).rstrip("`").removeprefix("$").removeprefix(".").replace("[...]", "[…]")
    if key:
        place = f"{place}: its keys" if place else "its keys"
    if expected := re.fullmatch(_EXPECTED, said, re.DOTALL):
        return place, f"must be {_wanted(expected)}"
    for pattern, name, why in _OTHERS:
        if found := re.fullmatch(pattern, said, re.DOTALL):
            named = found.expand(name)[:100]
            return ".".join(filter(None, (place, named))), found.expand(why)[:_LONGEST]
    return place, said[:_LONGEST]


def _wanted(expected: re.Match[str]) -> str:
    kinds = expected["kinds"].split(" | ")
    wanted = " or ".join(_KINDS.get(kind, kind) for kind in kinds)
    if expected["sign"]:
        wanted = f"{wanted} {_BOUNDS[expected['sign']]} {expected['bound'].removesuffix('.0')}"
    elif expected["count"]:
        bound = _BOUNDS.get((expected["length"] or "").strip(), "of")
        unit = "entry" if kinds[0] in ("array", "object") else "character"
        count = int(expected["count"])
        plural = unit if count == 1 else "entries" if unit == "entry" else "characters"
        wanted = f"{wanted} {bound} {count} {plural}"
    elif expected["factor"]:
        wanted = f"a multiple of {expected['factor']}"
    elif expected["pattern"]:
        wanted = _FORMS.get(
            pattern := expected["pattern"].strip("'\"").replace("\\\\", "\\"),
            f"{wanted} that matches {pattern[:150]}",
        )
    got = expected["got"]
    return f"{wanted}, not {'a fraction' if got == 'float' else _KINDS.get(got, got)}" if got else wanted
