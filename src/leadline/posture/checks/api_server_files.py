"""What the files say that the flags of an API server name: its encryption configuration and its audit policy.

Sources: https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/ and
https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/.
"""

from collections.abc import Iterator
from typing import Any

from leadline.kube.kubelet_settings import flags_in
from leadline.kube.workload import Body
from leadline.model.control import NotJudged
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.posture.checks.host_files import facts_root
from leadline.posture.subject import mapping, mappings, sequence, text

ENCRYPTION = ("encryption-provider-config", "encryption")
AUDIT = ("audit-policy-file", "auditPolicy")
_OPEN_TO_ALL = ("users", "userGroups", "namespaces", "verbs")


def named_file(node: Resource, what: tuple[str, str]) -> tuple[str, list[Any] | None]:
    """Path of what a file of the API server says, and the entries of that; ``None`` where no flag names one.

    ``what`` is ``ENCRYPTION`` or ``AUDIT``. Raises: ``NotJudged`` where that is not known.
    """
    flag, field = what
    root, body = facts_root(node)
    server = mapping(body.get("APIServerInfo"))
    entries = server.get(field)
    if isinstance(entries, list):
        return f"{root}.APIServerInfo.{field}", entries
    for _, unread in mappings(body.get("unread")):
        if unread.get("field") == f"APIServerInfo.{field}":
            path, why = text(unread.get("path"))[:500], text(unread.get("why"))[:500]
            reason = Unread(
                f"{node.title}: {path}", why or "not read", "forbidden", hint=text(unread.get("hint"))[:500]
            )
            raise NotJudged(f"{path} of node {node.name} was not read: {why}", reason)
    words = [w for w in sequence(server.get("arguments")) if isinstance(w, str)] or text(
        server.get("cmdLine")
    ).split()
    if not words:
        raise NotJudged(f"the flags of the API server are not in the facts of node {node.name}")
    if flag in flags_in(words):
        raise NotJudged(f"what the file of --{flag} says is not in the facts of node {node.name}")
    return f"{root}.APIServerInfo.{field}", None


def providers_of(entries: list[Any], group: str, resource: str) -> tuple[int, list[Body]] | None:
    """Index and providers of the first entry for a resource; ``None`` where it is stored as it is."""
    names = {f"{resource}.{group}" if group else resource, f"*.{group}", "*.*"}
    for index, entry in mappings(entries):
        if names & {name for name in sequence(entry.get("resources")) if isinstance(name, str)}:
            return index, [provider for _, provider in mappings(entry.get("providers"))]
    return None


def audit_level(rules: list[Any], group: str, resource: str) -> str:
    """What is logged of requests for a resource, of all users: the level of the first rule that is about all."""
    for _, rule in mappings(rules):
        if any(sequence(rule.get(field)) for field in _OPEN_TO_ALL):
            continue
        if resource in set(_matched(rule, group, resource)):
            return text(rule.get("level"))
    return "None"


def _matched(rule: Body, group: str, resource: str) -> Iterator[str]:
    """``resource`` where the rule is about it."""
    groups = list(mappings(rule.get("resources")))
    if not groups and not sequence(rule.get("nonResourceURLs")):
        yield resource
    plain, _, part = resource.partition("/")
    patterns = {resource, "*", f"{plain}/*"} | ({f"*/{part}"} if part else set())
    for _, one in groups:
        names = {name for name in sequence(one.get("resources")) if isinstance(name, str)}
        is_about = text(one.get("group")) == group and not sequence(one.get("resourceNames"))
        if is_about and (not names or patterns & names):
            yield resource
