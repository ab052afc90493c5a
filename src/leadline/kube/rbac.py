"""Who may do what: bindings joined to roles.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple, Protocol, Self

from leadline.kube.bootstrap import is_bootstrap_grant
from leadline.kube.builtin_roles import BUILT_IN_NAMESPACED_ROLES, BUILT_IN_ROLES
from leadline.kube.role_rules import (
    CORE,
    Ask,
    Judge,
    OwnRules,
    RoleRules,
    RuleMatch,
    is_outside_namespaces,
    labels_of,
    outside_namespaces,
    within_namespace,
)
from leadline.kube.selector import compile_selector
from leadline.model.control import Review
from leadline.model.resource import Origin, Resource
from leadline.model.resource_id import object_id, subject_id
from leadline.untyped import items, mapping, text

GROUP = "rbac.authorization.k8s.io"
RBAC_KINDS = tuple(f"{kind}.{GROUP}" for kind in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"))


class Rights(ABC):
    """What one role allows where it holds: a ``Grant`` to a subject, or an ``UnboundRole`` that only could be given."""

    __slots__ = ("_answers", "_rules", "role")

    def __init__(self, rules: RoleRules) -> None:
        self.role = rules.role
        self._rules = rules
        self._answers: dict[Callable[[Any], bool], bool] = {}

    @property
    @abstractmethod
    def is_cluster_wide(self) -> bool:
        """Whether it is good for every namespace, and for what has none."""

    @property
    @abstractmethod
    def reaches(self) -> str:
        """The namespace it is good for; empty for all."""

    @property
    def rules(self) -> RoleRules:
        return self._rules

    def once(self, question: Callable[[Self], bool]) -> bool:
        """``question(self)``, asked once: all workloads of an account hold the same rights."""
        answer = self._answers.get(question)
        if answer is None:
            answer = self._answers[question] = question(self)
        return answer

    def allowing(
        self, verbs: frozenset[str], resources: frozenset[str], groups: frozenset[str] = CORE
    ) -> tuple[RuleMatch, ...]:
        """The rules of the role that allow it where it holds; see ``RoleRules.allowing``."""
        return self.matching(Ask(verbs, resources, groups))

    def matching(self, question: Ask | Judge) -> tuple[RuleMatch, ...]:
        """The rules of the role that allow what is asked where it holds."""
        rules = self._rules
        if isinstance(question, Ask):
            if rules.verbs is not None and rules.verbs.isdisjoint(question.verbs):
                return ()
            if not self.is_cluster_wide:
                left = within_namespace(question)
                return rules.matching(left) if left else ()
        return rules.matching(question)

    def together(self, questions: Iterable[Ask | Judge]) -> tuple[RuleMatch, ...]:
        """The rules of the role that allow all of ``questions`` where it holds; none where one is not allowed."""
        return _all_or_none(map(self.matching, questions))

    def reviews(self, matches: Iterable[RuleMatch], advice: str = "") -> Iterator[Review]:
        """What a person has to look at: the matching rules, and what gives the role to whom.

        Each place comes once, whatever number of ``matches`` name it. The rules of a built-in role are left out: the API
        server restores them, so only the binding can be changed. ``advice`` goes with the rules.
        """
        matches = tuple(matches)
        if not matches:
            return
        seen: set[tuple[int, str]] = set()
        for match in matches:
            if not is_built_in(match.role):
                for path in match.paths:
                    if (id(match.role), path) not in seen:
                        seen.add((id(match.role), path))
                        yield Review(path, on=match.role.id, advice=advice)

    def may(
        self, verbs: frozenset[str], resources: frozenset[str], groups: frozenset[str] = CORE
    ) -> Iterator[Review]:
        """``reviews`` of what ``allowing`` finds."""
        return self.may_any((Ask(verbs, resources, groups),))

    def may_any(self, questions: Iterable[Ask | Judge]) -> Iterator[Review]:
        """``reviews`` of the rules that allow any of what is asked: the whole of most RBAC controls."""
        matches = [match for question in questions for match in self.matching(question)]
        return self.reviews(matches) if matches else iter(())


class UnboundRole(Rights):
    """A role, or those of its rules, that no binding that was read gives to anyone: what one would allow."""

    __slots__ = ("_is_received_in_namespaces", "_known")

    def __init__(
        self, rules: RoleRules, known: Sequence[OwnRules] = (), *, is_received_in_namespaces: bool = False
    ) -> None:
        """``known`` are the built-in roles that take this one over: what each allows itself is nothing new.

        ``is_received_in_namespaces``: a subject holds the role in some namespaces, and is asked about that.
        """
        super().__init__(rules)
        self._known = known
        self._is_received_in_namespaces = is_received_in_namespaces

    @property
    def is_cluster_wide(self) -> bool:
        return self.role.kind == "ClusterRole"

    @property
    def reaches(self) -> str:
        return "" if self.is_cluster_wide else self.role.namespace or "default"

    def matching(self, question: Ask | Judge) -> tuple[RuleMatch, ...]:
        if self._known and all(rules.matching(question) for rules in self._known):
            return ()
        if not self._is_received_in_namespaces:
            return super().matching(question)
        if isinstance(question, Ask):
            left = outside_namespaces(question)
            found = super().matching(left) if left else ()
            return tuple(match for match in found if left and _names_any(match.rule, left.resources))
        return tuple(match for match in super().matching(question) if is_outside_namespaces(match.rule))

    def together(self, questions: Iterable[Ask | Judge]) -> tuple[RuleMatch, ...]:
        asked = tuple(questions)
        if self._is_received_in_namespaces and any(map(self.matching, asked)):
            return _all_or_none(map(super().matching, asked))
        return super().together(asked)

    def reviews(self, matches: Iterable[RuleMatch], advice: str = "") -> Iterator[Review]:
        where = " cluster-wide" if self._is_received_in_namespaces else ""
        unheld = f"no binding read gives it to a subject{where}"
        return super().reviews(matches, advice or f"{unheld}; narrow the rule, or delete the role")


class Grant(Rights):
    """One subject that holds one role through one binding."""

    __slots__ = ("api_group", "binding", "index", "kind", "name", "namespace", "subject")

    def __init__(self, binding: Resource, index: int, subject: dict[str, Any], rules: RoleRules) -> None:
        super().__init__(rules)
        self.binding = binding
        self.index = index
        self.subject = subject
        self.kind = text(subject.get("kind"))
        self.name = text(subject.get("name"))
        self.namespace = text(subject.get("namespace")) if self.kind == "ServiceAccount" else ""
        self.api_group = text(subject.get("apiGroup")) or ("" if self.kind == "ServiceAccount" else GROUP)

    @property
    def subject_path(self) -> str:
        return f"subjects[{self.index}]"

    @property
    def is_cluster_wide(self) -> bool:
        return self.binding.kind == "ClusterRoleBinding"

    @property
    def reaches(self) -> str:
        return "" if self.is_cluster_wide else self.binding.namespace or "default"

    @property
    def is_kubernetes_own(self) -> bool:
        """Whether Kubernetes itself made the grant and needs it: nothing an owner could take away."""
        subject = (self.kind, self.namespace, self.name)
        return is_bootstrap_grant(self.binding, self.role, subject, self._rules.all)

    def reviews(self, matches: Iterable[RuleMatch], advice: str = "") -> Iterator[Review]:
        matches = tuple(matches)
        yield from super().reviews(matches, advice)
        if matches:
            yield from self.review_binding()

    def review_binding(self) -> Iterator[Review]:
        """The subject in its binding and the role that is bound, with what to do about them."""
        yield Review(self.subject_path, on=self.binding.id, advice=self._advice())
        yield Review("roleRef.name", on=self.binding.id)

    def _advice(self) -> str:
        """``delete ClusterRoleBinding/oops, or bind `edit` in shop``: a smaller role where Kubernetes brings one."""
        subjects = items(self.binding.body.get("subjects"))
        binding = f"{self.binding.kind}/{self.binding.name}"
        drop = f"take {self.kind}/{self.name} out of {binding}" if len(subjects) > 1 else f"delete {binding}"
        if not is_built_in(self.role):
            return f"{drop}, or narrow {self.role.kind}/{self.role.name}"
        smaller = _SMALLER.get(self.role.name)
        if not smaller:
            return drop
        where = self.namespace or self.reaches
        return f"{drop}, or bind `{smaller}` in {where or 'the namespaces that need it'}"

    def as_resource(self) -> Resource:
        """The subject as the object that a report shows as failing."""
        related = (self.binding.id, self.role.id)
        identity = subject_id(related, self.api_group, self.namespace, self.kind, self.name)
        origin = Origin(kind="derived", path=identity, root=self.binding.origin.root)
        return Resource(self.api_group, self.kind, self.namespace, self.name, self.subject, origin)


_SMALLER = {"cluster-admin": "edit", "admin": "edit", "edit": "view"}
"""The built-in role that does for most who were given the first."""


def is_built_in(role: Resource) -> bool:
    """Whether the API server itself writes the role: by label and name, since anyone may set the label."""
    if role.origin.kind == "derived":
        return True
    is_named_so = role.name.startswith("system:") or (
        role.name in BUILT_IN_ROLES
        if role.kind == "ClusterRole"
        else (role.namespace, role.name) in BUILT_IN_NAMESPACED_ROLES
    )
    return is_named_so and labels_of(role).get("kubernetes.io/bootstrapping") == "rbac-defaults"


MAX_STEPS = 1_000_000
"""Roles looked at for aggregation in one target: enough for fifty aggregated roles among 20,000."""
RoleKey = tuple[str, str, str]
"""Kind, namespace (empty for a ClusterRole), name."""


class Roles(Protocol):
    """Where the roles are looked up that an aggregated one may take over; those of every cluster are among them."""

    @property
    def steps(self) -> int:
        """How many roles may be looked at for one aggregated role."""

    def cluster_roles(self, label: tuple[str, str] | None) -> Sequence[OwnRules]:
        """Those with ``label``; every one for ``None``."""


class Gathered(NamedTuple):
    """All that one role allows."""

    rules: RoleRules
    is_complete: bool
    """Whether every role was looked at that it may take rules from."""


class Bound(NamedTuple):
    """What one binding gives to whom."""

    grants: tuple[Grant, ...] = ()
    unknown: str = ""
    """Its role where that was not read, or is known in part only: ``Kind/name``, and why where that is known."""


def bound(binding: Resource, role: Gathered | None, elsewhere: str = "") -> Bound:
    """Every subject of ``binding`` with its role; no grants where the role is not known or cannot be bound by it.

    ``elsewhere`` is another namespace that has a Role of the name.
    """
    if role is None:
        return Bound((), _reference(binding, elsewhere))
    grants = tuple(
        Grant(binding, index, subject, role.rules)
        for index, subject in enumerate(items(binding.body.get("subjects")))
        if isinstance(subject, dict)
    )
    return Bound(grants, "" if role.is_complete else _reference(binding))


def gathered(role: OwnRules, roles: Roles) -> Gathered:
    """The rules of a role and of those that it takes over by aggregation."""
    sources, is_complete = _sources(role, roles)
    return Gathered(RoleRules(role.role, sources), is_complete)


def role_bound_by(binding: Resource) -> RoleKey | None:
    """The role that ``binding`` names; ``None`` where it is none that such a binding can give."""
    reference = mapping(binding.body.get("roleRef"))
    kind, name = reference.get("kind"), text(reference.get("name"))
    if kind == "Role" and binding.kind == "RoleBinding":
        return "Role", binding.namespace, name
    return ("ClusterRole", "", name) if kind == "ClusterRole" else None


def _all_or_none(found: Iterable[tuple[RuleMatch, ...]]) -> tuple[RuleMatch, ...]:
    answers = tuple(found)
    return tuple(chain.from_iterable(answers)) if all(answers) else ()


def _names_any(rule: dict[str, Any], resources: frozenset[str]) -> bool:
    """Whether a rule writes one of ``resources`` out: of what a star covers, its subjects receive a part."""
    return any(isinstance(name, str) and name in resources for name in items(rule.get("resources")))


def _reference(binding: Resource, elsewhere: str = "") -> str:
    """``Kind/name`` of the role of ``binding``, and where its like was read that it cannot name."""
    reference = mapping(binding.body.get("roleRef"))
    kind, name = text(reference.get("kind")), text(reference.get("name"))
    if kind != "Role" or not elsewhere:
        return f"{kind}/{name}"
    if binding.kind == "ClusterRoleBinding":
        return f"Role/{name} (a ClusterRoleBinding cannot name the Role of {elsewhere})"
    own = binding.namespace or "default"
    return f"Role/{name} of {own} (a RoleBinding of {own} cannot name the Role of {elsewhere})"


def _sources(role: OwnRules, roles: Roles) -> tuple[tuple[OwnRules, ...], bool]:
    """The role and those whose rules it takes over, through other aggregated roles too; and whether these are all.

    A cluster writes such rules into the role itself; manifests leave that to whatever reads them.
    """
    selected, is_complete = selected_by_aggregation(role, roles)
    return (role, *(other for other in selected if not role.rule_keys >= other.rule_keys)), is_complete


def selected_by_aggregation(role: OwnRules, roles: Roles) -> tuple[tuple[OwnRules, ...], bool]:
    """The roles whose rules an aggregated one takes over, through others too; and whether these are all."""
    if not is_aggregated(role.role):
        return (), True
    seen, queue = {id(role.role)}, [role.role]
    found: list[OwnRules] = []
    asked: set[str] = set()
    steps = roles.steps
    while queue:
        aggregation = mapping(queue.pop().body.get("aggregationRule"))
        for selector in items(aggregation.get("clusterRoleSelectors")):
            if repr(selector) in asked:
                continue
            asked.add(repr(selector))
            selects = compile_selector(selector)
            candidates = roles.cluster_roles(_first_label(selector))
            steps -= len(candidates)
            if steps < 0:
                return tuple(found), False
            for other in candidates:
                if id(other.role) not in seen and selects(labels_of(other.role)):
                    seen.add(id(other.role))
                    queue.append(other.role)
                    found.append(other)
    return tuple(found), True


def is_aggregated(role: Resource) -> bool:
    return role.kind == "ClusterRole" and bool(mapping(role.body.get("aggregationRule")))


def _first_label(selector: Any) -> tuple[str, str] | None:
    """The first label that ``selector`` asks for by its value."""
    for key, value in mapping(mapping(selector).get("matchLabels")).items():
        return str(key), str(value)
    return None


class BuiltInRoles:
    """The roles that every cluster has, each put together on first use."""

    def __init__(self) -> None:
        self._roles: dict[RoleKey, OwnRules] = {}

    def get(self, key: RoleKey) -> OwnRules | None:
        if key not in self._roles:
            kind, namespace, name = key
            body = (
                BUILT_IN_ROLES.get(name)
                if kind == "ClusterRole"
                else BUILT_IN_NAMESPACED_ROLES.get((namespace or "default", name))
            )
            if body is None:
                return None
            origin = Origin(kind="derived", path=object_id(f"{GROUP}/v1", namespace, kind, name))
            self._roles[key] = OwnRules(Resource(f"{GROUP}/v1", kind, namespace, name, body, origin))
        return self._roles[key]

    @cached_property
    def cluster_roles(self) -> tuple[OwnRules, ...]:
        found = (self.get(("ClusterRole", "", name)) for name in BUILT_IN_ROLES)
        return tuple(role for role in found if role is not None)
