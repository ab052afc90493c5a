"""The ways by which a subject gets the rights of another: what it has to hold, and whom it then is.

Followed are those that Kubernetes' own documentation names
(https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks) and that rights alone decide on.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from leadline.kube.access_question import MASTERS, names_of, texts_of
from leadline.kube.rbac import GROUP, Grant, is_aggregated
from leadline.kube.role_rules import Ask, RuleMatch, ask, places_of_any_name
from leadline.model.access import Subject
from leadline.model.resource import Origin, Resource
from leadline.posture.checks.rbac_queries import EVERYTHING, REACH_KUBELETS, READ_SECRETS
from leadline.scans.access.target import AccessWorld

ADMIN = "cluster-admin"
ADMIN_NODE = Subject("ClusterRole", "", ADMIN)
"""The goal: everything on all resources of the whole cluster."""
WayKind = Literal[
    "impersonation",
    "token",
    "secret",
    "pod",
    "workload",
    "exec",
    "node",
    "bind",
    "escalate",
    "aggregation",
    "certificate",
]

_CLIENT_SIGNERS = ("kubernetes.io/kube-apiserver-client", "kubernetes.io/*")
_IMPERSONATE = {
    kind: ask("impersonate", plural)
    for kind, plural in (("User", "users"), ("Group", "groups"), ("ServiceAccount", "serviceaccounts"))
}
_TOKENS = (ask("create", "serviceaccounts/token"),)
_CREATE_SECRETS = (ask("create", "secrets"),)
_OWNERS = "deployments daemonsets replicasets statefulsets"
_CREATE_PODS = (
    ask("create", "pods replicationcontrollers"),
    ask("create", _OWNERS, "apps"),
    ask("create", "jobs cronjobs", "batch"),
)
_CHANGE_OWNERS = (
    ask("update patch", "replicationcontrollers"),
    ask("update patch", _OWNERS, "apps"),
    ask("update patch", "cronjobs", "batch"),
)
"""Jobs cannot change their pods."""
_EXEC = (ask("create get", "pods/exec pods/attach"), ask("patch update", "pods/ephemeralcontainers"))
_ASK_CERTIFICATES = (ask("create", "certificatesigningrequests", "certificates.k8s.io"),)
_APPROVE = (ask("update patch", "certificatesigningrequests/approval", "certificates.k8s.io"),)
_SIGNERS = (ask("approve", "signers", "certificates.k8s.io"),)


class Held(NamedTuple):
    """One rule that a subject holds."""

    namespace: str
    """Where; empty for everywhere."""
    names: tuple[str, ...]
    """For which objects; empty for all."""
    holder: Subject
    grant: Grant
    match: RuleMatch


class Becomes(NamedTuple):
    """Whom a way leads to."""

    kind: str
    """As of ``Subject``, or the kind of a role that is held then."""
    namespace: str | None = ""
    """Of accounts; ``None`` for all."""
    names: tuple[str, ...] | None = None
    """``None`` for every one."""
    among: frozenset[Subject] | None = None
    """The only ones that there are, where that is known."""
    but: Subject | None = None


class Way(Struct, frozen=True):
    kind: WayKind
    becomes: Becomes
    held: tuple[Held, ...]
    """The rules that it takes, together."""
    text: str
    """What is done, with ``{}`` for whom it leads to: ``asks for a token of {}``."""


class _OfAnyName(Struct, frozen=True):
    """As a ``Judge``: ``ask`` for some object at least."""

    ask: Ask

    def __call__(self, rule: dict[str, Any]) -> Iterable[str]:
        return places_of_any_name(self.ask, rule)


class Holdings:
    """All that one subject holds, by its own name and through groups."""

    def __init__(self, world: AccessWorld, grants: Sequence[tuple[Subject, Grant]]) -> None:
        self.world = world
        self.grants = grants

    def of(self, asks: Iterable[Ask], *, of_one: bool = True, everywhere: bool = False) -> list[Held]:
        """The rules that allow any of ``asks``; ``of_one``: also those limited to named objects."""
        return [
            Held(grant.reaches, names_of(match.rule), holder, grant, match)
            for question in asks
            for holder, grant in self.grants
            if grant.is_cluster_wide or not everywhere
            if grant.rules.verbs is None or not grant.rules.verbs.isdisjoint(question.verbs)
            for match in grant.rules.matching(_OfAnyName(question))
            if of_one or not names_of(match.rule)
        ]

    @property
    def admin(self) -> Held | None:
        """The rule by which it may do everything everywhere."""
        found = self.of(EVERYTHING, of_one=False, everywhere=True)
        return next((one for one in found if _is_everything(one.match.rule)), None)


def _is_everything(rule: dict[str, Any]) -> bool:
    return all(
        "*" in [text for _, text in texts_of(rule, key)] for key in ("verbs", "apiGroups", "resources")
    )


def ways_of(holdings: Holdings) -> Iterator[Way]:
    """Every way that the rules open; whether anyone is at its end is for the caller to find."""
    yield from _by_impersonation(holdings)
    yield from _by_accounts(holdings)
    yield from _by_running_pods(holdings)
    yield from _by_bindings(holdings)
    yield from _by_roles(holdings)
    yield from _by_certificates(holdings)


def _by_impersonation(holdings: Holdings) -> Iterator[Way]:
    found = {
        kind: holdings.of((question,), everywhere=kind != "ServiceAccount")
        for kind, question in _IMPERSONATE.items()
    }
    someone = [*found["User"], *found["ServiceAccount"]]
    for one in found["User"]:
        yield Way("impersonation", Becomes("User", "", one.names or None), (one,), "impersonates {}")
    for one in found["ServiceAccount"]:
        yield Way(
            "impersonation",
            Becomes("ServiceAccount", one.namespace or None, one.names or None),
            (one,),
            "impersonates {}",
        )
    for one in found["Group"] if someone else ():
        # A group is impersonated beside a user.
        yield Way(
            "impersonation",
            Becomes("Group", "", one.names or None),
            (one, someone[0]),
            "impersonates a member of {}",
        )


def _by_accounts(holdings: Holdings) -> Iterator[Way]:
    """A token is asked for, or put into a Secret and read there, or mounted into a pod."""
    there = holdings.world.accounts
    for one in holdings.of(_TOKENS):
        yield Way(
            "token",
            Becomes("ServiceAccount", one.namespace or None, one.names or None, there),
            (one,),
            "asks for a token of {}",
        )
    for namespace, _, pair in _together(
        holdings.of(_CREATE_SECRETS, of_one=False), holdings.of(READ_SECRETS)
    ):
        yield Way(
            "secret",
            Becomes("ServiceAccount", namespace or None, None, there),
            pair,
            "creates a Secret for a token of {} and reads it",
        )
    for one in holdings.of(READ_SECRETS):
        held = frozenset(
            account for name, account in holdings.world.token_secrets
            if one.namespace in ("", account.namespace) and (not one.names or name in one.names)
        )  # fmt: skip
        if held:
            yield Way(
                "secret",
                Becomes("ServiceAccount", None, None, held),
                (one,),
                "reads the Secret with the token of {}",
            )
    for one in holdings.of(_CREATE_PODS, of_one=False):
        yield Way(
            "pod",
            Becomes("ServiceAccount", one.namespace or None, None, there),
            (one,),
            "creates a pod that runs as {}",
        )
    for one in holdings.of(_CHANGE_OWNERS):
        if holdings.world.has_workloads(one.namespace):
            yield Way(
                "workload",
                Becomes("ServiceAccount", one.namespace or None, None, there),
                (one,),
                "changes a workload so that its pods run as {}",
            )


def _by_running_pods(holdings: Holdings) -> Iterator[Way]:
    mounted = holdings.world.mounted_accounts
    for one in holdings.of(_EXEC, of_one=False):
        yield Way(
            "exec",
            Becomes("ServiceAccount", one.namespace or None, None, mounted),
            (one,),
            "runs commands in a pod of {}, whose token is mounted",
        )
    for one in holdings.of(REACH_KUBELETS, everywhere=True):
        node = f" on {', '.join(one.names)}" if one.names else ""
        yield Way(
            "node",
            Becomes("ServiceAccount", None, None, mounted),
            (one,),
            f"runs commands through the kubelet{node} in a pod of {{}}, whose token is mounted",
        )


def _by_bindings(holdings: Holdings) -> Iterator[Way]:
    """``bind`` lets a binding be written for a role that its writer does not hold."""
    # Who changes a binding adds a subject to it; its role stays, and is not known here: ``create`` alone counts.
    may_bind = holdings.of((ask("bind", "clusterroles", GROUP),))
    for binding in ("clusterrolebindings", "rolebindings"):
        is_whole = binding == "clusterrolebindings"
        may_write = holdings.of((ask("create", binding, GROUP),), of_one=False, everywhere=is_whole)
        for namespace, names, pair in _together(may_bind, may_write):
            spaces = (("",) if not namespace else ()) if is_whole else holdings.world.spaces_in(namespace)
            for name, space in product(names or (ADMIN,), spaces):
                where = f" in {space}" if space else ""
                yield Way(
                    "bind", Becomes("ClusterRole", space, (name,)), pair, f"binds {{}} to itself{where}"
                )
    roles = holdings.of((ask("bind", "roles", GROUP),))
    may_write = holdings.of((ask("create", "rolebindings", GROUP),), of_one=False) if roles else []
    for namespace, names, pair in _together(roles, may_write):
        for role in holdings.world.inventory.of(f"Role.{GROUP}"):
            space = role.namespace or "default"
            if namespace in ("", space) and (not names or role.name in names):
                yield Way("bind", Becomes("Role", space, (role.name,)), pair, "binds {} to itself")


def _by_roles(holdings: Holdings) -> Iterator[Way]:
    """``escalate`` lets any rule be written into a role; it counts where the role is held."""
    for plural, kind in (("clusterroles", "ClusterRole"), ("roles", "Role")):
        may_escalate = holdings.of((ask("escalate", plural, GROUP),), everywhere=kind == "ClusterRole")
        if not may_escalate:
            continue
        changes = list(
            _together(
                may_escalate,
                holdings.of((ask("update patch", plural, GROUP),), everywhere=kind == "ClusterRole"),
            )
        )
        creates = [
            pair
            for _, _, pair in _together(
                may_escalate, holdings.of((ask("create", plural, GROUP),), of_one=False, everywhere=True)
            )
        ]
        for _, grant in holdings.grants:
            role = grant.role
            if role.kind != kind:
                continue
            becomes = Becomes("ClusterRole", grant.reaches, (ADMIN,))
            fits = (
                pair
                for namespace, names, pair in changes
                if (not names or role.name in names) and namespace in ("", role.namespace)
            )
            for pair in (*fits,)[:1]:
                yield Way("escalate", becomes, pair, f"writes every right into {role.title}, which it holds")
            if is_aggregated(role) and creates:
                yield Way(
                    "aggregation",
                    becomes,
                    creates[0],
                    f"creates a ClusterRole with every right that {role.title}, which it holds, takes over",
                )


def _by_certificates(holdings: Holdings) -> Iterator[Way]:
    signers = [
        one
        for one in holdings.of(_SIGNERS, everywhere=True)
        if not one.names or set(one.names) & set(_CLIENT_SIGNERS)
    ]
    parts = (
        holdings.of(_ASK_CERTIFICATES, of_one=False, everywhere=True),
        holdings.of(_APPROVE, everywhere=True),
        signers,
    )
    if all(parts):
        held = tuple(part[0] for part in parts)
        for kind, text in (
            ("User", "of {}"),
            ("Group", "of a member of {}"),
            ("ServiceAccount", "with the user name of {}"),
        ):
            # The API server refuses certificates of its masters.
            namespace = None if kind == "ServiceAccount" else ""
            yield Way(
                "certificate",
                Becomes(kind, namespace, None, None, MASTERS),
                held,
                f"asks for a certificate {text} and approves it",
            )


def _together(
    first: Sequence[Held], second: Sequence[Held]
) -> Iterator[tuple[str, tuple[str, ...], tuple[Held, ...]]]:
    """Where both hold: namespace, names, and the two."""
    for one, other in product(first, second):
        if one.namespace == other.namespace or not one.namespace or not other.namespace:
            if one.names and other.names:
                names = tuple(name for name in one.names if name in other.names)
                if not names:
                    continue
            else:
                names = one.names or other.names
            yield one.namespace or other.namespace, names, (one, other)


def held_role(world: AccessWorld, node: Subject) -> tuple[Subject, Grant] | None:
    """What it is to hold a role that one has bound to oneself; ``None`` for a role that was not read."""
    kind = "RoleBinding" if node.namespace else "ClusterRoleBinding"
    body = {"roleRef": {"kind": node.kind, "name": node.name}, "subjects": [{"kind": "User", "name": "it"}]}
    binding = Resource(
        f"{GROUP}/v1",
        kind,
        node.namespace,
        "its own",
        body,
        Origin(kind="derived", path=f"bound/{node.title}"),
    )
    grants = world.inventory.everything_bound_by(binding).grants
    return (Subject("User", "", "it"), grants[0]) if grants else None
