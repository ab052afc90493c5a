"""The ways by which a subject gets the rights of another: what it has to hold, and whom it then is.

Followed are those that Kubernetes' own documentation names
(https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks) and that rights alone decide on.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import Literal, NamedTuple

from msgspec import Struct

from leadline.kube.access_question import MASTERS, Rule, names_of
from leadline.kube.rbac import GROUP, Grant, is_aggregated, role_bound_by
from leadline.kube.role_rules import Ask, RuleMatch, ask, places_of_any_name, within_namespace
from leadline.kube.version import parse_version
from leadline.model.access import Subject
from leadline.posture.checks.rbac_queries import CREATE_TOKENS, POD_OWNERS, REACH_KUBELETS, READ_SECRETS
from leadline.scans.access.target import AccessWorld

WayKind = Literal[
    "impersonation", "token", "secret", "pod", "workload", "exec", "node", "bind", "escalate", "aggregation", "certificate"
]  # fmt: skip
ADMIN = "cluster-admin"
ADMIN_NODE = Subject("ClusterRole", "", ADMIN)
"""The goal: everything on all resources of the whole cluster."""
_CERTIFICATES = "certificates.k8s.io"
_ROLES_OF = {"ClusterRole": "clusterroles", "Role": "roles"}


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


class Way(Struct, frozen=True):
    kind: WayKind
    becomes: Becomes
    held: tuple[Held, ...]
    """The rules that it takes, together."""
    text: str
    """What is done, up to whom it leads to: ``asks for a token of``."""
    rest: str | None = ""
    """What comes after whom it leads to; ``None`` where that is not named."""


class _AnyName(Struct, frozen=True):
    """As a ``Judge``: ``ask`` for some object at least."""

    ask: Ask

    def __call__(self, rule: Rule) -> Iterable[str]:
        return places_of_any_name(self.ask, rule)


class Need(NamedTuple):
    """A right that a way takes: any of ``asks``."""

    asks: tuple[Ask, ...]
    of_some: bool = True
    """Whether it is enough to hold it for some named objects; otherwise for all, or for those that ``asks`` name."""


class Holdings:
    """All that one subject holds, by its own name and through groups."""

    def __init__(self, world: AccessWorld, grants: Sequence[tuple[Subject, Grant]]) -> None:
        self.world = world
        self.grants = grants

    def of(self, need: Need) -> Iterator[Held]:
        for question in need.asks:
            for holder, grant in self.grants:
                rules = grant.rules
                asked = question if grant.is_cluster_wide else within_namespace(question)
                if asked is None or (rules.verbs is not None and rules.verbs.isdisjoint(asked.verbs)):
                    continue
                for match in rules.matching(_AnyName(asked) if need.of_some else asked):
                    names = names_of(match.rule) if need.of_some else ()
                    yield Held(grant.reaches, names, holder, grant, match)

    def together(self, first: Need, *more: Need) -> Iterator[tuple[str, tuple[str, ...], tuple[Held, ...]]]:
        """Where all are held: namespace, the names that the first is limited to, and the first rules for that."""
        found: dict[tuple[str, tuple[str, ...]], tuple[Held, ...]] = {}
        for one in self.of(first):
            found.setdefault((one.namespace, one.names), (one,))
        for need in more if found else ():
            places: dict[str, Held] = {}
            for one in self.of(need):
                places.setdefault(one.namespace, one)
            before, found = found, {}
            for (space, names), held in before.items():
                for other in [one for one in ("", space) if one in places] if space else places:
                    found.setdefault((space or other, names), (*held, places[other]))
        for (space, names), held in found.items():
            yield space, names, held

    @property
    def admin(self) -> Held | None:
        """The rule by which it may do everything everywhere."""
        every = self.of(Need((ask("*", "*", "*"),), of_some=False))
        return next((one for one in every if not one.namespace), None)


class _Place(NamedTuple):
    """Where a subject holds all that a way takes, and for which objects it holds the first of it."""

    world: AccessWorld
    namespace: str
    names: tuple[str, ...]


Among = Callable[[_Place], frozenset[Subject] | None]
"""The only ones that a way can lead to from there; ``None`` for all."""


def _anyone(_: _Place) -> None:
    return None


def _there(place: _Place) -> frozenset[Subject] | None:
    return place.world.accounts


def _mounted(place: _Place) -> frozenset[Subject]:
    return place.world.mounted_accounts


def _beside_workloads(place: _Place) -> frozenset[Subject] | None:
    inventory = place.world.inventory
    has_any = inventory.has_workloads(place.namespace) if place.namespace else inventory.workloads
    return place.world.accounts if has_any else frozenset()


def _of_read_secrets(place: _Place) -> frozenset[Subject]:
    of_secrets = place.world.token_secrets
    return frozenset(account for name, account in of_secrets if not place.names or name in place.names)


def _but_masters(place: _Place) -> frozenset[Subject]:
    """The API server refuses certificates of its masters."""
    return frozenset(place.world.by_subject) - {MASTERS}


class _Sort(NamedTuple):
    """One way: what it takes, what is done, and whom it leads to where that is held."""

    kind: WayKind
    needs: tuple[Need, ...]
    text: str
    """With ``{}`` for whom it leads to."""
    to: str = "ServiceAccount"
    among: Among = _anyone
    is_named: bool = False
    """Whether the names that the first right is limited to are theirs."""
    until: tuple[int, int] | None = None
    """The version of Kubernetes from which it takes more; ``None`` where none does."""


def _need(verbs: str, resources: str, group: str = "core", *, of_some: bool = True) -> Need:
    return Need((ask(verbs, resources, group),), of_some)


_SOMEONE = _need("impersonate", "users serviceaccounts")
_MAKE_PODS = (
    ask("create", "pods replicationcontrollers"),
    ask("create", POD_OWNERS, "apps"),
    ask("create", "jobs cronjobs", "batch"),
)
_CHANGE_PODS = (
    ask("update patch", "replicationcontrollers"),
    ask("update patch", POD_OWNERS, "apps"),
    ask("update patch", "cronjobs", "batch"),
)
"""Jobs cannot change their pods."""
_RUN = (ask("create", "pods/exec pods/attach"), ask("patch update", "pods/ephemeralcontainers"))
_SIGNERS = ask("approve", "signers", _CERTIFICATES, "kubernetes.io/kube-apiserver-client kubernetes.io/*")
_CERTIFICATE = (
    _need("create", "certificatesigningrequests", _CERTIFICATES, of_some=False),
    _need("update patch", "certificatesigningrequests/approval", _CERTIFICATES),
    Need((_SIGNERS,), of_some=False),
)
_BIND = {kind: _need("bind", plural, GROUP) for kind, plural in _ROLES_OF.items()}
_SORTS = (
    _Sort("impersonation", (_need("impersonate", "users"),), "impersonates {}", "User", is_named=True),
    _Sort("impersonation", (_need("impersonate", "groups"), _SOMEONE), "impersonates a member of {}", "Group", is_named=True),
    _Sort("impersonation", (_need("impersonate", "serviceaccounts"),), "impersonates {}", is_named=True),
    _Sort("token", (Need(CREATE_TOKENS),), "asks for a token of {}", among=_there, is_named=True),
    _Sort("pod", (Need(_MAKE_PODS, of_some=False),), "creates a pod that runs as {}", among=_there),
    _Sort("exec", (Need(_RUN, of_some=False),), "runs commands in a pod of {}, whose token is mounted", among=_mounted),
    _Sort(
        "exec", (_need("get", "pods/exec pods/attach", of_some=False),),
        "runs commands over a websocket, before Kubernetes 1.35, in a pod of {}, whose token is mounted", among=_mounted, until=(1, 35),
    ),
    _Sort("node", (Need(REACH_KUBELETS),), "runs commands through the kubelet in a pod of {}, whose token is mounted", among=_mounted),
    _Sort("workload", (Need(_CHANGE_PODS),), "changes a workload so that its pods run as {}", among=_beside_workloads),
    _Sort("secret", (_need("create", "secrets", of_some=False), Need(READ_SECRETS)), "creates a Secret for a token of {} and reads it", among=_there),
    _Sort("secret", (Need(READ_SECRETS),), "reads the Secret with the token of {}", among=_of_read_secrets),
    _Sort("certificate", _CERTIFICATE, "asks for a certificate of {} and approves it", "User"),
    _Sort("certificate", _CERTIFICATE, "asks for a certificate of a member of {} and approves it", "Group", _but_masters),
    _Sort("certificate", _CERTIFICATE, "asks for a certificate with the user name of {} and approves it"),
)  # fmt: skip


def ways_of(holdings: Holdings) -> Iterator[Way]:
    """Every way that the rules open; whether anyone is at its end is for the caller to find."""
    version = parse_version(holdings.world.inventory.server_version)
    for sort in _SORTS:
        if sort.until and version and version >= sort.until:
            continue
        before, _, after = sort.text.partition("{}")
        for namespace, names, held in holdings.together(*sort.needs):
            space = "" if sort.to != "ServiceAccount" else namespace or None
            among = sort.among(_Place(holdings.world, namespace, names))
            becomes = Becomes(sort.to, space, (names if sort.is_named else ()) or None, among)
            yield Way(sort.kind, becomes, held, before, after)
    yield from _by_new_bindings(holdings)
    yield from _by_changed_bindings(holdings)
    yield from _by_changed_roles(holdings)


def _by_new_bindings(holdings: Holdings) -> Iterator[Way]:
    """``bind`` lets a binding be written for a role that its writer does not hold."""
    world = holdings.world
    everywhere = _need("create", "clusterrolebindings", GROUP, of_some=False)
    somewhere = _need("create", "rolebindings", GROUP, of_some=False)
    for namespace, names, held in holdings.together(_BIND["ClusterRole"], everywhere):
        for name in () if namespace else names or (ADMIN,):
            yield Way("bind", Becomes("ClusterRole", "", (name,)), held, "binds ", " to itself")
    for namespace, names, held in holdings.together(_BIND["ClusterRole"], somewhere):
        spaces = {namespace} if namespace else {one.namespace for one in world.by_subject if one.namespace}
        for name, space in product(names or (ADMIN,), sorted(spaces)):
            yield Way(
                "bind", Becomes("ClusterRole", space, (name,)), held, "binds ", f" to itself in {space}"
            )
    for namespace, names, held in holdings.together(_BIND["Role"], somewhere):
        for role in world.inventory.of(f"Role.{GROUP}"):
            space = role.namespace or "default"
            if namespace in ("", space) and (not names or role.name in names):
                yield Way("bind", Becomes("Role", space, (role.name,)), held, "binds ", " to itself")


def _by_changed_bindings(holdings: Holdings) -> Iterator[Way]:
    """Who may change a binding and bind its role adds itself: the role of a binding stays, its subjects do not."""
    may_bind = {kind: [*holdings.of(need)] for kind, need in _BIND.items()}
    if not any(may_bind.values()):
        return
    may_change = {
        kind: [*holdings.of(_need("update patch", f"{kind.lower()}s", GROUP))]
        for kind in ("ClusterRoleBinding", "RoleBinding")
    }
    for binding in holdings.world.inventory.bindings if any(may_change.values()) else ():
        kind, _, name = role_bound_by(binding) or ("", "", "")
        space = "" if binding.kind == "ClusterRoleBinding" else binding.namespace or "default"
        bind = _good_for(name, space, may_bind.get(kind, ()))
        change = _good_for(binding.name, space, may_change[binding.kind])
        if bind and change:
            text = f"adds itself to {binding.title}, which gives "
            yield Way("bind", Becomes(kind, space, (name,)), (bind, change), text)


def _by_changed_roles(holdings: Holdings) -> Iterator[Way]:
    """``escalate`` lets any rule be written into a role; it counts where the role is held."""
    for kind, plural in _ROLES_OF.items():
        may = {
            verbs: [*holdings.of(_need(verbs, plural, GROUP, of_some=verbs != "create"))]
            for verbs in ("escalate", "update patch", "create")
        }
        held = {
            (grant.role.id, grant.reaches): grant for _, grant in holdings.grants if grant.role.kind == kind
        }
        for grant in held.values() if may["escalate"] else ():
            role, becomes = grant.role, Becomes("ClusterRole", grant.reaches, (ADMIN,))
            escalate, change = (
                _good_for(role.name, role.namespace, may[verbs]) for verbs in ("escalate", "update patch")
            )
            if escalate and change:
                text = f"writes every right into {role.title}, which it holds"
                yield Way("escalate", becomes, (escalate, change), text, None)
            if is_aggregated(role) and may["create"]:
                text = f"creates a ClusterRole with every right that {role.title}, which it holds, takes over"
                yield Way("aggregation", becomes, (may["escalate"][0], may["create"][0]), text, None)


def _good_for(name: str, space: str, held: Iterable[Held]) -> Held | None:
    fits = (one for one in held if one.namespace in ("", space) and (not one.names or name in one.names))
    return next(fits, None)
