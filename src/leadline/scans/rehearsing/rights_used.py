"""The roles that allow what a service account really asked for, by audit logs of the API server."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from leadline.model.access import RecordedRequest

_EVERYONE = ("/api", "/healthz", "/livez", "/openapi", "/readyz", "/version", "/.well-known")
"""Pages that every account may read: the beginnings of their paths (``system:discovery``, ``system:public-info-viewer``)."""
Json = dict[str, Any]


def roles_used(name: str, account: tuple[str, str], requests: Iterable[RecordedRequest]) -> tuple[Json, ...]:
    """A Role for each namespace and a ClusterRole for the rest, called ``name``; ``account`` is namespace and name."""
    verbs: dict[str, dict[tuple[str, str], set[str]]] = defaultdict(lambda: defaultdict(set))
    pages: dict[str, set[str]] = defaultdict(set)
    for one in requests:
        subject = one.subject
        if subject.kind != "ServiceAccount" or (subject.namespace, subject.name) != account:
            continue
        if one.resource:
            verbs[one.namespace][one.group, one.resource].add(one.verb)
        elif one.path and not one.path.startswith(_EVERYONE):
            pages[one.path].add(one.verb)
    made = []
    for namespace, rights in sorted(verbs.items()):
        by_verbs: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
        for (group, resource), its in sorted(rights.items()):
            by_verbs[group, tuple(sorted(its))].append(resource)
        rules: list[Json] = [
            {"apiGroups": [group], "resources": resources, "verbs": list(its)}
            for (group, its), resources in by_verbs.items()
        ]
        made.append(_role(name, namespace, rules))
    if pages:
        rules = [{"nonResourceURLs": [path], "verbs": sorted(its)} for path, its in sorted(pages.items())]
        whole = next((one for one in made if one["kind"] == "ClusterRole"), None)
        if whole is not None:
            whole["rules"] += rules
        else:
            made.append(_role(name, "", rules))
    return tuple(made)


def _role(name: str, namespace: str, rules: list[Json]) -> Json:
    place = {"namespace": namespace} if namespace else {}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role" if namespace else "ClusterRole",
        "metadata": {"name": name, **place},
        "rules": rules,
    }
