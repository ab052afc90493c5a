"""Who may do what: bindings joined to roles.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from leadline.kube.bootstrap import is_bootstrap_grant
from leadline.kube.builtin_roles import BUILT_IN_NAMESPACED_ROLES, BUILT_IN_ROLES
from leadline.kube.role_rules import CORE, Ask, Judge, OwnRules, RoleRules, RuleMatch, within_namespace
from leadline.kube.selector import compile_selector
from leadline.model.control import Review
from leadline.model.resource import Origin, Resource
from leadline.model.resource_id import object_id, subject_id

GROUP = "rbac.authorization.k8s.io"
RBAC_KINDS = tuple(f"{kind}.{GROUP}" for kind in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"))


class Grant:
    """One subject that holds one role through one binding."""

    __slots__ = ("_rules", "api_group", "binding", "index", "kind", "name", "namespace", "role", "subject")

    def __init__(self, binding: Resource, index: int, subject: dict[str, Any], rules: RoleRules) -> None:
        self.binding = binding
        self.index = index
        self.subject = subject
        self.role = rules.role
        self._rules = rules
        self.kind = _text(subject.get("kind"))
        self.name = _text(subject.get("name"))
        self.namespace = _text(subject.get("namespace")) if self.kind == "ServiceAccount" else ""
        self.api_group = _text(subject.get("apiGroup")) or ("" if self.kind == "ServiceAccount" else GROUP)

    @property
    def subject_path(self) -> str:
        return f"subjects[{self.index}]"

    @property
    def is_cluster_wide(self) -> bool:
        return self.binding.kind == "ClusterRoleBinding"

    @property
    def reaches(self) -> str:
        """The namespace the grant is good for; empty for all."""
        return "" if self.is_cluster_wide else self.binding.namespace or "default"

    @property
    def is_kubernetes_own(self) -> bool:
        """Whether Kubernetes itself made the grant and needs it: nothing an owner could take away."""
        subject = (self.kind, self.namespace, self.name)
        return is_bootstrap_grant(self.binding, self.role, subject, self._rules.all)

    @property
    def rules(self) -> RoleRules:
        return self._rules

    def allowing(
        self, verbs: frozenset[str], resources: frozenset[str], groups: frozenset[str] = CORE
    ) -> tuple[RuleMatch, ...]:
        """The rules of the role that allow it where it is bound; see ``RoleRules.allowing``."""
        return self._matching(Ask(verbs, resources, groups))

    def _matching(self, question: Ask | Judge) -> tuple[RuleMatch, ...]:
        if isinstance(question, Ask) and not self.is_cluster_wide:
            left = within_namespace(question)
            return self._rules.matching(left) if left else ()
        return self._rules.matching(question)

    def reviews(self, matches: Iterable[RuleMatch]) -> Iterator[Review]:
        """What a person has to look at: the matching rules, the subject in its binding, and the role that is bound.

        Each place comes once, whatever number of ``matches`` name it. The rules of a built-in role are no place: the API
        server restores them, so only the binding can be changed.
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
                        yield Review(path, on=match.role.id)
        yield Review(self.subject_path, on=self.binding.id)
        yield Review("roleRef.name", on=self.binding.id)

    def may(
        self, verbs: frozenset[str], resources: frozenset[str], groups: frozenset[str] = CORE
    ) -> Iterator[Review]:
        """``reviews`` of what ``allowing`` finds."""
        return self.reviews(self._matching(Ask(verbs, resources, groups)))

    def may_any(self, questions: Iterable[Ask | Judge]) -> Iterator[Review]:
        """``reviews`` of the rules that allow any of what is asked: the whole of most RBAC controls."""
        return self.reviews(match for question in questions for match in self._matching(question))

    def as_resource(self) -> Resource:
        """The subject as the object that a report shows as failing."""
        related = (self.binding.id, self.role.id)
        identity = subject_id(related, self.api_group, self.namespace, self.kind, self.name)
        origin = Origin(kind="derived", path=identity, root=self.binding.origin.root)
        return Resource(self.api_group, self.kind, self.namespace, self.name, self.subject, origin)


def is_built_in(role: Resource) -> bool:
    """Whether the API server itself writes the role."""
    return (
        role.origin.kind == "derived" or _labels(role).get("kubernetes.io/bootstrapping") == "rbac-defaults"
    )


def join_grants(resources: Iterable[Resource]) -> Iterator[Grant]:
    """Every subject of every binding whose role is known, in the order of bindings.

    Roles are found in their own namespace; the roles that every cluster has are known without being
    among ``resources``.
    """
    roles = _Roles(resources)
    for binding in roles.bindings:
        rules = roles.of(binding)
        if rules is None:
            continue
        for index, subject in enumerate(_list(binding.body.get("subjects"))):
            if isinstance(subject, dict):
                yield Grant(binding, index, subject, rules)


def unknown_roles(resources: Iterable[Resource]) -> Iterator[tuple[Resource, str]]:
    """Bindings whose role is not among ``resources`` nor built in, with the role's ``Kind/name``.

    A role that takes over more roles than are looked at is among them, since it is known in part only.
    """
    roles = _Roles(resources)
    for binding in roles.bindings:
        rules = roles.of(binding)
        if rules is None or id(rules) in roles.incomplete:
            yield binding, roles.named_by(binding)


MAX_STEPS = 1_000_000
"""Roles looked at for aggregation in one target: enough for fifty aggregated roles among 20,000."""
Key = tuple[str, str, str]
"""Kind, namespace (empty for a ClusterRole), name."""


class _Roles:
    """The roles of the target and the built-in ones; the rules of each are put together on first use."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.bindings: list[Resource] = []
        self._roles: dict[Key, Resource] = {}
        self._rules: dict[Key, RoleRules] = {}
        self._own_rules: dict[int, OwnRules] = {}
        self._keys: dict[int, frozenset[str]] = {}
        self._steps = 0
        self.incomplete: set[int] = set()
        """``id`` of the rules of each role that was not put together to its end."""
        for resource in resources:
            if resource.group != GROUP:
                continue
            if resource.kind == "Role":
                self._roles["Role", resource.namespace or "default", resource.name] = resource
            elif resource.kind == "ClusterRole":
                self._roles["ClusterRole", "", resource.name] = resource
            elif resource.kind in ("RoleBinding", "ClusterRoleBinding"):
                self.bindings.append(resource)
        for name, body in BUILT_IN_ROLES.items():
            self._add_built_in(("ClusterRole", "", name), body)
        for (namespace, name), body in BUILT_IN_NAMESPACED_ROLES.items():
            self._add_built_in(("Role", namespace, name), body)

    def _add_built_in(self, key: Key, body: dict[str, Any]) -> None:
        kind, namespace, name = key
        if key not in self._roles:
            origin = Origin(kind="derived", path=object_id(f"{GROUP}/v1", namespace, kind, name))
            self._roles[key] = Resource(f"{GROUP}/v1", kind, namespace, name, body, origin)

    def of(self, binding: Resource) -> RoleRules | None:
        """The rules that ``binding`` grants; ``None`` where its role is not known or cannot be bound by it."""
        reference = _mapping(binding.body.get("roleRef"))
        kind, name = reference.get("kind"), _text(reference.get("name"))
        if kind == "Role" and binding.kind == "RoleBinding":
            key = ("Role", binding.namespace or "default", name)
        elif kind == "ClusterRole":
            key = ("ClusterRole", "", name)
        else:
            return None
        rules, role = self._rules.get(key), self._roles.get(key)
        if rules is None and role is not None:
            rules = self._rules[key] = RoleRules(role, self._sources(role))
            if self._steps > MAX_STEPS and "aggregationRule" in role.body:
                self.incomplete.add(id(rules))
        return rules

    def named_by(self, binding: Resource) -> str:
        """``Kind/name`` of the role of ``binding``, and where its like was read that it cannot name."""
        reference = _mapping(binding.body.get("roleRef"))
        kind, name = _text(reference.get("kind")), _text(reference.get("name"))
        elsewhere = self._namespaces_of.get(name, ()) if kind == "Role" else ()
        if not elsewhere:
            return f"{kind}/{name}"
        if binding.kind == "ClusterRoleBinding":
            return f"Role/{name} (a ClusterRoleBinding cannot name the Role of {elsewhere[0]})"
        own = binding.namespace or "default"
        return f"Role/{name} of {own} (a RoleBinding of {own} cannot name the Role of {elsewhere[0]})"

    @cached_property
    def _namespaces_of(self) -> dict[str, list[str]]:
        """The namespaces of each Role, by its name."""
        index: dict[str, list[str]] = defaultdict(list)
        for (kind, namespace, name), role in self._roles.items():
            if kind == "Role" and role.origin.kind != "derived":
                index[name].append(namespace)
        return dict(index)

    def _sources(self, role: Resource) -> tuple[OwnRules, ...]:
        """The role and those whose rules it takes over, through other aggregated roles too.

        A cluster writes such rules into the role itself; manifests leave that to whoever reads them.
        """
        if role.kind != "ClusterRole" or not _mapping(role.body.get("aggregationRule")):
            return (self._own(role),)
        own = self._rule_keys(role)
        seen, found, queue = {id(role)}, [self._own(role)], [role]
        asked: set[str] = set()
        while queue:
            aggregation = _mapping(queue.pop().body.get("aggregationRule"))
            for selector in _list(aggregation.get("clusterRoleSelectors")):
                if repr(selector) in asked:
                    continue
                asked.add(repr(selector))
                selects = compile_selector(selector)
                candidates = self._candidates(selector)
                self._steps += len(candidates)
                if self._steps > MAX_STEPS:
                    return tuple(found)
                for other in candidates:
                    if id(other) not in seen and selects(_labels(other)):
                        seen.add(id(other))
                        queue.append(other)
                        if not own >= self._rule_keys(other):
                            found.append(self._own(other))
        return tuple(found)

    def _own(self, role: Resource) -> OwnRules:
        rules = self._own_rules.get(id(role))
        if rules is None:
            rules = self._own_rules[id(role)] = OwnRules(role)
        return rules

    def _rule_keys(self, role: Resource) -> frozenset[str]:
        keys = self._keys.get(id(role))
        if keys is None:
            keys = self._keys[id(role)] = frozenset(map(_rule_key, _list(role.body.get("rules"))))
        return keys

    def _candidates(self, selector: Any) -> Sequence[Resource]:
        """The cluster roles that ``selector`` can select, found by the first label it asks for."""
        for key, value in _mapping(_mapping(selector).get("matchLabels")).items():
            return self._by_label.get((str(key), str(value)), ())
        return self._cluster_roles

    @cached_property
    def _cluster_roles(self) -> list[Resource]:
        return [role for (kind, _, _), role in self._roles.items() if kind == "ClusterRole"]

    @cached_property
    def _by_label(self) -> dict[tuple[str, str], list[Resource]]:
        index: dict[tuple[str, str], list[Resource]] = defaultdict(list)
        for role in self._cluster_roles:
            for key, value in _labels(role).items():
                index[str(key), str(value)].append(role)
        return dict(index)


def _rule_key(rule: Any) -> str:
    """The same text for the same rule, whatever the order of its fields."""
    return repr(sorted(rule.items(), key=str)) if isinstance(rule, dict) else repr(rule)


def _labels(resource: Resource) -> dict[str, str]:
    return _mapping(_mapping(resource.body.get("metadata")).get("labels"))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
