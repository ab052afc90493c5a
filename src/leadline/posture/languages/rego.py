"""Users' own Rego as controls.

A rule looks at all of its objects at once; a control looks at one after the other. So the first object makes the
evaluator answer for the whole rule, and every check reads its own lines out of that answer.

The layout of a rule's result (``alertObject``, ``failedPaths``, ``fixPaths``, …) is that of
https://github.com/kubescape/regolibrary.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from leadline.kube.field_path import parse_path
from leadline.kube.kinds import ADDED, BUILT_IN, Kind, kind_key, plural_of
from leadline.kube.rbac import Grant
from leadline.model.control import BuiltControl, NotJudged, Remove, Review, Set, Violation, Violations
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.posture.index import EVERY_KIND
from leadline.posture.inventory import Inventory

SUBJECTS = "subject-role-rolebinding"
"""The aggregator whose rules see RBAC subjects, each with its binding and its role."""
API_SERVER = "apiserver-pod"
"""The aggregator whose rules see one Pod: that of the API server."""
_ANY = "*"
_CLOUDS = {"EKS": "eks", "AKS": "aks", "GKE": "gke"}
_PASSING = frozenset({"Event", "Lease.coordination.k8s.io", "EndpointSlice.discovery.k8s.io", "Endpoints"})
_TEXT_ONLY = re.compile(
    r"(^|\.)(annotations|labels|matchLabels|nodeSelector|data|stringData|parameters|args|command)\b|\.env\["
)
"""Places where ``"true"`` and ``"1"`` are texts in every object."""


class RegoMatch(Struct, frozen=True):
    """Objects that a rule asks for; ``*`` represents all. Names are kinds or plurals in lower case."""

    groups: frozenset[str]
    versions: frozenset[str]
    names: frozenset[str]
    written: tuple[str, ...] = ()
    """The names as the rule writes them."""

    def holds(self, resource: Resource) -> bool:
        group, _, version = resource.api_version.rpartition("/")
        if not (_ANY in self.groups or group in self.groups):
            return False
        if not (_ANY in self.versions or version in self.versions):
            return False
        if _ANY in self.names or resource.kind.lower() in self.names:
            return True
        key = kind_key(group, resource.kind)
        known = BUILT_IN.get(key) or ADDED.get(key)
        return (known.plural if known else plural_of(resource.kind)) in self.names

    def names_kind(self, kind: Kind) -> bool:
        is_named = not self.names.isdisjoint((_ANY, kind.name.lower(), kind.plural))
        return is_named and not self.groups.isdisjoint((_ANY, kind.group))


EVERYTHING = RegoMatch(frozenset({_ANY}), frozenset({_ANY}), frozenset({_ANY}))


class RegoRule(Struct, frozen=True):
    name: str
    file: str
    """As people are shown it."""
    source: str
    counting: str = ""
    """Rego that reports the objects which count as judged; empty where all of the input does."""
    counting_file: str = ""
    matches: tuple[RegoMatch, ...] = (EVERYTHING,)
    aggregator: str = ""
    settings: tuple[str, ...] = ()
    """Names as the rule reads them below ``data.postureControlInputs``."""
    doc: str = ""
    problem: str = ""
    """Why it cannot be evaluated at all."""


class ControlFile(Struct, frozen=True):
    """What a control's own file says of it."""

    id: str
    title: str
    score: float
    category: str
    doc: str
    rules: tuple[str, ...]
    fixed: Mapping[str, tuple[str, ...]] = {}
    """Settings that may not be changed."""
    manual: str = ""
    """What a person has to look at, where rules cannot decide."""


class Related(Struct, frozen=True, array_like=True):
    """Paths in another object: that at ``position`` of the input, or the ``part`` of it (0 binding, 1 role)."""

    position: int
    part: int
    delete: tuple[str, ...]
    fix: tuple[tuple[str, Any], ...]
    review: tuple[str, ...]


class RegoAlert(Struct, frozen=True):
    """One thing that a rule reports, about the objects at these positions of the input."""

    on: tuple[int, ...]
    delete: tuple[str, ...] = ()
    fix: tuple[tuple[str, Any], ...] = ()
    review: tuple[str, ...] = ()
    related: tuple[Related, ...] = ()


class RegoProblem(Struct, frozen=True):
    why: str
    file: str = ""
    line: int = 0
    column: int = 0


class RegoAnswer(Struct, frozen=True):
    alerts: tuple[RegoAlert, ...] = ()
    counted: tuple[int, ...] | None = None
    """Positions that count as judged; ``None`` for all."""
    unjudged: tuple[tuple[int, str], ...] = ()
    """Positions of objects that make the rule fail, and how; it was evaluated without them."""
    problem: RegoProblem | None = None


class RegoQuestion(Struct, frozen=True):
    """A rule, and the objects that it sees: bodies, or a grant's subject, binding and role."""

    rule: RegoRule
    objects: Sequence[dict[str, Any] | tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]
    settings: Mapping[str, tuple[str, ...]]
    cloud: str


Evaluate = Callable[[RegoQuestion], RegoAnswer]


class _Table(Struct):
    """What one rule said, by the identity of the object in memory."""

    violations: dict[int, list[Violation]]
    counted: set[int]
    unjudged: dict[int, Unread]
    problem: Unread | None = None


def controls_of(
    rules: Sequence[RegoRule],
    files: Sequence[ControlFile],
    shipped: Mapping[str, tuple[str, ...]],
    evaluate: Evaluate,
) -> tuple[BuiltControl, ...]:
    """One control per file, and ``custom-<rule>`` for each rule that no file names.

    ``shipped`` are the settings that are known already, by their names in snake case; others start empty.
    """
    by_name = {rule.name: rule for rule in rules}
    named = {name for file in files for name in file.rules}
    controls = []
    for file in files:
        found = tuple(by_name[name] for name in file.rules if name in by_name)
        if found or file.rules:
            controls.append(_control(file, found, shipped, evaluate))
    for rule in rules:
        if rule.name not in named:
            own = ControlFile(f"custom-{rule.name}", rule.name, 0.0, "Custom", rule.doc, (rule.name,))
            controls.append(_control(own, (rule,), shipped, evaluate))
    return tuple(controls)


def setting_name(name: str) -> str:
    """``insecure_capabilities`` for ``insecureCapabilities``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _control(
    file: ControlFile, rules: tuple[RegoRule, ...], shipped: Mapping[str, tuple[str, ...]], evaluate: Evaluate
) -> BuiltControl:
    name = (file.rules[0] if len(file.rules) == 1 else file.id).replace(".", "-")
    said = (file.id, file.title, file.score, file.category, file.doc, name)
    module = f"rego.{name}"
    if file.manual:
        return BuiltControl(*said, module=module, manual=file.manual)
    missing = [name for name in file.rules if name not in {rule.name for rule in rules}]
    if missing or not rules:
        needs = f"the rule {' and '.join(missing)}, which is not in the folder"
        return BuiltControl(*said, module=module, needs=needs)
    names = {name for rule in rules for name in rule.settings} - file.fixed.keys()
    only_subjects = all(rule.aggregator == SUBJECTS for rule in rules)
    return BuiltControl(
        *said,
        module=module,
        subject=Grant if only_subjects else Resource,
        kinds=() if only_subjects else (EVERY_KIND, *_known_kinds(rules)),
        check=_check(rules, file.fixed, evaluate),
        joins=True,
        settings={setting_name(name): shipped.get(setting_name(name), ()) for name in sorted(names)},
    )


def _known_kinds(rules: Iterable[RegoRule]) -> Iterator[str]:
    """What a cluster has to be asked for; a rule over everything means what people write, not what changes each second."""
    matches = {match for rule in rules for match in rule.matches}
    for key, kind in {**ADDED, **BUILT_IN}.items():
        if key not in _PASSING and any(match.names_kind(kind) for match in matches):
            yield key


def _check(
    rules: tuple[RegoRule, ...], fixed: Mapping[str, tuple[str, ...]], evaluate: Evaluate
) -> Callable[..., Violations]:
    def check(subject: Any, inventory: Inventory, **settings: tuple[str, ...]) -> Violations:
        concerns_it = False
        unread: Unread | None = None
        for rule in rules:
            chosen = {name: fixed.get(name, settings.get(setting_name(name), ())) for name in rule.settings}
            question = f"rego {id(rule)} {sorted(chosen.items())}"
            table = inventory.once_for_all(question, partial(_table, rule, chosen, inventory, evaluate))
            found = table.violations.get(id(subject), ())
            yield from found
            concerns_it = concerns_it or bool(found) or id(subject) in table.counted
            unread = unread or table.problem or table.unjudged.get(id(subject))
        if unread is not None:
            raise NotJudged(unread.why, unread)
        if not concerns_it:
            raise NotJudged(_nothing(rules))

    return check


def _nothing(rules: Iterable[RegoRule]) -> str:
    names = sorted({name for rule in rules for match in rule.matches for name in match.written} - {_ANY})
    shown = [*names[:4], *([f"{len(names) - 4} more"] if len(names) > 4 else [])]
    return f"no {' or '.join(shown)}" if names else "no object that it counts"


def _table(
    rule: RegoRule, settings: Mapping[str, tuple[str, ...]], inventory: Inventory, evaluate: Evaluate
) -> _Table:
    table = _Table(defaultdict(list), set(), {})
    if rule.problem:
        table.problem = _broken(rule, RegoProblem(rule.problem))
        return table
    resources = [r for r in inventory.resources if any(match.holds(r) for match in rule.matches)]
    subjects: Sequence[Resource | Grant] = resources
    if rule.aggregator == SUBJECTS:
        subjects = inventory.grants
    elif rule.aggregator == API_SERVER:
        subjects = [r for r in resources if _is_api_server(r)][:1]
    question = RegoQuestion(rule, [_seen(s) for s in subjects], settings, _CLOUDS.get(inventory.cloud, ""))
    answer = evaluate(question)
    if answer.problem is not None:
        table.problem = _broken(rule, answer.problem)
    if answer.problem is None or answer.alerts:
        _fill(table, answer, subjects, rule)
    return table


def _fill(table: _Table, answer: RegoAnswer, subjects: Sequence[Resource | Grant], rule: RegoRule) -> None:
    positions = range(len(subjects)) if answer.counted is None else answer.counted
    table.counted |= {id(subject) for i in positions for subject in _judged_by(subjects[i])}
    for alert in answer.alerts:
        for position in alert.on:
            for subject in _judged_by(subjects[position]):
                kept = table.violations[id(subject)]
                grant = subjects[position]
                stands_in = subject is not grant
                kept += [v for v in _violations(alert, subjects, grant, stands_in) if v not in kept]
    for position, why in answer.unjudged:
        resource = _resource_of(subjects[position])
        where = f"{resource.origin.path}: {resource.title}" if resource.origin.path else resource.title
        unread = Unread(
            where, f"rule {rule.name} could not judge it: {why}", "fault", hint=f"fix {rule.file}"
        )
        table.unjudged |= {id(subject): unread for subject in _judged_by(subjects[position])}


def _judged_by(subject: Resource | Grant) -> tuple[Resource | Grant, ...]:
    """Under what the violations are kept: a control that mixes rules judges the binding in the grant's place."""
    return (subject, subject.binding) if isinstance(subject, Grant) else (subject,)


def _resource_of(subject: Resource | Grant) -> Resource:
    return subject.binding if isinstance(subject, Grant) else subject


def _violations(
    alert: RegoAlert, subjects: Sequence[Resource | Grant], subject: Resource | Grant, stands_in: bool
) -> list[Violation]:
    """``stands_in`` says that the binding is judged in the place of ``subject``, a grant."""
    found = [] if stands_in else _cures(alert.delete, alert.fix, alert.review, "")
    for other in alert.related:
        holder = subjects[other.position]
        place: Resource
        if isinstance(holder, Grant):
            place = holder.role if other.part == 1 else holder.binding
        else:
            place = holder
        found += _cures(other.delete, other.fix, other.review, "" if place is subject else place.id)
    return found or [Review(subject.subject_path if stands_in and isinstance(subject, Grant) else "")]


def _cures(
    delete: tuple[str, ...], fix: tuple[tuple[str, Any], ...], review: tuple[str, ...], on: str
) -> list[Violation]:
    fixes: list[Violation] = [Remove(path, on) for path in delete if _is_path(path)]
    fixes += [Set(path, _typed(path, value), on) for path, value in fix if _is_path(path)]
    fixed = {*delete, *(path for path, _ in fix)}
    looked_at = dict.fromkeys(path for path in review if path not in fixed and _is_path(path))
    return [*fixes, *(Review(path, on) for path in looked_at)]


def _is_path(path: str) -> bool:
    try:
        return bool(parse_path(path))
    except ValueError:
        return False


def _typed(path: str, value: Any) -> Any:
    """Rules write every value as text; an object takes ``false`` and ``1000`` as what they are."""
    if not isinstance(value, str) or _TEXT_ONLY.search(path):
        return value
    if value in ("true", "false"):
        return value == "true"
    return int(value) if re.fullmatch(r"0|-?[1-9][0-9]{0,15}", value) else value


def _seen(subject: Resource | Grant) -> Any:
    if isinstance(subject, Grant):
        return subject.subject, subject.binding.body, subject.role.body
    return subject.body


def _is_api_server(resource: Resource) -> bool:
    if resource.kind != "Pod" or resource.namespace != "kube-system":
        return False
    return "apiserver" in resource.name or "api-server" in resource.name


def _broken(rule: RegoRule, problem: RegoProblem) -> Unread:
    return Unread(
        problem.file or rule.file,
        f"rule {rule.name}: {problem.why}",
        "fault",
        problem.line,
        problem.column,
        hint="fix the rule; what it would have found is unknown",
    )
