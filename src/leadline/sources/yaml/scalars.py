"""What a YAML scalar means to Kubernetes, which reads YAML 1.1 in the dialect of go-yaml and then turns it into JSON.

Sources: the resolver of go-yaml version 2 (https://github.com/kubernetes-sigs/yaml/tree/master/goyaml.v2) and the
rules by which kubectl makes text of keys; both were observed through ``kubectl label --local``.
"""

import base64
import binascii
import re
import struct

Scalar = str | int | float | bool | None

_TRUE = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(_TRUE, True),
    **dict.fromkeys(_FALSE, False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_NUMBER_START = frozenset("+-.0123456789")
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_PREFIXED = re.compile(r"([-+]?)0(?:[xX]([0-9a-fA-F]+)|[bB]([01]+)|[oO]?([0-7]+))\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_POINT_FLOAT = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?\Z")
_INT64 = range(-(1 << 63), 1 << 63)
_UINT64_END = 1 << 64
_LONGEST_NUMBER = 400
"""Characters; beyond the digits of the largest float nothing is a number, and int() refuses 4,300 digits."""

_STRICT_TAGS = {
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:bool": bool,
    "tag:yaml.org,2002:null": type(None),
}
_BINARY_TAG = "tag:yaml.org,2002:binary"
_MERGE_TAG = "tag:yaml.org,2002:merge"


class ScalarError(ValueError):
    """The scalar cannot become JSON; the message is a sentence for the user."""


def plain(text: str) -> Scalar:
    """The value of an unquoted scalar. Whole numbers of 64 bits are ``int``, all others ``float``."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in _NUMBER_START:
        number = _number(text)
        return text if number is None else whole(number)
    return text


def whole(number: int | float) -> int | float:
    """The number as it comes out of the API's JSON: ``1.0`` is 1, and what exceeds 64 bits is a float."""
    if isinstance(number, int):
        return number if number in _INT64 else float(number)
    if number.is_integer() and -(2.0**63) <= number < 2.0**63:
        return int(number)
    return number


def tagged(text: str, tag: str) -> Scalar:
    """The value of a scalar with an explicit tag; tags of applications are ignored.

    Raises: ``ScalarError`` where the text does not fit the tag.
    """
    if tag == _BINARY_TAG:
        try:
            decoded = base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise ScalarError("the value tagged !!binary is not base64") from error
        return decoded.decode("utf-8", "replace")
    wanted = _STRICT_TAGS.get(tag)
    if wanted is None:
        return text
    value = plain(text)
    if wanted is float and type(value) is int:
        return value
    if type(value) is not wanted:
        raise ScalarError(f"the value does not fit its tag !!{tag.rpartition(':')[2]}")
    return value


def is_merge_key(text: str, tag: str | None, implicit: tuple[bool, bool]) -> bool:
    """Whether a key merges another mapping. Tools on go-yaml 3 write ``!!merge`` before it; ``implicit``: the event's."""
    return text == "<<" and (implicit[0] or tag == _MERGE_TAG)


def key_text(text: str) -> str:
    """The text that an unquoted key becomes: ``y`` is ``"true"``, ``012`` is ``"10"``.

    Raises: ``ScalarError`` for what Kubernetes refuses as a key.
    """
    if text in _WORDS or text[0] in _NUMBER_START:
        return key_of_value(_WORDS[text] if text in _WORDS else _number(text), text)
    return text


def key_of_value(value: Scalar, text: str) -> str:
    """The text of a key whose value was resolved; ``text`` where it is not a number, boolean or null."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value not in _INT64:
            raise ScalarError("a key is a number beyond 64 bits; quote it")
        return str(value)
    if isinstance(value, float):
        return _float_key(value)
    if isinstance(value, str):
        return value
    if text in _WORDS:
        raise ScalarError("a key is null; Kubernetes wants text")
    return text


def _number(text: str) -> int | float | None:
    if text[0] == ".":
        return _finite(text) if _POINT_FLOAT.match(text) else None
    digits = text.replace("_", "")
    if len(digits) > _LONGEST_NUMBER:
        return None
    if _DECIMAL.match(digits):
        value = int(digits)
        signed = digits[0] in "+-"
        fits = value in _INT64 or (not signed and value < _UINT64_END)
        return value if fits else _finite(digits)
    prefixed = _PREFIXED.match(digits)
    if prefixed:
        sign, hexadecimal, binary, octal = prefixed.groups()
        size = int(hexadecimal, 16) if hexadecimal else int(binary, 2) if binary else int(octal, 8)
        value = -size if sign == "-" else size
        if value in _INT64 or (not sign and value < _UINT64_END):
            return value
    return _finite(digits) if _FLOAT.match(digits) else None


def _finite(text: str) -> float | None:
    value = float(text)
    return None if value in (float("inf"), float("-inf")) else value


def _float_key(value: float) -> str:
    """Go's ``FormatFloat(value, 'g', -1, 32)``: the shortest digits that single precision keeps apart."""
    if value != value:
        return ".nan"
    single = _single(value)
    if single in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    shortest = next(
        (t for p in range(9) if _single(float(t := f"{single:.{p}e}")) == single),
        repr(single),
    )
    mantissa, _, exponent = shortest.partition("e")
    power = int(exponent)
    digits = len(mantissa.replace("-", "").replace(".", ""))
    if not -4 <= power < 6:
        return f"{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"
    return f"{single:.{max(digits - 1 - power, 0)}f}"


def _single(value: float) -> float:
    """``value`` in single precision, infinite beyond its range."""
    try:
        # Some builds of Python refuse what the format cannot hold, others pack infinity.
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
