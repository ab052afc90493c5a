"""What a shell offers at the TAB key after commands and flags: controls, frameworks, formats, severities and files.

A flag is known by its name, or by what its metavar says it takes, so that one that is added needs nothing here.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import click
from click.shell_completion import CompletionItem

Offer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
_FORMS: Mapping[str, str] = MappingProxyType(
    {
        "framework": "the controls of frameworks",
        "control": "some controls, by id",
        "workload": "one object",
        "image": "what is in an image",
    }
)
_MOST_HELP = 60


def with_values(command: click.Command, words: str) -> click.Command:
    """``command``, reached by ``words``, and those below it, whose parameters now offer values."""
    for name, below in command.commands.items() if isinstance(command, click.Group) else ():
        with_values(below, f"{words} {name}")
    for parameter in command.params:
        offer = _offer_of(words, parameter)
        if offer is not None and not isinstance(parameter.type, click.Choice):
            # As the constructor's ``shell_complete`` sets it.
            parameter._custom_shell_complete = offer
    return command


def _offer_of(command: str, parameter: click.Parameter) -> Offer | None:
    """What ``parameter`` takes; ``None`` for anything."""
    name = parameter.name or ""
    by_name = _BY_NAME.get((command, name)) or _BY_NAME.get(("", name))
    if by_name is not None:
        return by_name
    words = (parameter.metavar or parameter.name or "").upper()
    return _files if any(word in words for word in _TAKE_FILES) else None


_TAKE_FILES = ("FILE", "PATH", "FOLDER", "DIR", "IMAGE", "FEED", "BACKUP", "OLD", "NEW", "BEFORE", "AFTER")


def _files(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="file")]


def _words_of_scan(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    words = context.params.get("words") or ()
    if words == ("framework",):
        return _frameworks(context, parameter, incomplete)
    if words == ("control",):
        return _controls(context, parameter, incomplete)
    offered = _files(context, parameter, incomplete)
    return offered if words else [*offered, *_starting(_FORMS.items(), incomplete)]


def _names_of_rbac(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    words = context.params.get("names") or ()
    if words[:1] == ("framework",):
        return _frameworks(context, parameter, incomplete)
    if words[:1] == ("control",):
        return _controls(context, parameter, incomplete)
    return _starting([("framework", ""), ("control", "")], incomplete)


def _controls(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from leadline.posture.catalogue import load_controls

    return _in_list(((one.id, one.title) for one in load_controls()), incomplete)


def _frameworks(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from leadline.posture.catalogue import load_controls
    from leadline.scans.posture.frameworks import load_frameworks

    return _in_list(((one.name, one.title) for one in load_frameworks(load_controls())), incomplete)


def _formats(*reports: str) -> Offer:
    """Those of the reports that are called so in ``model``."""

    def offer(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from leadline.model.image_report import ImageReport
        from leadline.model.images_report import ImagesReport
        from leadline.model.package import Sbom
        from leadline.model.report import PostureReport
        from leadline.outputs.format_registry import formats_for

        known = {one.__name__: one for one in (PostureReport, ImageReport, ImagesReport, Sbom)}
        names = dict.fromkeys(name for report in reports for name in formats_for(known[report]))
        return _in_list(((name, "") for name in sorted(names)), incomplete)

    return offer


def _severities(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from leadline.programs.cli.options.option import GRADES

    more = [("unread", "something could not be read")] if parameter.name == "fail_on" else []
    return _in_list([*((grade, "") for grade in reversed(GRADES)), *more], incomplete)


def _fixed(*words: str) -> Offer:
    def offer(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return _starting(((word, "") for word in words), incomplete)

    return offer


_BY_NAME: Mapping[tuple[str, str], Offer] = MappingProxyType(
    {
        ("scan", "words"): _words_of_scan,
        ("fix", "words"): _words_of_scan,
        ("rbac", "names"): _names_of_rbac,
        ("explain", "name"): _controls,
        ("list", "what"): _fixed("controls", "frameworks"),
        ("schema", "name"): _fixed("document", "report", "waivers", "config"),
        ("scan", "format"): _formats("PostureReport"),
        ("image scan", "format"): _formats("ImageReport", "ImagesReport", "Sbom"),
        ("image sbom", "format"): _formats("Sbom"),
        ("", "exclude_controls"): _controls,
        ("", "severity_threshold"): _severities,
        ("", "min_severity"): _severities,
        ("", "fail_on"): _severities,
    }
)
"""By command and parameter; for every command where its name is empty."""


def _in_list(values: Iterable[tuple[str, str]], incomplete: str) -> list[CompletionItem]:
    """As ``_starting``, after the commas that were written."""
    before, comma, last = incomplete.rpartition(",")
    return _starting(values, last, before + comma)


def _starting(values: Iterable[tuple[str, str]], incomplete: str, before: str = "") -> list[CompletionItem]:
    """Those that begin so, in any case of letters, each with what it is. What was written stays as it is."""
    return [
        CompletionItem(before + incomplete + name[len(incomplete) :], help=text[:_MOST_HELP] or None)
        for name, text in values
        if name.lower().startswith(incomplete.lower())
    ]
