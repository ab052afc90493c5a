"""Who may do what: bindings joined to roles, and what a rule allows.

Source: the RBAC authoriser's rule matching
(https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/rbac/v1/evaluation_helpers.go) and
https://kubernetes.io/docs/reference/access-authn-authz/rbac/.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Set
from typing import Any, NamedTuple

from leadline.kube.builtin_roles import BUILT_IN_ROLES
from leadline.kube.selector import compile_selector
from leadline.model.control import Review
from leadline.model.resource import Origin, Resource
from leadline.model.resource_id import object_id, subject_id

GROUP = "rbac.authorization.k8s.io"
CORE: frozenset[str] = frozenset({""})
"""The API group of pods, secrets, services and the other first objects."""


class RuleMatch(NamedTuple):
    """One rule of a role that allows what was asked."""

    role: Resource
    """The role that holds the rule: for an aggregated role the one it was gathered from."""
    number: int
    """Its index in the role."""
    rule: dict[str, Any]
    paths: tuple[str, ...]
    """``rules[0].resources[1]``, ``rules[0].verbs[0]``, ``rules[0].apiGroups[0]``: all that matched."""


class RoleRules:
    """The rules of one role, those gathered by aggregation included, with each question answered once."""

    def __init__(self, role: Resource, gathered: Iterable[Resource] = ()) -> None:
        self.role = role
        self._rules = [
            (source, index, rule)
            for source in (role, *gathered)
            for index, rule in enumerate(_list(source.body.get("rules")))
            if isinstance(rule, dict)
        ]
        self._answers: dict[tuple[Set[str], Set[str], Set[str]], tuple[RuleMatch, ...]] = {}

    def allowing(
        self, verbs: frozenset[str], resources: frozenset[str], groups: frozenset[str]
    ) -> tuple[RuleMatch, ...]:
        """The rules that allow any of ``verbs`` on any of ``groups``/``resources``, whatever the object's name.

        A rule with ``resourceNames`` is left out: it reaches single objects. ``resources`` may name a
        subresource as ``pods/exec``.
        """
        key = (verbs, resources, groups)
        answer = self._answers.get(key)
        if answer is None:
            answer = tuple(
                self._find(lambda rule: not _list(rule.get("resourceNames")), verbs, resources, groups)
            )
            self._answers[key] = answer
        return answer

    def allowing_on(
        self, name: str, verbs: frozenset[str], resources: frozenset[str], groups: frozenset[str]
    ) -> tuple[RuleMatch, ...]:
        """As ``allowing``, for the one object ``name``: rules that list it among their ``resourceNames`` count too."""

        def reaches(rule: dict[str, Any]) -> bool:
            names = _list(rule.get("resourceNames"))
            return not names or name in names

        return tuple(self._find(reaches, verbs, resources, groups))

    def _find(
        self,
        reaches: Callable[[dict[str, Any]], bool],
        verbs: Set[str],
        resources: Set[str],
        groups: Set[str],
    ) -> Iterator[RuleMatch]:
        for role, index, rule in self._rules:
            if not reaches(rule):
                continue
            of_resources = _matching(rule, "resources", resources, _resource_matches)
            of_verbs = _matching(rule, "verbs", verbs, _plain_matches)
            of_groups = _matching(rule, "apiGroups", groups, _plain_matches)
            if of_resources and of_verbs and of_groups:
                paths = tuple(f"rules[{index}].{path}" for path in (*of_resources, *of_verbs, *of_groups))
                yield RuleMatch(role, index, rule, paths)


class Grant:
    """One subject that holds one role through one binding."""

    __slots__ = ("_rules", "api_group", "binding", "index", "kind", "name", "namespace", "role", "subject")

    def __init__(self, binding: Resource, index: int, subject: dict[str, Any], rules: RoleRules) -> None:
        self.binding = binding
        self.index = index
        self.subject = subject
        self.role = rules.role
        self._rules = rules
        self.kind = str(subject.get("kind", ""))
        self.name = str(subject.get("name", ""))
        self.namespace = str(subject.get("namespace") or "") if self.kind == "ServiceAccount" else ""
        self.api_group = str(subject.get("apiGroup") or ("" if self.kind == "ServiceAccount" else GROUP))

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
        """Whether Kubernetes itself made the binding at its start and restores it: nothing an owner could change."""
        metadata = self.binding.body.get("metadata")
        labels = metadata.get("labels") if isinstance(metadata, dict) else None
        if not isinstance(labels, dict) or labels.get("kubernetes.io/bootstrapping") != "rbac-defaults":
            return False
        return self.name.startswith("system:") or (
            self.kind == "ServiceAccount" and self.namespace == "kube-system"
        )

    @property
    def rules(self) -> RoleRules:
        return self._rules

    def allowing(
        self, verbs: frozenset[str], resources: frozenset[str], groups: frozenset[str] = CORE
    ) -> tuple[RuleMatch, ...]:
        """The rules of the role that allow it; see ``RoleRules.allowing``."""
        return self._rules.allowing(verbs, resources, groups)

    def reviews(self, matches: Iterable[RuleMatch]) -> Iterator[Review]:
        """What a person has to look at: the matching rules, the subject in its binding, and the role that is bound."""
        matches = tuple(matches)
        for match in matches:
            if match.role.origin.kind != "derived":
                for path in match.paths:
                    yield Review(path, on=match.role)
        if matches:
            yield Review(self.subject_path, on=self.binding)
            yield Review("roleRef.name", on=self.binding)

    def may(
        self, verbs: frozenset[str], resources: frozenset[str], groups: frozenset[str] = CORE
    ) -> Iterator[Review]:
        """``reviews`` of what ``allowing`` finds: the whole of most RBAC controls."""
        return self.reviews(self._rules.allowing(verbs, resources, groups))

    def as_resource(self) -> Resource:
        """The subject as the object that a report shows as failing."""
        related = (self.binding.id, self.role.id)
        identity = subject_id(related, self.api_group, self.namespace, self.kind, self.name)
        origin = Origin(kind="derived", path=identity, root=self.binding.origin.root)
        return Resource(self.api_group, self.kind, self.namespace, self.name, self.subject, origin)


def join_grants(resources: Iterable[Resource]) -> Iterator[Grant]:
    """Every subject of every binding whose role is known, in the order of bindings.

    Roles are found in their own namespace; the roles that every cluster has are known without being
    among ``resources``.
    """
    roles, bindings = _index(resources)
    for binding in bindings:
        rules = _role_of(binding, roles)
        if rules is None:
            continue
        for index, subject in enumerate(_list(binding.body.get("subjects"))):
            if isinstance(subject, dict):
                yield Grant(binding, index, subject, rules)


def unknown_roles(resources: Iterable[Resource]) -> Iterator[tuple[Resource, str]]:
    """Bindings whose role is not among ``resources`` nor built in, with the role's ``Kind/name``."""
    roles, bindings = _index(resources)
    for binding in bindings:
        if _role_of(binding, roles) is None:
            reference = _mapping(binding.body.get("roleRef"))
            yield binding, f"{reference.get('kind', '')}/{reference.get('name', '')}"


Roles = dict[tuple[str, str, str], RoleRules]


def _role_of(binding: Resource, roles: Roles) -> RoleRules | None:
    reference = _mapping(binding.body.get("roleRef"))
    kind, name = reference.get("kind"), reference.get("name")
    if kind == "Role" and binding.kind == "RoleBinding":
        return roles.get(("Role", binding.namespace or "default", str(name)))
    return roles.get(("ClusterRole", "", str(name))) if kind == "ClusterRole" else None


def _index(resources: Iterable[Resource]) -> tuple[Roles, list[Resource]]:
    known: dict[tuple[str, str, str], Resource] = {}
    bindings: list[Resource] = []
    for resource in resources:
        if resource.group != GROUP:
            continue
        if resource.kind == "Role":
            known["Role", resource.namespace or "default", resource.name] = resource
        elif resource.kind == "ClusterRole":
            known["ClusterRole", "", resource.name] = resource
        elif resource.kind in ("RoleBinding", "ClusterRoleBinding"):
            bindings.append(resource)
    for name, body in BUILT_IN_ROLES.items():
        key = ("ClusterRole", "", name)
        if key not in known:
            identity = object_id(f"{GROUP}/v1", "", "ClusterRole", name)
            origin = Origin(kind="derived", path=identity)
            known[key] = Resource(f"{GROUP}/v1", "ClusterRole", "", name, body, origin)
    return _with_aggregation(known), bindings


def _with_aggregation(known: dict[tuple[str, str, str], Resource]) -> Roles:
    """Rules per role. A cluster fills in aggregated rules itself; manifests leave that to whoever reads them."""
    cluster_roles = [role for (kind, _, _), role in known.items() if kind == "ClusterRole"]
    gathered: dict[int, list[Resource]] = defaultdict(list)
    for role in cluster_roles:
        for selector in _list(_mapping(role.body.get("aggregationRule")).get("clusterRoleSelectors")):
            selects = compile_selector(selector)
            gathered[id(role)] += [
                other
                for other in cluster_roles
                if other is not role and selects(_labels(other)) and not _covers(role, other)
            ]
    return {key: RoleRules(role, gathered.get(id(role), ())) for key, role in known.items()}


def _covers(role: Resource, other: Resource) -> bool:
    own = _list(role.body.get("rules"))
    return all(rule in own for rule in _list(other.body.get("rules")))


def _labels(resource: Resource) -> dict[str, str]:
    return _mapping(_mapping(resource.body.get("metadata")).get("labels"))


def _matching(
    rule: dict[str, Any], key: str, wanted: Set[str], matches: Callable[[str, Set[str]], bool]
) -> list[str]:
    return [
        f"{key}[{i}]"
        for i, value in enumerate(_list(rule.get(key)))
        if isinstance(value, str) and matches(value, wanted)
    ]


def _plain_matches(value: str, wanted: Set[str]) -> bool:
    return value == "*" or value in wanted


def _resource_matches(value: str, wanted: Set[str]) -> bool:
    if value == "*" or value in wanted:
        return True
    return value.startswith("*/") and any(resource.partition("/")[2] == value[2:] for resource in wanted)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
