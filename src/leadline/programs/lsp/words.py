"""What the workspace says, in the shapes of the protocol."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from lsprotocol import types as lsp

from leadline.model.control import BuiltControl, Framework, Severity
from leadline.model.unread import Unread
from leadline.programs.lsp.documents import Document, units, uri_of
from leadline.scans.control_page import markdown
from leadline.scans.workspace.fixes import Fix, TextEdit
from leadline.scans.workspace.images import NamedImage
from leadline.scans.workspace.links import Link
from leadline.scans.workspace.problems import Judged, Problem

SOURCE = "leadline"
UNREAD = "not-read"
"""The code of what could not be read."""
FIX_ALL = "source.fixAll.leadline"
SCAN_IMAGE = "leadline.scanImage"
"""The command by which a user asks for an image to be looked at."""
_MOST_DIAGNOSTICS = 1_000
"""Of one file; the others are counted."""
_SEVERITIES: Mapping[Severity, lsp.DiagnosticSeverity] = {
    "critical": lsp.DiagnosticSeverity.Error,
    "high": lsp.DiagnosticSeverity.Warning,
    "medium": lsp.DiagnosticSeverity.Information,
    "low": lsp.DiagnosticSeverity.Hint,
    "unknown": lsp.DiagnosticSeverity.Hint,
}
_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&])")


def diagnostics(judged: Judged, document: Document) -> list[lsp.Diagnostic]:
    """One for each problem and each part that could not be read."""
    found = [_not_read(one, document) for one in judged.unread]
    found += islice((_diagnostic(one, document) for one in judged.problems), _MOST_DIAGNOSTICS)
    more = max(0, len(judged.problems) - _MOST_DIAGNOSTICS) + judged.more
    if more:
        text = f"{more:,} more findings are not shown; leadline scan shows all"
        found.append(
            lsp.Diagnostic(document.range(1, 1), text, lsp.DiagnosticSeverity.Warning, source=SOURCE)
        )
    return found


def _diagnostic(one: Problem, document: Document) -> lsp.Diagnostic:
    related = [
        lsp.DiagnosticRelatedInformation(
            lsp.Location(
                uri_of(there.file), lsp.Range(lsp.Position(there.line - 1, 0), lsp.Position(there.line, 0))
            ),
            there.text,
        )
        for there in one.related
    ]
    return lsp.Diagnostic(
        document.range(one.line, one.column),
        f"{one.message} (in the baseline)" if one.is_known else one.message,
        lsp.DiagnosticSeverity.Hint if one.is_known else _SEVERITIES[one.severity],
        ", ".join(one.controls),
        lsp.CodeDescription(one.link) if one.link else None,
        SOURCE,
        related_information=related or None,
    )


def _not_read(one: Unread, document: Document) -> lsp.Diagnostic:
    text = f"not read: {one.why}{f'; {one.hint}' if one.hint else ''}"
    is_choice = one.reason in ("left out", "not rendered")
    severity = lsp.DiagnosticSeverity.Information if is_choice else lsp.DiagnosticSeverity.Error
    return lsp.Diagnostic(
        document.range(one.line or 1, one.column or 1), text, severity, UNREAD, source=SOURCE
    )


def hover(
    problems: Sequence[Problem],
    controls: Mapping[str, BuiltControl],
    frameworks: Sequence[Framework],
    settings: Mapping[str, tuple[str, ...]],
) -> str:
    """What is wrong here, and the page of the most urgent control."""
    lines = [
        f"- **{one.severity}** {', '.join(one.controls)}: {plain_markdown(one.message)}" for one in problems
    ]
    control = controls.get(problems[0].controls[0])
    page = "\n".join(markdown(control, frameworks, settings)) if control else ""
    return "\n".join((*lines, "", "---", "", page))


def plain_markdown(text: str) -> str:
    """``text`` without any mark-up: names of the workspace are in it."""
    return _MARKS.sub(r"\\\1", text)


def workspace_edit(edits: Sequence[TextEdit], document: Document) -> lsp.WorkspaceEdit:
    """Of one version: an editor refuses it where someone typed on since."""
    identifier = lsp.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
    return lsp.WorkspaceEdit(
        document_changes=[lsp.TextDocumentEdit(identifier, list(_text_edits(edits, document)))]
    )


def _text_edits(edits: Sequence[TextEdit], document: Document) -> Iterator[lsp.TextEdit]:
    last = document.text.count("\n")
    for one in edits:
        start = lsp.Position(one.first, 0)
        # A last line without an end cannot be named by the line after it.
        end = (
            lsp.Position(one.end, 0)
            if one.end <= last or one.end == one.first
            else lsp.Position(last, units(document.line(last)))
        )
        yield lsp.TextEdit(lsp.Range(start, end), one.text)


def link(one: Link, document: Document) -> lsp.DocumentLink:
    line = document.line(one.line)
    start, end = units(line[: one.start]), units(line[: one.end])
    where = lsp.Range(lsp.Position(one.line, start), lsp.Position(one.line, end))
    return lsp.DocumentLink(where, uri_of(one.file) if one.file else one.page)


def lens(image: NamedImage, known: str, is_running: bool) -> lsp.CodeLens:
    """What is known of an image above its line, or the offer to find out."""
    start = lsp.Position(image.line - 1, 0)
    if is_running:
        said = lsp.Command("Leadline: looking at the image", "")
    else:
        title = f"Leadline: {known}" if known else "Leadline: count the vulnerabilities of this image"
        said = lsp.Command(title, SCAN_IMAGE, arguments=[image.name])
    return lsp.CodeLens(lsp.Range(start, start), said)


def quick_fix(fix: Fix, problem: Problem, document: Document) -> lsp.CodeAction:
    title = fix.title
    if fix.risk:
        title += f" (risky: {fix.risk})"
    elif not fix.is_tried:
        title += " (judged once it is saved)"
    elif not fix.is_proven:
        title += " (other findings stay or come)"
    return lsp.CodeAction(
        title,
        lsp.CodeActionKind.QuickFix,
        [_diagnostic(problem, document)],
        is_preferred=(fix.is_proven and not fix.risk) or None,
        edit=workspace_edit(fix.edits, document),
    )
