"""What the rules of a role allow.

Source: the RBAC authoriser's rule matching
(https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/rbac/v1/evaluation_helpers.go).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from functools import lru_cache, partial
from itertools import chain, islice
from typing import Any, NamedTuple

from leadline.model.resource import Resource
from leadline.untyped import items

CORE: frozenset[str] = frozenset({""})
"""The API group of pods, secrets, services and the other first objects."""


class Ask(NamedTuple):
    """A question to a role: does it allow any of ``verbs`` on any of ``resources`` of any of ``groups``?"""

    verbs: frozenset[str]
    resources: frozenset[str]
    """Plural names; a subresource as ``pods/exec``."""
    groups: frozenset[str] = CORE
    names: frozenset[str] = frozenset()
    """Objects that count by their name: a rule limited to others by ``resourceNames`` does not match.

    Empty: only rules without such a limit match.
    """


def ask(verbs: str, resources: str, groups: str = "core", names: str = "") -> Ask:
    """An ``Ask`` from words parted by spaces; the core group is written ``core``."""
    return Ask(
        frozenset(verbs.split()),
        frozenset(resources.split()),
        frozenset("" if group == "core" else group for group in groups.split()),
        frozenset(names.split()),
    )


CLUSTER_SCOPED = frozenset(
    [
        "nodes",
        "persistentvolumes",
        "certificatesigningrequests",
        "signers",
        "validatingwebhookconfigurations",
        "mutatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
        "clusterroles",
        "clusterrolebindings",
        "users",
        "groups",
        "uids",
        "userextras",
    ]
)
"""Resources without a namespace: a rule on them or their subresources grants nothing through a RoleBinding."""


def has_no_namespace(resource: str) -> bool:
    """Whether a resource, or that which it is a subresource of, has none."""
    return resource.partition("/")[0] in CLUSTER_SCOPED


@lru_cache(maxsize=512)
def within_namespace(question: Ask) -> Ask | None:
    """What is left of ``question`` for a grant of one namespace; ``None`` where nothing is.

    To ``bind`` a ClusterRole by a RoleBinding is asked for in that one's namespace; ``namespaces`` are too, each in
    itself (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping).
    """
    kept = {"clusterroles"} if "bind" in question.verbs else set()
    left = frozenset(one for one in question.resources if one in kept or not has_no_namespace(one))
    return question._replace(resources=left) if left else None


@lru_cache(maxsize=512)
def outside_namespaces(question: Ask) -> Ask | None:
    """What of ``question`` no grant of one namespace gives; ``None`` where that is nothing."""
    within = within_namespace(question)
    left = question.resources - within.resources if within else question.resources
    return question._replace(resources=left) if left else None


def is_outside_namespaces(rule: dict[str, Any]) -> bool:
    """Whether all that a rule names has no namespace, so that a RoleBinding grants nothing of it."""
    return all(has_no_namespace(one) for one in items(rule.get("resources")) if isinstance(one, str))


class RuleMatch(NamedTuple):
    """One rule of a role that allows what was asked."""

    role: Resource
    """The role that holds the rule: for an aggregated role the one it was gathered from."""
    number: int
    """Its index in the role."""
    rule: dict[str, Any]
    paths: tuple[str, ...]
    """``rules[0].resources[1]``, ``rules[0].verbs[0]``, ``rules[0].apiGroups[0]``: all that matched."""


Judge = Callable[[dict[str, Any]], Iterable[str]]
"""Which places of a rule speak against it, from the rule on: ``verbs[0]``. None: it does not match."""
MAX_MATCHES = 100
"""As many rules of one role are named at most; no one reads more to decide about it."""


class OwnRules:
    """The rules that are in one role, with each question answered once."""

    __slots__ = ("_answers", "_rule_keys", "role", "rules", "verbs")

    def __init__(self, role: Resource) -> None:
        self.role = role
        self.rules = tuple(
            (i, rule) for i, rule in enumerate(items(role.body.get("rules"))) if isinstance(rule, dict)
        )
        verbs = {verb for _, rule in self.rules for verb in items(rule.get("verbs")) if isinstance(verb, str)}
        self.verbs = None if "*" in verbs else verbs
        """All that the rules name; ``None`` where one allows every verb."""
        self._answers: dict[Ask | Judge, tuple[RuleMatch, ...]] = {}
        self._rule_keys: frozenset[str] | None = None

    @property
    def rule_keys(self) -> frozenset[str]:
        """The same text for the same rule, whatever the order of its fields."""
        if self._rule_keys is None:
            self._rule_keys = frozenset(map(_rule_key, items(self.role.body.get("rules"))))
        return self._rule_keys

    def matching(self, question: Ask | Judge) -> tuple[RuleMatch, ...]:
        if isinstance(question, Ask) and self.verbs is not None and self.verbs.isdisjoint(question.verbs):
            return ()
        answer = self._answers.get(question)
        if answer is None:
            judge = partial(_places, question) if isinstance(question, Ask) else question
            found = ((i, rule, tuple(judge(rule))) for i, rule in self.rules)
            matches = (
                RuleMatch(self.role, i, rule, tuple(f"rules[{i}].{place}" for place in places))
                for i, rule, places in found
                if places
            )
            answer = self._answers[question] = tuple(islice(matches, MAX_MATCHES))
        return answer


class RoleRules:
    """The rules of one role, those gathered by aggregation included."""

    def __init__(self, role: Resource, sources: Sequence[OwnRules] = ()) -> None:
        self.role = role
        self.sources = tuple(sources) or (OwnRules(role),)
        """The role itself, then those whose rules it takes over."""
        self.verbs = _all_verbs(self.sources)
        """All that the rules name; ``None`` where one allows every verb."""
        self._answers: dict[Ask | Judge, tuple[RuleMatch, ...]] = {}

    @property
    def all(self) -> Iterator[dict[str, Any]]:
        """Every rule, the role's own first."""
        return (rule for source in self.sources for _, rule in source.rules)

    def matching(self, question: Ask | Judge) -> tuple[RuleMatch, ...]:
        """The rules that allow what is asked, or that a judge points at, in their order; the first hundred."""
        if len(self.sources) == 1:
            return self.sources[0].matching(question)
        answer = self._answers.get(question)
        if answer is None:
            matches = chain.from_iterable(source.matching(question) for source in self.sources)
            answer = self._answers[question] = tuple(islice(matches, MAX_MATCHES))
        return answer

    def allowing(
        self, verbs: frozenset[str], resources: frozenset[str], groups: frozenset[str]
    ) -> tuple[RuleMatch, ...]:
        """The rules that allow any of ``verbs`` on any of ``groups``/``resources``, whatever the object's name.

        A rule with ``resourceNames`` is left out: it reaches single objects. ``resources`` may name a
        subresource as ``pods/exec``.
        """
        return self.matching(Ask(verbs, resources, groups))


def _all_verbs(sources: Iterable[OwnRules]) -> Set[str] | None:
    found: set[str] = set()
    for source in sources:
        if source.verbs is None:
            return None
        found |= source.verbs
    return found


def _places(question: Ask, rule: dict[str, Any]) -> tuple[str, ...]:
    """What in ``rule`` allows the question: resources, verbs and groups; empty where it does not."""
    if _has_none(rule, "verbs", question.verbs):
        return ()
    limits = items(rule.get("resourceNames"))
    if limits and not any(isinstance(name, str) and name in question.names for name in limits):
        return ()
    return places_of_any_name(question, rule)


def _has_none(rule: dict[str, Any], key: str, wanted: frozenset[str]) -> bool:
    """Whether one list of ``rule`` certainly names none of ``wanted``: most rules have to do with another question."""
    values = items(rule.get(key))
    try:
        return "*" not in values and wanted.isdisjoint(values)
    except TypeError:
        return False  # not all of it is text


def places_of_any_name(question: Ask, rule: dict[str, Any]) -> tuple[str, ...]:
    """What in ``rule`` allows the question for some object at least, be the rule limited to named ones or not."""
    of_verbs = places_in(rule, "verbs", question.verbs, is_or_star)
    if not of_verbs:
        return ()
    of_resources = places_in(rule, "resources", question.resources, _resource_matches)
    of_groups = places_in(rule, "apiGroups", question.groups, is_or_star)
    return (*of_resources, *of_verbs, *of_groups) if of_resources and of_groups else ()


def places_in(
    rule: dict[str, Any], key: str, wanted: Set[str], matches: Callable[[str, Set[str]], bool]
) -> list[str]:
    """The values in one list of ``rule`` that are or cover one of ``wanted``."""
    return [
        f"{key}[{i}]"
        for i, value in enumerate(items(rule.get(key)))
        if isinstance(value, str) and matches(value, wanted)
    ]


def is_or_star(value: str, wanted: Set[str]) -> bool:
    return value == "*" or value in wanted


def _resource_matches(value: str, wanted: Set[str]) -> bool:
    if value == "*" or value in wanted:
        return True
    tail = value[2:] if value.startswith("*/") else ""
    return bool(tail) and any(resource.partition("/")[2] == tail for resource in wanted)


def labels_of(role: Resource) -> dict[str, Any]:
    metadata = role.body.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    return labels if isinstance(labels, dict) else {}


def _rule_key(rule: Any) -> str:
    return repr(sorted(rule.items(), key=str)) if isinstance(rule, dict) else repr(rule)
