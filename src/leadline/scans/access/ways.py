"""The ways by which a subject gets the rights of another: what it has to hold, and whom it then is.

Followed are those that Kubernetes' own documentation names
(https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks) and that rights alone decide on.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from leadline.kube.access_question import MASTERS, names_of, texts_of
from leadline.kube.rbac import GROUP, Grant, is_aggregated, role_bound_by
from leadline.kube.role_rules import Ask, RuleMatch, ask, places_of_any_name
from leadline.kube.version import parse_version
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

_CERTIFICATES = "certificates.k8s.io"
_CLIENT_SIGNERS = frozenset({"kubernetes.io/kube-apiserver-client", "kubernetes.io/*"})
_OWNERS = "deployments daemonsets replicasets statefulsets"
_IMPERSONATE = {
    "User": (ask("impersonate", "users"),),
    "Group": (ask("impersonate", "groups"),),
    "ServiceAccount": (ask("impersonate", "serviceaccounts"),),
}
_CREATE_SECRETS = (ask("create", "secrets"),)
_CHANGE_OWNERS = (
    ask("update patch", "replicationcontrollers"),
    ask("update patch", _OWNERS, "apps"),
    ask("update patch", "cronjobs", "batch"),
)
"""Jobs cannot change their pods."""


class _Direct(NamedTuple):
    """A way over one right, to accounts where it is held."""

    kind: "WayKind"
    asks: tuple[Ask, ...]
    text: str
    of_one: bool = False
    """Whether a rule that is limited to some names counts too."""
    names_accounts: bool = False
    """Whether these names are those of the accounts."""
    is_mounted: bool = False
    """Whether it takes a pod that runs with a token, rather than an account."""
    everywhere: bool = False
    """Whether what is asked for has no namespace."""
    until: tuple[int, int] | None = None
    """The version of Kubernetes from which it takes more; ``None`` where none does."""


_DIRECT = (
    _Direct("token", (ask("create", "serviceaccounts/token"),), "asks for a token of {}", True, True),
    _Direct(
        "pod",
        (
            ask("create", "pods replicationcontrollers"),
            ask("create", _OWNERS, "apps"),
            ask("create", "jobs cronjobs", "batch"),
        ),
        "creates a pod that runs as {}",
    ),
    _Direct(
        "exec",
        (ask("create", "pods/exec pods/attach"), ask("patch update", "pods/ephemeralcontainers")),
        "runs commands in a pod of {}, whose token is mounted",
        is_mounted=True,
    ),
    _Direct(
        "exec",
        (ask("get", "pods/exec pods/attach"),),
        "runs commands over a websocket, before Kubernetes 1.35, in a pod of {}, whose token is mounted",
        is_mounted=True,
        until=(1, 35),
    ),
    _Direct(
        "node",
        REACH_KUBELETS,
        "runs commands through the kubelet in a pod of {}, whose token is mounted",
        of_one=True,
        is_mounted=True,
        everywhere=True,
    ),
)


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
    yield from _by_bindings(holdings)
    yield from _by_changed_bindings(holdings)
    yield from _by_roles(holdings)
    yield from _by_certificates(holdings)


def _by_impersonation(holdings: Holdings) -> Iterator[Way]:
    found = {
        kind: holdings.of(asks, everywhere=kind != "ServiceAccount") for kind, asks in _IMPERSONATE.items()
    }
    someone = [*found["User"], *found["ServiceAccount"]]
    for kind, all_held in found.items():
        for one in all_held if kind != "Group" or someone else ():
            namespace = (one.namespace or None) if kind == "ServiceAccount" else ""
            becomes = Becomes(kind, namespace, one.names or None)
            # A group is impersonated beside a user.
            held = (one, someone[0]) if kind == "Group" else (one,)
            yield Way(
                "impersonation",
                becomes,
                held,
                f"impersonates {'a member of ' if kind == 'Group' else ''}{{}}",
            )


def _by_accounts(holdings: Holdings) -> Iterator[Way]:
    """A token is asked for, put into a Secret and read there, or mounted into a pod."""
    world = holdings.world

    def accounts(
        namespace: str, names: tuple[str, ...] = (), among: frozenset[Subject] | None = world.accounts
    ) -> Becomes:
        return Becomes("ServiceAccount", namespace or None, names or None, among)

    version = parse_version(world.inventory.server_version)
    for way in _DIRECT:
        if way.until and version and version >= way.until:
            continue
        for one in holdings.of(way.asks, of_one=way.of_one, everywhere=way.everywhere):
            among = world.mounted_accounts if way.is_mounted else world.accounts
            becomes = accounts(one.namespace, one.names if way.names_accounts else (), among)
            yield Way(way.kind, becomes, (one,), way.text)
    for one in holdings.of(_CHANGE_OWNERS):
        if world.has_workloads(one.namespace):
            yield Way(
                "workload", accounts(one.namespace), (one,), "changes a workload so that its pods run as {}"
            )
    readers = holdings.of(READ_SECRETS)
    for namespace, _, pair in _together(holdings.of(_CREATE_SECRETS, of_one=False), readers):
        yield Way("secret", accounts(namespace), pair, "creates a Secret for a token of {} and reads it")
    for one in readers:
        read = (
            account
            for name, account in world.token_secrets
            if one.namespace in ("", account.namespace) and (not one.names or name in one.names)
        )
        if held := frozenset(read):
            yield Way("secret", accounts("", (), held), (one,), "reads the Secret with the token of {}")


def _by_bindings(holdings: Holdings) -> Iterator[Way]:
    """``bind`` lets a binding be written for a role that its writer does not hold."""
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


def _by_changed_bindings(holdings: Holdings) -> Iterator[Way]:
    """Who may change a binding and bind its role adds itself: the role of a binding stays, its subjects do not."""
    may_bind = {
        kind: holdings.of((ask("bind", plural, GROUP),))
        for kind, plural in (("ClusterRole", "clusterroles"), ("Role", "roles"))
    }
    if not any(may_bind.values()):
        return
    may_change = {
        kind: holdings.of(
            (ask("update patch", f"{kind.lower()}s", GROUP),), everywhere=kind == "ClusterRoleBinding"
        )
        for kind in ("ClusterRoleBinding", "RoleBinding")
    }
    for binding in holdings.world.inventory.bindings if any(may_change.values()) else ():
        kind, _, name = role_bound_by(binding) or ("", "", "")
        space = "" if binding.kind == "ClusterRoleBinding" else binding.namespace or "default"
        pair = (
            _good_for(name, space, may_bind.get(kind, ())),
            _good_for(binding.name, space, may_change[binding.kind]),
        )
        if pair[0] and pair[1]:
            text = f"adds itself to {binding.title}, which gives {{}}"
            yield Way("bind", Becomes(kind, space, (name,)), (pair[0], pair[1]), text)


def _good_for(name: str, space: str, held: Iterable[Held]) -> Held | None:
    return next(
        (one for one in held if one.namespace in ("", space) and (not one.names or name in one.names)), None
    )


def _by_roles(holdings: Holdings) -> Iterator[Way]:
    """``escalate`` lets any rule be written into a role; it counts where the role is held."""
    for plural, kind in (("clusterroles", "ClusterRole"), ("roles", "Role")):
        is_whole = kind == "ClusterRole"
        may_escalate = holdings.of((ask("escalate", plural, GROUP),), everywhere=is_whole)
        if not may_escalate:
            continue
        changers = holdings.of((ask("update patch", plural, GROUP),), everywhere=is_whole)
        makers = holdings.of((ask("create", plural, GROUP),), of_one=False, everywhere=True)
        changes, creates = list(_together(may_escalate, changers)), list(_together(may_escalate, makers))
        for role, reaches in {
            (grant.role.id, grant.reaches): (grant.role, grant.reaches) for _, grant in holdings.grants
        }.values():
            if role.kind != kind:
                continue
            becomes = Becomes("ClusterRole", reaches, (ADMIN,))
            for namespace, names, pair in changes:
                if (not names or role.name in names) and namespace in ("", role.namespace):
                    yield Way(
                        "escalate", becomes, pair, f"writes every right into {role.title}, which it holds"
                    )
                    break
            if is_aggregated(role) and creates:
                made = f"creates a ClusterRole with every right that {role.title}, which it holds, takes over"
                yield Way("aggregation", becomes, creates[0][2], made)


def _by_certificates(holdings: Holdings) -> Iterator[Way]:
    parts = (
        holdings.of(
            (ask("create", "certificatesigningrequests", _CERTIFICATES),), of_one=False, everywhere=True
        ),
        holdings.of(
            (ask("update patch", "certificatesigningrequests/approval", _CERTIFICATES),), everywhere=True
        ),
        [
            one
            for one in holdings.of((ask("approve", "signers", _CERTIFICATES),), everywhere=True)
            if not one.names or _CLIENT_SIGNERS & set(one.names)
        ],
    )
    if all(parts):
        held = tuple(part[0] for part in parts)
        for kind, text in (
            ("User", "of"),
            ("Group", "of a member of"),
            ("ServiceAccount", "with the user name of"),
        ):
            # The API server refuses certificates of its masters.
            becomes = Becomes(kind, None if kind == "ServiceAccount" else "", None, None, MASTERS)
            yield Way("certificate", becomes, held, f"asks for a certificate {text} {{}} and approves it")


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
