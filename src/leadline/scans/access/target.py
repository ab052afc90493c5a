"""Reads roles, bindings and accounts of files or of a cluster, and joins them into worlds."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

from msgspec import Struct

from leadline.errors import SourceError
from leadline.kube.access_question import groups_of, holder_of
from leadline.kube.rbac import RBAC_KINDS, Grant
from leadline.model.access import Subject
from leadline.model.finding import Unread
from leadline.model.resource import Resource
from leadline.outputs.redaction.report import Redaction
from leadline.posture.inventory import Facts, Inventory
from leadline.posture.worlds import Worlds
from leadline.scans.options import PostureOptions
from leadline.scans.posture.read_targets import read
from leadline.scans.posture.reading import Reading
from leadline.sources.cluster.connection import connect
from leadline.sources.cluster.discovery import Served, assumed_kinds, discover_kinds
from leadline.sources.cluster.rbac import ANY_WORKLOAD
from leadline.sources.cluster.reader import read_cluster

ACCOUNT_KINDS = ("ServiceAccount", "Namespace", ANY_WORKLOAD)
"""What is read beside roles and bindings where ways over accounts are asked for."""


class AccessWorld:
    """The bindings of one world, joined to their roles and filed by whom they name."""

    def __init__(self, inventory: Inventory, name: str) -> None:
        self.inventory = inventory
        self.name = name
        """What was rendered; empty for a cluster and for loose manifests."""
        every = [(binding, inventory.everything_bound_by(binding)) for binding in inventory.bindings]
        self.grants: tuple[Grant, ...] = tuple(grant for _, given in every for grant in given.grants)
        self.without_role = tuple((binding, given.unknown) for binding, given in every if given.unknown)
        """Bindings whose role was not read, or in part only, each with its name and why."""

    @cached_property
    def by_subject(self) -> dict[Subject, list[Grant]]:
        found: dict[Subject, list[Grant]] = defaultdict(list)
        for grant in self.grants:
            subject = holder_of(grant)
            if subject is not None:
                found[subject].append(grant)
        return dict(found)

    def held_by(self, subject: Subject, groups: Sequence[str] = ()) -> Iterator[tuple[Subject, Grant]]:
        """Every grant of ``subject``, with the name that the binding has for it: its own or that of a group."""
        for holder in (subject, *groups_of(subject, groups)):
            for grant in self.by_subject.get(holder, ()):
                yield holder, grant


class AccessTarget(Struct, frozen=True):
    """What was read, ready to be asked."""

    name: str
    is_cluster: bool
    worlds: tuple[AccessWorld, ...]
    served: Served
    """The kinds by which a person may name a resource."""
    unread: tuple[Unread, ...]
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
            yield _of_reading(reading, hidden)


def _of_reading(reading: Reading, hidden: Redaction) -> AccessTarget:
    worlds = _worlds(reading.resources, Facts())
    unknown = tuple(
        Unread(
            _place(binding),
            f"{binding.title} gives {role}, which was not read in full",
            "missing",
            hint="read it together with the role",
        )
        for world in worlds
        for binding, role in world.without_role
    )
    unread = (*hidden.unread(reading.unread), *unknown)
    notes = ("files show what they bind; what else a cluster binds is not in them",)
    return AccessTarget(reading.target.name, False, worlds, assumed_kinds(), unread, notes=notes)


def _of_cluster(options: PostureOptions, hidden: Redaction, *, with_accounts: bool) -> AccessTarget:
    options.say("reading the cluster")
    cluster = connect(options.kube_context, options.kubeconfig, environ=options.environ, said=options.note)
    try:
        kinds = {*RBAC_KINDS, *(ACCOUNT_KINDS if with_accounts else ())}
        snapshot = read_cluster(cluster, kinds, options.include_namespaces, options.exclude_namespaces)
        served = discover_kinds(cluster)
    finally:
        cluster.close()
    worlds = _worlds(snapshot.resources, Facts(is_whole=True, server_version=snapshot.server_version))
    missing = [f"{binding.title} gives {role}" for world in worlds for binding, role in world.without_role]
    is_read = snapshot.unread_kinds.isdisjoint(RBAC_KINDS[:2])
    unread = tuple(hidden.unread(snapshot.unread))
    unread += () if is_read else tuple(Unread(one, "the role was not read", "missing") for one in missing)
    stale = tuple(f"{one}, which does not exist" for one in missing) if is_read else ()
    notes = ("what the Node authoriser and webhooks allow is not RBAC and not looked at",)
    return AccessTarget(snapshot.context, True, worlds, served, unread, stale, notes=notes)


def _worlds(resources: Sequence[Resource], facts: Facts) -> tuple[AccessWorld, ...]:
    found = []
    for inventory in Worlds(resources, facts):
        first = next(iter(inventory.resources), None)
        found.append(AccessWorld(inventory, first.origin.rendering if first is not None else ""))
    return tuple(found)


def _place(resource: Resource) -> str:
    return resource.origin.file or resource.title
