"""The page of a rule, for a terminal and for the documentation."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from leadline.errors import UsageError
from leadline.outputs.text.plain import wrapped
from leadline.runtime.catalogue import all_rules
from leadline.runtime.needs import ADMISSION
from leadline.runtime.rule import Rule, page_of


def rule_called(name: str) -> Rule | None:
    """By id or title, whatever its case."""
    wanted = name.casefold()
    return next((one for one in all_rules() if wanted in (one.id.casefold(), one.title.casefold())), None)


def rule_named(name: str) -> Rule:
    """As ``rule_called``. Raises: ``UsageError`` where there is none."""
    found = rule_called(name)
    if found is None:
        raise UsageError(f"unknown rule: {name[:60]}", hint="leadline rules list names them")
    return found


def rule_text(rule: Rule, form: str, width: int) -> str:
    """``form`` is ``md`` or ``text``."""
    return "\n".join(rule_markdown(rule) if form == "md" else rule_lines(rule, width))


def rule_lines(rule: Rule, width: int) -> Iterator[str]:
    page = page_of(rule)
    yield f"{rule.id}   {rule.title}"
    yield f"{rule.severity}, score {rule.score:g}   a rule of the {_judge(rule)}{'' if rule.is_on else '; off unless asked for'}"
    for text in (page.what, page.why):
        if text:
            yield ""
            yield from wrapped(text, width)
    yield ""
    for label, texts in rule_rows(rule):
        lines = [line for text in texts for line in wrapped(text, width - 17)]
        yield from (f"{'' if number else label:<15}  {line}" for number, line in enumerate(lines))
    if page.links:
        yield ""
        yield from page.links


def rule_markdown(rule: Rule) -> Iterator[str]:
    page = page_of(rule)
    yield f"# {rule.id} {rule.title}"
    yield f"\n**{rule.severity}**, score {rule.score:g}. A rule of the {_judge(rule)}{'' if rule.is_on else ', off unless asked for'}."
    yield from (f"\n{text}" for text in (page.what, page.why) if text)
    for label, texts in rule_rows(rule):
        title = label[0].upper() + label[1:]
        if len(texts) == 1:
            yield f"\n**{title}:** {texts[0]}"
        else:
            yield f"\n**{title}:**\n"
            yield from (text if text[0].isdigit() else f"- {text}" for text in texts)
    yield from (f"\n<{link}>" for link in page.links)


def _judge(rule: Rule) -> str:
    return "admission webhook" if ADMISSION in rule.needs else "node agent"


def rule_rows(rule: Rule) -> Iterator[tuple[str, tuple[str, ...]]]:
    page = page_of(rule)
    yield "do first", tuple(f"{number}. {text}" for number, text in enumerate(page.first, 1))
    yield "false positives", (page.false_positives,)
    if rule.waits:
        yield "begins", ("once the profile of the container is complete",)
    elif rule.takes == 3:
        yield "begins", ("at once; silent about what a complete profile has",)
    if ADMISSION in rule.needs:
        yield "fed by", ("the admission webhook, with admission.sessions of the chart",)
    else:
        yield "probes", (", ".join(rule.needs),)
    if rule.mitre:
        yield "MITRE ATT&CK", (" ".join(rule.mitre),)
    if rule.falco:
        yield "covers Falco's", rule.falco


class RuleRow(Struct, frozen=True, rename="camel"):
    id: str
    severity: str
    title: str
    is_on: bool
    waits: bool
    """For a complete profile."""
    probes: tuple[str, ...]
    falco: tuple[str, ...]


def all_rows() -> list[RuleRow]:
    return [
        RuleRow(
            one.id,
            one.severity,
            one.title,
            one.is_on,
            one.waits,
            one.needs,
            one.falco,
        )
        for one in all_rules()
    ]


def row_lines(rows: Iterable[RuleRow]) -> Iterator[str]:
    for one in rows:
        notes = ", ".join(
            note
            for note, holds in (
                ("off", not one.is_on),
                ("waits for a profile", one.waits),
                ("of the admission webhook", ADMISSION in one.probes),
            )
            if holds
        )
        yield f"{one.id:<6} {one.severity:<9} {one.title}{f' ({notes})' if notes else ''}"
