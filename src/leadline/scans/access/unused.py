"""What of the given rights is never used, by audit logs, and the smallest role that covers what is."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import unified_diff
from typing import Any

import yaml
from msgspec import structs

from leadline.errors import ManifestError
from leadline.kube.access_question import AccessQuestion, Right, Rule, holder_of, names_of
from leadline.kube.rbac import Grant, is_aggregated, is_built_in
from leadline.kube.role_rules import RuleMatch
from leadline.model.access import AccessUse, AuditRecord, RecordedRequest, RoleUse, Subject
from leadline.model.resource import Resource
from leadline.outputs.redaction.lines import LineHider
from leadline.outputs.redaction.values import SecretValues
from leadline.outputs.text.patch import FixedFile, Hide, shown_patch
from leadline.posture.inventory import Inventory
from leadline.scans.access.recorded_use import use_in_records
from leadline.scans.access.smallest import Smallest, rules_of, smallest
from leadline.scans.access.target import AccessTarget, AccessWorld
from leadline.sources.audit.log import read_audit_logs
from leadline.sources.regular_file import read_regular
from leadline.sources.yaml.edit import RemoveAt, SetAt, apply_edits

_LARGEST_FILE = 32 << 20
_NOTES = (
    "the audit policy decides what is recorded: what it leaves out looks unused",
    "what one request asks for within another, and what other programs ask by SubjectAccessReview, is in no log",
    "what runs seldom may not have run while the log was written",
)


def unused_by_logs(
    target: AccessTarget,
    logs: Iterable[str],
    profiles: Sequence[str] = (),
    secrets: SecretValues | None = None,
) -> AccessUse:
    """As ``unused_access``, by audit logs in files, with what profiles of the agent add to them.

    Raises: ``SourceError`` where one cannot be read at all.
    """
    use = unused_access(target, read_audit_logs(logs, names_in_rules(target.worlds)), secrets)
    said, unread = use_in_records(target, profiles) if profiles else ((), ())
    return structs.replace(use, notes=(*said, *use.notes), unread=(*use.unread, *unread))


def names_in_rules(worlds: Iterable[AccessWorld]) -> frozenset[str]:
    """The names of objects that rules are limited to: those that an audit log has to be read for."""
    grants = (grant for world in worlds for grant in world.grants)
    return frozenset(name for grant in grants for rule in grant.rules.all for name in names_of(rule))


def unused_access(
    target: AccessTarget, record: AuditRecord, secrets: SecretValues | None = None
) -> AccessUse:
    """Each role that is bound and can be changed, with what no recorded request used; ``secrets`` are hidden in diffs."""
    recorded = {(None if one.path else one.group, one.path or one.resource) for one in record.requests}
    roles: list[RoleUse] = []
    replayed = 0
    for world in target.worlds:
        seen = _Seen(world, record.requests)
        replayed += len(seen.replayed)
        held = _held(world)
        wanted = {id: smallest(rules_of(role), seen.used[id], recorded) for id, (role, _) in held.items()}
        changed = {id: one.all for id, one in wanted.items() if one.all != rules_of(held[id][0])}
        hidden = _hiders(world, {held[id][0].origin.file for id in changed}, secrets)
        is_refused = bool(rehearse(world, changed, seen.replayed))
        for id, one in wanted.items():
            role, holders = held[id]
            patch: tuple[str, ...] = ()
            why = ""
            if id in changed and is_refused:
                why = "a recorded request would be refused with the smaller roles"
            elif id in changed:
                patch, why = _patch(role, one, hidden)
            use = (seen.requests[id], one.unused, one.unknown, patch, why)
            roles.append(RoleUse(role.title, role.origin.file, tuple(sorted(holders)), *use))
    return AccessUse(
        target=target.name,
        roles=tuple(sorted(roles, key=lambda one: (one.role, one.file))),
        observed=record.observed,
        replayed=replayed,
        elsewhere=len(record.requests) * len(target.worlds) - replayed,
        unread=(*target.unread, *record.unread),
        notes=(*target.notes, *_NOTES),
    )


def rehearse(
    world: AccessWorld, changed: Mapping[str, Sequence[Rule]], requests: Iterable[RecordedRequest]
) -> list[RecordedRequest]:
    """Those of ``requests``, all allowed today, that other rules in some roles (by their ids) would refuse.

    Where all changes together refuse none, no part of them does: each only takes rights away.
    """
    if not changed:
        return []
    after = dict(changed)
    for grant in world.grants:
        # A cluster writes the rules of others into an aggregated role, and again once those change.
        is_written = grant.role.origin.kind == "cluster"
        if is_written and any(one.role.id in changed for one in world.taken_over(grant)):
            after.setdefault(grant.role.id, [])
    resources = (
        structs.replace(one, body={**one.body, "rules": list(after[one.id])}) if one.id in after else one
        for one in world.inventory.resources
    )
    other = AccessWorld(Inventory(resources, world.inventory.facts), world.name)
    return [one for one in requests if next(allowing(other, one), None) is None]


def allowing(world: AccessWorld, request: RecordedRequest) -> Iterator[tuple[Grant, RuleMatch]]:
    """The grants and rules that allow a request; nothing is kept of the question, of which there may be many."""
    _, _, verb, group, resource, namespace, name, path = request
    question = AccessQuestion(verb, resource, group, namespace, name, path)
    for _, grant in world.held_by(request.subject, request.groups):
        if not grant.is_cluster_wide and (path or namespace != grant.reaches):
            continue
        for source in grant.rules.sources:
            for number, rule in source.rules:
                if places := tuple(question(rule)):
                    yield grant, RuleMatch(source.role, number, rule, places)


class _Seen:
    """What the requests of one world used."""

    def __init__(self, world: AccessWorld, requests: Mapping[RecordedRequest, int]) -> None:
        self.used: dict[str, dict[int, set[Right]]] = defaultdict(lambda: defaultdict(set))
        """By the id of the role and the number of the rule."""
        self.requests: dict[str, int] = defaultdict(int)
        """By the id of the role."""
        self.replayed: list[RecordedRequest] = []
        """Those that a role allows."""
        for request, number in requests.items():
            right = Right(
                None if request.path else request.group, request.path or request.resource, request.verb
            )
            ids: set[str] = set()
            for grant, match in allowing(world, request):
                for id, rule_number in _written_in(world, grant, match):
                    self.used[id][rule_number].add(right)
                    ids.add(id)
            for id in ids:
                self.requests[id] += number
            if ids:
                self.replayed.append(request)


def _written_in(world: AccessWorld, grant: Grant, match: RuleMatch) -> Iterator[tuple[str, int]]:
    """Role and number of the rule as an owner writes it, for an aggregated role in those that it takes over."""
    yield match.role.id, match.number
    if match.role is grant.role:
        for source in world.taken_over(grant):
            yield from ((source.role.id, number) for number, rule in source.rules if rule == match.rule)


def _held(world: AccessWorld) -> dict[str, tuple[Resource, set[Subject]]]:
    """By its id each role whose rules an owner can change, with who holds it, over aggregated ones too."""
    found: dict[str, tuple[Resource, set[Subject]]] = {}
    for grant in world.grants:
        if holder := holder_of(grant):
            for source in (*grant.rules.sources, *world.taken_over(grant)):
                if not is_built_in(source.role) and not is_aggregated(source.role):
                    found.setdefault(source.role.id, (source.role, set()))[1].add(holder)
    return found


def _hiders(
    world: AccessWorld, files: Collection[str], secrets: SecretValues | None
) -> Mapping[str, Mapping[int, Hide]]:
    """By file and number of the document what hides its secrets."""
    found: dict[str, dict[int, Hide]] = defaultdict(dict)
    for one in world.inventory.resources:
        if one.origin.file in files:
            found[one.origin.file][one.origin.document] = LineHider(one.body, secrets).hide
    return found


def _patch(
    role: Resource, wanted: Smallest, hidden: Mapping[str, Mapping[int, Hide]]
) -> tuple[tuple[str, ...], str]:
    """The lines of a diff of the manifest, or why there is none."""
    origin = role.origin
    if origin.kind != "file" or origin.rendered_from:
        old, new = (_dumped(role, one) for one in (rules_of(role), wanted.all))
        return tuple(unified_diff(old, new, role.title, role.title, lineterm="")), ""
    try:
        before = read_regular(origin.file, _LARGEST_FILE + 1).decode()
        after = apply_edits(before, list(_edits(role, wanted)))
    except (OSError, UnicodeDecodeError, ManifestError) as error:
        return (), f"{origin.file} cannot be edited: {error}"
    file = FixedFile(origin.file, origin.file, before, after, hidden.get(origin.file, {}))
    return tuple(shown_patch(file)), ""


def _dumped(role: Resource, rules: Sequence[Rule]) -> list[str]:
    named: dict[str, Any] = {"kind": role.kind, "name": role.name, "rules": list(rules)}
    return yaml.dump(named, Dumper=yaml.CSafeDumper, sort_keys=False).splitlines()


def _edits(role: Resource, wanted: Smallest) -> Iterator[SetAt | RemoveAt]:
    """List items where a rule became smaller, whole rules where it went; what is added comes after the last."""
    start, document, old = f"{role.origin.inside}rules", role.origin.document, rules_of(role)
    if len(role.body.get("rules") or ()) != len(old):
        yield SetAt(start, wanted.all, document)
        return
    for number, (rule, new) in enumerate(zip(old, wanted.rules, strict=True)):
        for key in ("verbs", "resources", "apiGroups", "nonResourceURLs") if new else ():
            before, after = rule.get(key) or [], new[0].get(key)
            place = f"{start}[{number}].{key}"
            if before == (after or []):
                continue
            if after is None:
                yield RemoveAt(place, document)
            elif [one for one in before if one in after] == after:
                gone = [i for i, one in enumerate(before) if one not in after]
                yield from (RemoveAt(f"{place}[{i}]", document) for i in reversed(gone))
            else:
                yield SetAt(place, after, document)
    added = [rule for new in wanted.rules for rule in new[1:]]
    yield from (SetAt(f"{start}[{len(old) + i}]", rule, document) for i, rule in enumerate(added))
    yield from (RemoveAt(f"{start}[{i}]", document) for i in reversed(range(len(old))) if not wanted.rules[i])
