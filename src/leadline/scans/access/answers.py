"""Who may do something, and what one subject may do: each way with its steps."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from leadline.kube.access_question import (
    MASTERS,
    AccessQuestion,
    Rule,
    groups_of,
    holder_of,
    names_of,
    resource_text,
    texts_of,
)
from leadline.kube.rbac import Grant
from leadline.kube.role_rules import RuleMatch
from leadline.model.access import Access, AccessAnswer, AccessStep, AccessStepKind, Subject
from leadline.model.resource import Resource
from leadline.scans.access.target import AccessTarget, AccessWorld

_MASTERS_STEP = AccessStep(
    "server", "the API server allows everything to members of the group system:masters and does not ask RBAC"
)
_VERBS = frozenset(
    [
        "*",
        "get",
        "list",
        "watch",
        "create",
        "update",
        "patch",
        "delete",
        "deletecollection",
        "head",
        "post",
        "put",
        "options",
        "impersonate",
        "bind",
        "escalate",
        "approve",
        "sign",
        "attest",
        "use",
    ]
)
"""Those of Kubernetes itself. Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#request-verb-resource"""
_ALL = {"*.*": "all resources", "*": "all resources of the core group"}


def who_can(target: AccessTarget, question: AccessQuestion, within: Sequence[str] = ()) -> AccessAnswer:
    """Every subject that a binding names and that may do what is asked, in the namespaces ``within`` or in all."""
    masters = Access(subject=MASTERS, verbs=(question.verb,), steps=(_MASTERS_STEP,))
    found = [masters] if target.is_cluster else []
    for world in target.worlds:
        held = ((holder, grant) for grant in world.grants if (holder := holder_of(grant)))
        found += _ways(world, None, held, question.allowed_by, within)
    what = question.path or resource_text(question.resource, question.group)
    named = f" {question.name}" if question.name else ""
    where = "" if question.path else _in(within)
    # A verb of its own is asked for by the program that knows it: there is no list of them.
    every = [grant.rules.verbs for world in target.worlds for grant in world.grants]
    is_known = question.verb in _VERBS or any(verbs and question.verb in verbs for verbs in every)
    notes = () if is_known else (f"no rule that was read names the verb {question.verb}: check the spelling",)
    return answer_of(target, f"who can {question.verb} {what}{named}{where}", found, notes=notes)


def rights_of(
    target: AccessTarget, subject: Subject, groups: Sequence[str] = (), within: Sequence[str] = ()
) -> AccessAnswer:
    """Everything that bindings give to ``subject`` and to the groups it belongs to; a row for each rule."""
    found: list[Access] = []
    if MASTERS in (subject, *groups_of(subject, groups)):
        star = ("*",)
        found.append(
            Access(subject=subject, verbs=star, resources=("*.*",), urls=star, steps=(_MASTERS_STEP,))
        )
    for world in target.worlds:
        held = world.held_by(subject, groups)
        found += _ways(world, subject, held, lambda grant: grant.rules.matching(_every_rule), within)
    member = f" as a member of {', '.join(groups)}" if groups else ""
    # A binding of a role that was not read is among the unread.
    is_known = bool(found or target.unread) or any(subject in world.by_subject for world in target.worlds)
    notes = () if is_known else (f"no binding that was read names {subject.title}: check the spelling",)
    question = f"what {subject.title} may do{member}{_in(within)}"
    return answer_of(target, question, found, "right", notes=notes)


def _every_rule(rule: Rule) -> tuple[str, ...]:
    return ("verbs",) if rule.get("verbs") else ()


def answer_of(
    target: AccessTarget,
    question: str,
    found: Sequence[Access],
    counts: Literal["subject", "right"] = "subject",
    *,
    notes: tuple[str, ...] = (),
) -> AccessAnswer:
    """``found`` with all that the target says about what it does not rest on."""
    return AccessAnswer(
        question=question,
        counts=counts,
        target=target.name,
        found=tuple(found),
        unread=target.unread,
        stale=target.stale,
        scope=target.scope,
        notes=(*target.notes, *notes),
    )


def _in(within: Sequence[str]) -> str:
    return f" in {', '.join(within)}" if within else ""


def _ways(
    world: AccessWorld,
    subject: Subject | None,
    held: Iterator[tuple[Subject, Grant]],
    allowing: Callable[[Grant], tuple[RuleMatch, ...]],
    within: Sequence[str],
) -> Iterator[Access]:
    """A row for each rule; ``subject`` is ``None`` for its holder."""
    for holder, grant in held:
        if not within or grant.reaches in ("", *within):
            for match in allowing(grant):
                rule = match.rule
                yield Access(
                    subject=subject or holder,
                    namespace=grant.reaches,
                    names=names_of(rule),
                    verbs=texts_of(rule, "verbs"),
                    resources=_resources(rule),
                    urls=texts_of(rule, "nonResourceURLs") if grant.is_cluster_wide else (),
                    steps=tuple(steps_to(world, subject or holder, holder, grant, match)),
                    world=world.name,
                )


def _resources(rule: Rule) -> tuple[str, ...]:
    groups, resources = texts_of(rule, "apiGroups"), texts_of(rule, "resources")
    return tuple(dict.fromkeys(resource_text(one, group) for group in groups for one in resources))


def steps_to(
    world: AccessWorld, subject: Subject, holder: Subject, grant: Grant, match: RuleMatch
) -> Iterator[AccessStep]:
    """From ``subject`` over its group, the binding and the role to the rule."""
    if holder != subject:
        yield AccessStep("group", f"{subject.title} belongs to the group {holder.name}")
    binding, role, source = grant.binding, grant.role, match.role
    where = f"in {grant.reaches}" if grant.reaches else "in the whole cluster"
    yield _step("binding", f"{binding.title} gives it {role.title} {where}", binding)
    if source is role:
        # In a cluster the rules of others are written into an aggregated role as well.
        others = (
            one.role for one in world.taken_over(grant) if any(rule == match.rule for _, rule in one.rules)
        )
        source = next(others, role)
    if source is not role:
        yield _step(
            "role", f"{role.title} takes over the rules of {source.title}, whose labels it selects", source
        )
    yield _step("rule", f"{rule_text(match.rule)} (rules[{match.number}] of {match.role.title})", match.role)


def _step(kind: AccessStepKind, text: str, resource: Resource) -> AccessStep:
    return AccessStep(kind, text, resource.title, resource.origin.file)


def rule_text(rule: Rule) -> str:
    """``allows get, list on secrets``; ``allows get of /metrics``."""
    verbs, urls, names = texts_of(rule, "verbs"), texts_of(rule, "nonResourceURLs"), names_of(rule)
    resources = ", ".join(_ALL.get(one, one) for one in _resources(rule))
    parts = (
        "allows everything" if "*" in verbs else f"allows {', '.join(verbs)}",
        f" on {resources}" if resources else "",
        f" of {', '.join('all pages' if one == '*' else one for one in urls)}" if urls else "",
        f", only of {', '.join(names)}" if names else "",
    )
    return "".join(parts)
