"""Answers as programs show them, in the form that was asked for."""

from collections.abc import Iterable
from typing import Literal

from leadline.errors import UsageError
from leadline.model.access import AccessAnswer, AccessDifference, AccessUse
from leadline.outputs.access.answer_text import answer_csv, answer_lines, as_json
from leadline.outputs.access.difference_text import difference_csv, difference_lines
from leadline.outputs.access.path_text import path_lines, path_picture
from leadline.outputs.access.use_text import use_csv, use_lines
from leadline.outputs.text.plain import count

AccessForm = Literal["text", "json", "csv", "svg"]


def written(
    value: AccessAnswer | AccessDifference | AccessUse, form: AccessForm, width: int, *, path: int = 0
) -> str:
    """``value`` in ``form``, with line ends; ``width`` in columns of text.

    ``path`` counts from 1 and says that an answer is of paths to cluster admin; ``svg`` draws that one.

    Raises: ``UsageError`` for a path that there is not.
    """
    if form == "json":
        return f"{as_json(value)}\n"
    match value:
        case AccessAnswer() if form == "svg":
            if not 0 < path <= len(value.found):
                found = count(len(value.found), "path was", "paths were")
                raise UsageError(f"there is no path {path}: {found} found", hint="the text numbers them")
            return path_picture(value.found[path - 1])
        case AccessAnswer():
            lines = path_lines(value, width) if path else answer_lines(value, width)
            return answer_csv(value) if form == "csv" else _joined(lines)
        case AccessDifference():
            return difference_csv(value) if form == "csv" else _joined(difference_lines(value, width))
        case AccessUse():
            return use_csv(value) if form == "csv" else _joined(use_lines(value, width))


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
