"""Who may do something, and what one subject may do: each way with its steps."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from leadline.kube.access_question import MASTERS, AccessQuestion, groups_of, holder_of, names_of, texts_of
from leadline.kube.rbac import Grant
from leadline.kube.role_rules import RuleMatch
from leadline.model.access import Access, AccessAnswer, AccessStep, Subject
from leadline.model.resource import Resource
from leadline.scans.access.target import AccessTarget, AccessWorld
from leadline.scans.access.words import resource_text

_MASTERS_STEP = AccessStep(
    "server", "the API server allows everything to members of the group system:masters and does not ask RBAC"
)


class Within(tuple[str, ...]):
    """The namespaces that are asked about; empty for all."""

    def covers(self, namespace: str) -> bool:
        return not self or not namespace or namespace in self


def who_can(target: AccessTarget, question: AccessQuestion, within: Within = Within()) -> AccessAnswer:  # noqa: B008
    """Every subject that a binding names and that may do what is asked."""
    found: list[Access] = []
    if target.is_cluster:
        found.append(Access(subject=MASTERS, verbs=(question.verb,), steps=(_MASTERS_STEP,)))
    for world in target.worlds:
        for grant in world.grants:
            holder = holder_of(grant)
            if holder is None or not within.covers(grant.reaches):
                continue
            for match in question.allowed_by(grant):
                found.append(_access(world, holder, holder, grant, match))
    return answer_of(target, _written(question, within), found)


def rights_of(
    target: AccessTarget,
    subject: Subject,
    groups: Sequence[str] = (),
    within: Within = Within(),  # noqa: B008
) -> AccessAnswer:
    """Everything that bindings give to ``subject`` and to the groups it belongs to; a row for each rule."""
    found: list[Access] = []
    if MASTERS in (subject, *groups_of(subject, groups)):
        found.append(
            Access(subject=subject, verbs=("*",), resources=("*.*",), urls=("*",), steps=(_MASTERS_STEP,))
        )
    for world in target.worlds:
        for holder, grant in world.held_by(subject, groups):
            if within.covers(grant.reaches):
                found += (
                    _access(world, subject, holder, grant, match)
                    for match in grant.rules.matching(_every_rule)
                )
    member = f" as a member of {', '.join(groups)}" if groups else ""
    # A binding of a role that was not read is among the unread.
    is_known = bool(found or target.unread) or any(subject in world.by_subject for world in target.worlds)
    notes = () if is_known else (f"no binding that was read names {subject.title}: is it spelled so?",)
    return answer_of(target, f"what {subject.title} may do{member}{_in(within)}", found, "right", notes=notes)


def _every_rule(rule: dict[str, Any]) -> tuple[str, ...]:
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


def _written(question: AccessQuestion, within: Within) -> str:
    if question.path:
        return f"who can {question.verb} {question.path}"
    resource = resource_text((question.resource,), (question.group,))[0]
    named = f" {question.name}" if question.name else ""
    return f"who can {question.verb} {resource}{named}{_in(within)}"


def _in(within: Within) -> str:
    return f" in {', '.join(within)}" if within else ""


def _access(world: AccessWorld, subject: Subject, holder: Subject, grant: Grant, match: RuleMatch) -> Access:
    rule = match.rule
    texts = {key: tuple(text for _, text in texts_of(rule, key)) for key in _LISTS}
    return Access(
        subject=subject,
        namespace=grant.reaches,
        names=names_of(rule),
        verbs=texts["verbs"],
        resources=resource_text(texts["resources"], texts["apiGroups"]),
        urls=texts["nonResourceURLs"] if grant.is_cluster_wide else (),
        steps=tuple(steps_to(world, subject, holder, grant, match)),
        world=world.name,
    )


_LISTS = ("verbs", "resources", "apiGroups", "nonResourceURLs")


def steps_to(
    world: AccessWorld, subject: Subject, holder: Subject, grant: Grant, match: RuleMatch
) -> Iterator[AccessStep]:
    """From ``subject`` over its group, the binding and the role to the rule."""
    if holder != subject:
        yield AccessStep("group", f"{subject.title} belongs to the group {holder.name}")
    binding, role = grant.binding, grant.role
    where = f"in {grant.reaches}" if grant.reaches else "in the whole cluster"
    yield _step("binding", f"{binding.title} gives it {role.title} {where}", binding)
    source = match.role if match.role is not role else _source_of(world, grant, match)
    if source is not role:
        yield _step(
            "role", f"{role.title} takes over the rules of {source.title}, whose labels it selects", source
        )
    yield _step("rule", f"{rule_text(match.rule)} (rules[{match.number}] of {match.role.title})", match.role)


def _source_of(world: AccessWorld, grant: Grant, match: RuleMatch) -> Resource:
    """The role that an aggregated one has a rule from: in a cluster the rules of both are written into it."""
    sources = world.aggregated_from(grant)
    found = (one.role for one in sources if any(rule == match.rule for _, rule in one.rules))
    return next(found, grant.role)


def rule_text(rule: dict[str, Any]) -> str:
    """``allows get, list on secrets``; ``allows get of /metrics``."""
    texts = {key: tuple(text for _, text in texts_of(rule, key)) for key in _LISTS}
    verbs = "everything" if "*" in texts["verbs"] else ", ".join(texts["verbs"])
    resources = resource_text(texts["resources"], texts["apiGroups"])
    on = f" on {', '.join(_ALL.get(one, one) for one in resources)}" if resources else ""
    urls = f" of {', '.join(texts['nonResourceURLs'])}" if texts["nonResourceURLs"] else ""
    names = f", only of {', '.join(names_of(rule))}" if names_of(rule) else ""
    return f"allows {verbs}{on}{urls}{names}"


_ALL = {"*.*": "all resources", "*": "all resources of the core group"}


def _step(kind: Any, text: str, resource: Resource) -> AccessStep:
    return AccessStep(kind, text, resource.title, resource.origin.file)
