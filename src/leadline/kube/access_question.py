"""One request to the API server, and whether a role allows it: what SubjectAccessReview asks.

Source: the RBAC authoriser (https://github.com/kubernetes/kubernetes/blob/master/plugin/pkg/auth/authorizer/rbac/rbac.go)
and its rule matching (https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/rbac/v1/evaluation_helpers.go).
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from leadline.kube.rbac import Grant
from leadline.kube.role_rules import Ask, RuleMatch, places_of_any_name
from leadline.model.access import Subject

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

    def __call__(self, rule: dict[str, Any]) -> Iterable[str]:
        """As a ``Judge``: the places of ``rule`` that allow it."""
        if self.path:
            return self._url_places(rule)
        question = Ask(frozenset((self.verb,)), frozenset((self.resource,)), frozenset((self.group,)))
        limits = names_of(rule)
        if self.name is not None and limits and self.name not in limits:
            return ()
        return places_of_any_name(question, rule)

    def allowed_by(self, grant: Grant) -> tuple[RuleMatch, ...]:
        """The rules of ``grant`` that allow it where that holds."""
        if not grant.is_cluster_wide and (self.path or self.namespace not in (None, grant.reaches)):
            return ()
        return grant.rules.matching(self)

    def _url_places(self, rule: dict[str, Any]) -> tuple[str, ...]:
        verbs = [f"verbs[{i}]" for i, verb in texts_of(rule, "verbs") if verb in ("*", self.verb)]
        urls = [f"nonResourceURLs[{i}]" for i, url in texts_of(rule, "nonResourceURLs") if self._is_at(url)]
        return (*urls, *verbs) if verbs and urls else ()

    def _is_at(self, url: str) -> bool:
        return url in ("*", self.path) or (url.endswith("*") and self.path.startswith(url.rstrip("*")))


def names_of(rule: dict[str, Any]) -> tuple[str, ...]:
    """The objects that ``rule`` is limited to; empty for none."""
    return tuple(name for _, name in texts_of(rule, "resourceNames"))


def texts_of(rule: dict[str, Any], key: str) -> Iterator[tuple[int, str]]:
    """Index and text of each text in a list of ``rule``."""
    values = rule.get(key)
    return (
        (i, one) for i, one in enumerate(values if isinstance(values, list) else ()) if isinstance(one, str)
    )


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
