"""Which packages come under a licence that their user does not want."""

from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from leadline.model.package import Package
from leadline.sbom.licences.expressions import DEEPEST, LONGEST, is_spdx, spdx


def denied(packages: Sequence[Package], patterns: Collection[str]) -> Iterator[tuple[Package, str]]:
    """Each package with the first of its licences that denies it. ``patterns``: SPDX ids, ``*`` for any characters; or other
    names of a licence, as ``GPL-3`` and ``Apache 2``.

    Of a choice (``MIT OR GPL-3.0-only``) every part has to be denied; of what holds together, one.
    """
    folded = tuple((pattern if _is_glob(pattern) else spdx(pattern)).lower() for pattern in patterns)
    judged: dict[str, bool] = {}
    for package in packages:
        for written in package.licenses:
            if written not in judged:
                judged[written] = _is_denied(written, folded)
            if judged[written]:
                yield package, written
                break


def unlisted(patterns: Collection[str]) -> tuple[str, ...]:
    """Those that name no licence of SPDX's list, by mistake or since it is not there."""
    return tuple(one for one in patterns if not _is_glob(one) and not is_spdx(one))


def _is_glob(pattern: str) -> bool:
    return any(sign in pattern for sign in "*?[")


def _is_denied(written: str, patterns: tuple[str, ...]) -> bool:
    if len(written) > LONGEST:
        return _matches(written, patterns)
    parsed = _parsed(written)
    return _matches(written, patterns) if parsed is None else _judged(parsed, patterns, 0)


def _parsed(written: str) -> Any:
    """The library's tree; ``None`` where it is not an expression."""
    from boolean.boolean import ParseError  # type: ignore[import-untyped]
    from license_expression import ExpressionError, Licensing  # type: ignore[import-untyped]

    try:
        return Licensing().parse(written)
    except (ParseError, ExpressionError, RecursionError, ValueError):
        return None


def _judged(node: Any, patterns: tuple[str, ...], depth: int) -> bool:
    parts = getattr(node, "args", ())
    if not parts or depth > DEEPEST:
        return _matches(str(node), patterns)
    judge = all if type(node).__name__ == "OR" else any
    return judge(_judged(part, patterns, depth + 1) for part in parts)


def _matches(written: str, patterns: tuple[str, ...]) -> bool:
    """A licence with an exception (``GPL-2.0-only WITH Classpath-exception-2.0``) is named with it, or by ``*``."""
    return any(fnmatchcase(written.lower(), pattern) for pattern in patterns)
