"""Reads roles, bindings and accounts of files or of a cluster, and joins them into worlds."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

from msgspec import Struct, structs

from leadline.errors import SourceError
from leadline.kube.access_question import groups_of, holder_of
from leadline.kube.kinds import kind_key
from leadline.kube.rbac import GROUP, RBAC_KINDS, Grant, is_aggregated, selected_by_aggregation
from leadline.kube.role_rules import OwnRules
from leadline.model.access import Subject
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.outputs.redaction.report import Redaction
from leadline.posture.apply_unit import DEFAULT_NAMESPACE
from leadline.posture.inventory import Facts, Inventory
from leadline.posture.subject import mapping, text
from leadline.posture.worlds import Worlds
from leadline.scans.options import PostureOptions
from leadline.scans.posture.read_targets import read
from leadline.sources.cluster.connection import Cluster, connect
from leadline.sources.cluster.discovery import ApiKind, Served, assumed_kinds, discover_kinds
from leadline.sources.cluster.rbac import ANY_WORKLOAD
from leadline.sources.cluster.readable import readable_namespaces
from leadline.sources.cluster.reader import read_cluster

_ACCOUNT_KINDS = ("ServiceAccount", "Namespace", ANY_WORKLOAD)
"""What is read beside roles and bindings where ways over accounts are asked for."""
_ROLE_BINDINGS = ApiKind(GROUP, "v1", "RoleBinding", "rolebindings", True)


class AccessWorld:
    """The bindings of one world, joined to their roles and filed by whom they name."""

    def __init__(self, inventory: Inventory, name: str, *, knows_accounts: bool = False) -> None:
        """``knows_accounts``: whether every service account was read."""
        self.inventory = inventory
        self.name = name
        """What was rendered; empty for a cluster and for loose manifests."""
        every = [(binding, inventory.everything_bound_by(binding)) for binding in inventory.bindings]
        self.grants: tuple[Grant, ...] = tuple(grant for _, given in every for grant in given.grants)
        self.without_role = tuple((binding, given.unknown) for binding, given in every if given.unknown)
        """Bindings whose role was not read, or in part only, each with its name and why."""
        self._knows_accounts = knows_accounts

    @cached_property
    def by_subject(self) -> dict[Subject, list[Grant]]:
        found: dict[Subject, list[Grant]] = defaultdict(list)
        for grant in self.grants:
            if subject := holder_of(grant):
                found[subject].append(grant)
        return dict(found)

    def held_by(self, subject: Subject, groups: Sequence[str] = ()) -> Iterator[tuple[Subject, Grant]]:
        """Every grant of ``subject``, with the name that the binding has for it: its own or that of a group."""
        for holder in (subject, *groups_of(subject, groups)):
            yield from ((holder, grant) for grant in self.by_subject.get(holder, ()))

    def taken_over(self, grant: Grant) -> tuple[OwnRules, ...]:
        """The roles whose rules the role of ``grant`` takes over by their labels; a cluster writes these into it."""
        if not is_aggregated(grant.role):
            return ()
        here = self.inventory.seen_from(grant.binding)
        question = f"taken over by {grant.role.id}"
        return here.once(question, lambda: selected_by_aggregation(OwnRules(grant.role), here)[0])

    @cached_property
    def accounts(self) -> frozenset[Subject] | None:
        """The service accounts that there are; ``None`` where not all of them were read."""
        if not self._knows_accounts:
            return None
        return frozenset(_account(one, one.name) for one in self.inventory.of("ServiceAccount"))

    @cached_property
    def mounted_accounts(self) -> frozenset[Subject]:
        """The accounts whose token is mounted into pods that were read."""
        mounting = filter(self.inventory.mounts_token, self.inventory.workloads)
        return frozenset(_account(one.resource, one.service_account) for one in mounting)

    @cached_property
    def token_secrets(self) -> tuple[tuple[str, Subject], ...]:
        """Names of Secrets that hold a token, with whose it is; those of a cluster are not read."""
        found = []
        for secret in self.inventory.of("Secret"):
            annotations = mapping(mapping(secret.body.get("metadata")).get("annotations"))
            name = text(annotations.get("kubernetes.io/service-account.name"))
            if name and secret.body.get("type") == "kubernetes.io/service-account-token":
                found.append((secret.name, _account(secret, name)))
        return tuple(found)


def _account(beside: Resource, name: str) -> Subject:
    return Subject("ServiceAccount", beside.namespace or DEFAULT_NAMESPACE, name)


class AccessTarget(Struct, frozen=True):
    """What was read, ready to be asked."""

    name: str
    is_cluster: bool
    worlds: tuple[AccessWorld, ...]
    served: Served
    """The kinds by which a person may name a resource."""
    unread: tuple[Unread, ...] = ()
    """What may hold more roles, bindings or accounts, bindings of unread roles among them."""
    stale: tuple[str, ...] = ()
    """As ``AccessAnswer.stale``."""
    scope: str = ""
    """As ``AccessAnswer.scope``."""
    notes: tuple[str, ...] = ()


@contextmanager
def open_access(
    targets: Sequence[str], options: PostureOptions, *, with_accounts: bool = False
) -> Iterator[AccessTarget]:
    """``targets``, or the cluster where there is none; files that were fetched stay until the block is left.

    Raises: ``SourceError`` where it cannot be read at all.
    """
    hidden = Redaction(options.secrets)
    hidden.add_settings((*options.charts.set, *options.charts.set_string))
    with hidden.errors():
        if not targets:
            yield _of_cluster(options, hidden, with_accounts=with_accounts)
            return
        with read(targets, options, ()) as reading:
            hidden.learn_from(reading.resources)
            if not reading.resources and not reading.unread:
                raise SourceError(f"no Kubernetes objects in {' '.join(targets)}")
            unread = tuple(map(hidden.unread, reading.unread))
            yield _of_resources(reading.resources, unread, reading.target.name)


def access_of(report: PostureReport) -> AccessTarget | None:
    """Of a report with bodies; ``None`` where it holds none, as that of a store, or neither role nor binding."""
    resources = tuple(one for one in report.resources if one.origin.kind != "derived")
    if not any(one.body and kind_key(one.group, one.kind) in RBAC_KINDS for one in resources):
        return None
    is_cluster = report.target.kind == "cluster"
    made = _of_resources(resources, report.unread, report.target.name)
    return structs.replace(made, is_cluster=is_cluster, notes=() if is_cluster else made.notes)


def access_in(inventories: Iterable[Inventory], name: str) -> AccessTarget:
    """Of a cluster that is followed, as it is now."""
    return AccessTarget(name, True, tuple(AccessWorld(one, name) for one in inventories), assumed_kinds())


def _of_resources(resources: Sequence[Resource], unread: tuple[Unread, ...], name: str) -> AccessTarget:
    worlds = _worlds(resources, Facts())
    unknown = tuple(
        Unread(
            binding.origin.file or binding.title,
            f"{binding.title} gives {role}, which was not read in full",
            "missing",
            hint="read it together with the role",
        )
        for world in worlds
        for binding, role in world.without_role
    )
    notes = ("files show what they bind; what else a cluster binds is not in them",)
    return AccessTarget(name, False, worlds, assumed_kinds(), (*unread, *unknown), notes=notes)


def _of_cluster(options: PostureOptions, hidden: Redaction, *, with_accounts: bool) -> AccessTarget:
    options.say("reading the cluster")
    cluster = connect(options.kube_context, options.kubeconfig, environ=options.environ, said=options.note)
    try:
        included, scope = _scope(cluster, options)
        kinds = {*RBAC_KINDS, *(_ACCOUNT_KINDS if with_accounts else ())}
        snapshot = read_cluster(cluster, kinds, included, options.exclude_namespaces)
        served = discover_kinds(cluster)
    finally:
        cluster.close()
    is_whole = not included and not options.exclude_namespaces
    knows_accounts = with_accounts and is_whole and "ServiceAccount" not in snapshot.unread_kinds
    facts = Facts(is_whole=is_whole, server_version=snapshot.server_version)
    worlds = _worlds(snapshot.resources, facts, knows_accounts=knows_accounts)
    missing = [f"{binding.title} gives {role}" for world in worlds for binding, role in world.without_role]
    is_read = snapshot.unread_kinds.isdisjoint(RBAC_KINDS[:2])
    unread = tuple(map(hidden.unread, snapshot.unread))
    unread += () if is_read else tuple(Unread(one, "the role was not read", "missing") for one in missing)
    stale = tuple(f"{one}, which does not exist" for one in missing) if is_read else ()
    notes = ("what the Node authoriser and webhooks allow is not RBAC and not looked at",)
    return AccessTarget(snapshot.context, True, worlds, served, unread, stale, scope, notes)


def _scope(cluster: Cluster, options: PostureOptions) -> tuple[tuple[str, ...], str]:
    """The namespaces to read, and how many these are where the signed-in user may not list bindings in all."""
    if options.include_namespaces:
        return options.include_namespaces, ""
    readable = readable_namespaces(cluster, _ROLE_BINDINGS)
    if not readable.namespaces:
        return (), ""
    if not readable.known:
        return readable.namespaces, f"namespace {readable.namespaces[0]}"
    return readable.namespaces, f"{len(readable.namespaces):,} of {readable.known:,} namespaces"


def _worlds(
    resources: Sequence[Resource], facts: Facts, *, knows_accounts: bool = False
) -> tuple[AccessWorld, ...]:
    return tuple(
        AccessWorld(
            inventory,
            next((one.origin.rendering for one in inventory.resources), ""),
            knows_accounts=knows_accounts,
        )
        for inventory in Worlds(resources, facts)
    )
