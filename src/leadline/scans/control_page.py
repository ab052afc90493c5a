"""The page of a control: what it looks at, why, how to fix it, what it cannot see. For terminals, wikis, editors."""

from collections.abc import Iterator, Mapping, Sequence

from leadline.model.control import BuiltControl, Framework
from leadline.outputs.rows.remediation import control_text
from leadline.scans.fixing.example_fix import ExampleFix, example_fix
from leadline.scans.host.collecting import facts_needed
from leadline.scans.posture.settings import Settings

_SET_BY = "a file of settings"


def markdown(
    control: BuiltControl, frameworks: Sequence[Framework], settings: Settings, set_by: str = _SET_BY
) -> Iterator[str]:
    """The page of a control, for a wiki and for the reference."""
    page, example_fix = control_text(control), example_fix_of(control, settings)
    yield f"# {control.id} {control.title}"
    yield f"\n**{control.severity}**, score {control.score:g}. {control.category}.{state_text(control, ' **', '.**')}"
    yield f"\n{page.why}."
    if page.body:
        yield f"\n{page.body}"
    if page.fix:
        yield f"\n**Fix:** {page.fix}"
    for label, values in (*rows_of(control, settings, set_by), ("part of", memberships(control, frameworks))):
        if label == "setting":  # its patterns would read as markup
            values = tuple(f"`{value}`" for value in values)
        if len(values) == 1:
            yield f"\n**{label.capitalize()}:** {values[0]}"
        elif values:
            yield f"\n**{label.capitalize()}:**\n"
            yield from (f"- {value}" for value in values)
    if page.example:
        yield f"\nFails:\n\n```yaml\n{page.example}\n```"
    if example_fix and example_fix.is_edit:
        yield "\nFixed:\n\n```diff"
        yield from (mark + line for mark, line in example_fix.lines())
        yield "```"
    yield from (f"\n**{label.capitalize()}:** {text}." for label, text in left_over(example_fix))
    yield from (f"\n<{link}>" for link in page.links)


def example_fix_of(control: BuiltControl, settings: Settings) -> ExampleFix | None:
    """What the control makes of its example; ``None`` where there is none that it could judge."""
    example = control_text(control).example
    if not example or control.check is None:
        return None

    return example_fix(control, example, settings)


def left_over(example_fix: ExampleFix | None) -> Iterator[tuple[str, str]]:
    """What no edit of the example can do."""
    if example_fix and example_fix.decide:
        by_object: dict[str, list[str]] = {}
        for path, title in example_fix.decide:
            by_object.setdefault(title, []).append(path)
        texts = (
            f"{list_of(paths, _FEW)} of {title}" if all(paths) else title
            for title, paths in by_object.items()
        )
        yield "decide on", "; ".join(texts)
    if example_fix and example_fix.create:
        yield "create", "; ".join(example_fix.create)


def list_of(words: Sequence[str], most: int) -> str:
    """``a, b and 3 more``; one word beyond ``most`` is shown as well, since it takes no more room."""
    if len(words) <= most + 1:
        return ", ".join(words)
    return f"{', '.join(words[:most])} and {len(words) - most} more"


_FEW = 4
"""Paths named of one object, and kinds that a control joins."""


def rows_of(
    control: BuiltControl, settings: Settings, set_by: str = _SET_BY
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What the control looks at, how its scope counts, what it cannot see and can be set to, each by its name; ``set_by`` is how a setting is given."""
    yield "looks at", (_subject(control),)
    if control.namespaced_score is not None:
        yield "scope", (f"{control.in_one_namespace.severity} where it is about one namespace alone",)
    if text := control_text(control).cannot_see:
        yield "cannot see", (text,)
    names = sorted(control.settings)
    yield "setting", tuple(f"{name} = {', '.join(settings[name]) or '(nothing set)'}" for name in names)
    if control.needs_setting and not any(settings[name] for name in names):
        file = '{"' + names[0] + '": ["..."]}'
        yield "to do", (f"it judges nothing until you set it: {set_by} with {file}",)


def memberships(control: BuiltControl, frameworks: Sequence[Framework]) -> tuple[str, ...]:
    """The frameworks that list the control: first those without numbers, then each number with its heading."""
    by_number: dict[str, list[str]] = {"": []}
    for framework in frameworks:
        for entry in framework.entries:
            if entry.control == control.id:
                heading = heading_of(entry.number, framework.sections)
                names = by_number.setdefault(f"{entry.number} {heading}".strip(), [])
                names += [] if framework.name in names else [framework.name]
    joined = {number: ", ".join(names) for number, names in by_number.items() if names}
    return tuple(f"{names}: {number}" if number else names for number, names in joined.items())


def heading_of(number: str, sections: Mapping[str, str]) -> str:
    """The heading of ``number`` or of the nearest section above it; empty where the framework has none."""
    if number in sections:
        return sections[number]
    while number:
        number = number.rpartition(".")[0]
        if number in sections:
            return sections[number]
    return ""


def state_text(control: BuiltControl, before: str, after: str) -> str:
    if control.manual:
        return f"{before}for a person to judge{after}"
    return "" if control.is_built else f"{before}not built yet{after}"


def _subject(control: BuiltControl) -> str:
    if control.manual:
        return f"nothing by itself, a person has to look: {control.manual}"
    if not control.is_built:
        return f"nothing yet: this control is not built; it needs {control.needs}"
    looked_at = _named(control.kinds)
    if len(control.kinds) > _MANY_KINDS or (control.kinds and not looked_at):
        text = "objects of every kind"
    elif looked_at:
        text = ", ".join(looked_at)
    else:
        name = control.subject.__name__ if control.subject else ""
        text = _SUBJECTS.get(name, name)
    how = facts_needed(control)
    text += f"; {how}" if how else ""
    joined = [kind for kind in _named(control.reads) if kind not in looked_at]
    if joined:
        text += f"; together with {list_of(joined, _FEW)}"
    return f"{text}; on {control.cloud} clusters only" if control.cloud else text


def _named(kinds: Sequence[str]) -> list[str]:
    """Kinds without their group, each once."""
    names = (kind.partition(".")[0] for kind in kinds if kind != _EVERY_KIND)
    return list(dict.fromkeys(_SUBJECTS["Workload"] if name == _WORKLOADS else name for name in names))


_MANY_KINDS = 40
_EVERY_KIND = "objects"
"""Stands for "all that its rules match" beside the kinds that those name."""
_WORKLOADS = "workloads"
_SUBJECTS = {
    "Container": "every container of every workload, init and ephemeral ones as well",
    "Workload": "every object that runs pods",
    "Rights": "every subject that a binding gives a role, and every role without a binding",
    "Grant": "every subject that a binding gives a role",
    "Namespace": "every Namespace and what it holds",
    "ApiServer": "the Pod of the API server",
    "ControllerManager": "the Pod of the controller manager",
    "Scheduler": "the Pod of the scheduler",
    "Etcd": "the Pod of etcd",
    "Kubelet": "the settings of the kubelet on each node",
}
