"""One request to the API server, and whether a role allows it: what SubjectAccessReview asks.

Source: the RBAC authoriser (https://github.com/kubernetes/kubernetes/blob/master/plugin/pkg/auth/authorizer/rbac/rbac.go)
and its rule matching (https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/rbac/v1/evaluation_helpers.go).
"""

from collections.abc import Iterable, Iterator, Set
from typing import Any, NamedTuple

from msgspec import Struct

from leadline.kube.rbac import Grant
from leadline.kube.role_rules import Ask, RuleMatch, is_or_star, places_in, places_of_any_name
from leadline.model.access import Subject

Rule = dict[str, Any]
MASTERS = Subject("Group", "", "system:masters")
"""The API server allows its members everything without asking RBAC."""
_USER_OF_ACCOUNT = "system:serviceaccount:"
_ACCOUNTS = "system:serviceaccounts"
_ANONYMOUS = "system:anonymous"


class AccessQuestion(Struct, frozen=True):
    """A request: of an object (``resource``) or of a page of the server (``path``)."""

    verb: str
    resource: str = ""
    """Plural, a subresource as ``pods/exec``."""
    group: str = ""
    namespace: str | None = None
    """``""`` for what has no namespace and for every namespace at once; ``None`` for any one."""
    name: str | None = None
    """``""`` for no certain object, which rules limited to some do not allow; ``None`` for any one."""
    path: str = ""

    def __call__(self, rule: Rule) -> Iterable[str]:
        """As a ``Judge``: the places of ``rule`` that allow it."""
        if self.path:
            verbs = places_in(rule, "verbs", {self.verb}, is_or_star)
            urls = places_in(rule, "nonResourceURLs", {self.path}, _covers_any)
            return (*urls, *verbs) if verbs and urls else ()
        limits = names_of(rule)
        if self.name is not None and limits and self.name not in limits:
            return ()
        question = Ask(frozenset((self.verb,)), frozenset((self.resource,)), frozenset((self.group,)))
        return places_of_any_name(question, rule)

    def allowed_by(self, grant: Grant) -> tuple[RuleMatch, ...]:
        """The rules of ``grant`` that allow it where that holds."""
        if not grant.is_cluster_wide and (self.path or self.namespace not in (None, grant.reaches)):
            return ()
        return grant.rules.matching(self)


class Right(NamedTuple):
    """One verb on one resource or page, as a rule writes it or as a request uses it."""

    group: str | None
    """``None`` for a page of the server."""
    what: str
    verb: str

    def covers(self, other: "Right") -> bool:
        """Whether a rule with this right allows ``other``."""
        return self.verb in ("*", other.verb) and self.is_on(other.group, other.what)

    def is_on(self, group: str | None, what: str) -> bool:
        """Whether it is a right on this resource or page."""
        if self.group is None or group is None:
            return self.group is group and _covers_any(self.what, {what})
        tail = self.what.removeprefix("*/") if self.what.startswith("*/") else ""
        is_named = self.what in ("*", what) or (bool(tail) and what.partition("/")[2] == tail)
        return is_named and self.group in ("*", group)

    @property
    def is_wide(self) -> bool:
        """Whether it covers others."""
        return self.verb == "*" or self.group == "*" or "*" in self.what


def _covers_any(url: str, paths: Set[str]) -> bool:
    return url in paths or (url.endswith("*") and any(path.startswith(url.rstrip("*")) for path in paths))


def rights_in(rule: Rule) -> Iterator[Right]:
    """Every right that ``rule`` gives, in its order."""
    groups, resources, urls = (texts_of(rule, key) for key in ("apiGroups", "resources", "nonResourceURLs"))
    for verb in texts_of(rule, "verbs"):
        yield from (Right(group, resource, verb) for group in groups for resource in resources)
        yield from (Right(None, url, verb) for url in urls)


def names_of(rule: Rule) -> tuple[str, ...]:
    """The objects that ``rule`` is limited to; empty for none."""
    return texts_of(rule, "resourceNames")


def texts_of(rule: Rule, key: str) -> tuple[str, ...]:
    """Every text in a list of ``rule``."""
    values = rule.get(key)
    return tuple(one for one in values if isinstance(one, str)) if isinstance(values, list) else ()


def resource_text(resource: str, group: str) -> str:
    """A resource with its group, as ``kubectl`` writes it: ``deployments.apps/scale``, ``*.*``."""
    plural, slash, subresource = resource.partition("/")
    return f"{plural}.{group}{slash}{subresource}" if group else resource


def holder_of(grant: Grant) -> Subject | None:
    """The subject that a binding names; ``None`` for one that no request can have."""
    if grant.kind == "ServiceAccount":
        namespace = grant.namespace or (
            grant.binding.namespace or "default" if not grant.is_cluster_wide else ""
        )
        return Subject(grant.kind, namespace, grant.name) if namespace and grant.name else None
    return user_or_group(grant.kind, grant.name) if grant.kind in ("User", "Group") and grant.name else None


def user_or_group(kind: str, name: str) -> Subject:
    """A subject by its plain name; the user name of a service account is that account."""
    if kind == "User" and name.startswith(_USER_OF_ACCOUNT):
        namespace, _, account = name.removeprefix(_USER_OF_ACCOUNT).partition(":")
        if namespace and account and ":" not in account:
            return Subject("ServiceAccount", namespace, account)
    return Subject(kind, "", name)


def groups_of(subject: Subject, groups: Iterable[str] = ()) -> tuple[Subject, ...]:
    """The groups that the API server puts ``subject`` in at sign-in, after those that are given."""
    names = list(groups)
    if subject.kind == "ServiceAccount":
        names += [_ACCOUNTS, f"{_ACCOUNTS}:{subject.namespace}"]
    elif subject.kind == "Group" and subject.name.startswith(f"{_ACCOUNTS}:"):
        names.append(_ACCOUNTS)
    is_unknown = subject.name in (_ANONYMOUS, "system:unauthenticated")
    names.append("system:unauthenticated" if is_unknown else "system:authenticated")
    return tuple(
        Subject("Group", "", name)
        for name in dict.fromkeys(names)
        if name != subject.name or subject.kind != "Group"
    )
