"""Answers as programs show them, in the form that was asked for."""

from typing import Literal

from leadline.errors import UsageError
from leadline.model.access import AccessAnswer, AccessDifference, AccessUse
from leadline.outputs.access.answer_text import answer_csv, answer_json, answer_lines
from leadline.outputs.access.difference_text import difference_csv, difference_json, difference_lines
from leadline.outputs.access.path_text import path_lines, path_picture
from leadline.outputs.access.use_text import use_csv, use_json, use_lines
from leadline.outputs.text.plain import count

AccessForm = Literal["text", "json", "csv", "svg"]


def written(answer: AccessAnswer, form: AccessForm, width: int, *, path: int = 0) -> str:
    """``answer`` in ``form``, with line ends; ``width`` in columns of text.

    ``path`` counts from 1 and says that the answer is of paths to cluster admin; ``svg`` draws that one.

    Raises: ``UsageError`` for a path that there is not.
    """
    match form:
        case "json":
            return f"{answer_json(answer)}\n"
        case "csv":
            return answer_csv(answer)
        case "svg":
            if not 0 < path <= len(answer.found):
                found = count(len(answer.found), "path was", "paths were")
                raise UsageError(f"there is no path {path}: {found} found", hint="the text numbers them")
            return path_picture(answer.found[path - 1])
        case "text":
            lines = path_lines(answer, width) if path else answer_lines(answer, width)
            return "".join(f"{line}\n" for line in lines)


def difference_written(difference: AccessDifference, form: AccessForm, width: int) -> str:
    """``difference`` in ``form``, with line ends; there is no picture of it."""
    match form:
        case "json":
            return f"{difference_json(difference)}\n"
        case "csv":
            return difference_csv(difference)
        case "text" | "svg":
            return "".join(f"{line}\n" for line in difference_lines(difference, width))


def use_written(use: AccessUse, form: AccessForm, width: int) -> str:
    """``use`` in ``form``, with line ends; there is no picture of it."""
    match form:
        case "json":
            return f"{use_json(use)}\n"
        case "csv":
            return use_csv(use)
        case "text" | "svg":
            return "".join(f"{line}\n" for line in use_lines(use, width))
