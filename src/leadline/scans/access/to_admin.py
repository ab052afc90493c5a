"""Who is cluster admin, and who can become it: the shortest path over each way that a subject has."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from msgspec import Struct

from leadline.kube.access_question import MASTERS
from leadline.model.access import Access, AccessAnswer, AccessStep, Subject
from leadline.model.report import PostureReport
from leadline.outputs.text.plain import count
from leadline.scans.access.answers import answer_of, steps_to
from leadline.scans.access.target import AccessTarget, AccessWorld, access_of
from leadline.scans.access.ways import ADMIN_NODE, Becomes, Held, Holdings, Way, held_role, ways_of

_MASTERS_STEP = AccessStep("server", "the API server allows it everything and does not ask RBAC")
_ROLES = ("ClusterRole", "Role")


class AdminWay(Struct, frozen=True):
    """How near one subject is to cluster admin."""

    distance: int
    """Ways to take; 0 for an admin."""
    way: Way | None = None
    """The next one; ``None`` for an admin."""
    target: Subject | None = None
    """Whom it leads to."""


def to_admin(target: AccessTarget, *, with_own: bool = False) -> AccessAnswer:
    """A path for each subject and each way that leads it to cluster admin, the shortest first.

    ``with_own``: also of the subjects whose rights are Kubernetes' own, such as its controllers.
    """
    found: list[tuple[int, Access]] = []
    left_out = 0
    for world in target.worlds:
        paths = _Paths(world, is_cluster=target.is_cluster)
        for subject in paths.subjects:
            ways = list(paths.of(subject))
            if ways and not with_own and _is_kubernetes_own(world, subject):
                left_out += 1
            else:
                found += ways
    own = count(left_out, "subject")
    notes = (f"left out: {own} that Kubernetes itself binds",) if left_out else ()
    paths_by_length = [
        access for _, access in sorted(found, key=lambda one: (one[0], one[1].subject, one[1].world))
    ]
    return answer_of(target, "who can become cluster admin", paths_by_length, notes=(*_NOT_FOLLOWED, *notes))


def admins_of(report: PostureReport) -> tuple[Access, ...] | None:
    """Every way that is not Kubernetes' own, of a report with bodies; ``None`` where roles and bindings were not all read."""
    target = access_of(report)
    return None if target is None or target.unread else to_admin(target).found


_NOT_FOLLOWED = (
    "not followed: taking over a node from a privileged pod, changing admission webhooks, tokens in Secrets of a cluster",
)


def _is_kubernetes_own(world: AccessWorld, subject: Subject) -> bool:
    grants = world.by_subject.get(subject, ())
    return subject == MASTERS or (bool(grants) and all(grant.is_kubernetes_own for grant in grants))


class _Paths:
    """The shortest ways of one world, worked out from the admins backwards."""

    def __init__(self, world: AccessWorld, *, is_cluster: bool) -> None:
        self._world = world
        self._holdings: dict[Subject, Holdings] = {}
        self._ways: dict[Subject, tuple[Way, ...]] = {}
        self._reached: dict[Subject, AdminWay] = {}
        self.subjects = sorted({*world.by_subject, *((MASTERS,) if is_cluster else ())})
        self._measure()

    def of(self, subject: Subject) -> Iterator[tuple[int, Access]]:
        """The shortest path over each kind of way of ``subject``, with its length."""
        first = self._reached.get(subject)
        if first is None:
            return
        if first.way is None:
            yield 0, self._path(subject, first)
            return
        best: dict[str, AdminWay] = {}
        for way in self._ways[subject]:
            ends = _at_the_end(way.becomes, self._index)
            hits = ((self._reached[hit].distance, hit) for hit in ends if hit != subject)
            near = min(hits, default=None)
            if near is not None and (way.kind not in best or near[0] + 1 < best[way.kind].distance):
                best[way.kind] = AdminWay(near[0] + 1, way, near[1])
        for one in sorted(best.values(), key=lambda one: (one.distance, one.way.kind if one.way else "")):
            # The path of a target that is farther off than this subject may lead back over it.
            if one.distance <= first.distance + 1:
                yield one.distance, self._path(subject, one)

    def _measure(self) -> None:
        known = self._world.accounts or frozenset()
        waiting = {*self.subjects, *known, *self._world.mounted_accounts, ADMIN_NODE, MASTERS}
        queue = list(waiting)
        while queue:
            subject = queue.pop()
            holdings = self._holdings[subject] = self._held_by(subject)
            if subject in (MASTERS, ADMIN_NODE) or holdings.admin is not None:
                self._reached[subject] = AdminWay(0)
                continue
            self._ways[subject] = tuple(ways_of(holdings))
            for role in (one for way in self._ways[subject] for one in _roles_at(way.becomes)):
                if role not in waiting:
                    waiting.add(role)
                    queue.append(role)
        last, distance = dict(self._reached), 0
        open_ones = sorted(subject for subject in waiting if self._ways.get(subject))
        while last:
            distance += 1
            index = _by_place(last)
            last = {}
            for subject in open_ones:
                for way in self._ways[subject]:
                    hit = next(_at_the_end(way.becomes, index), None)
                    if hit is not None:
                        last[subject] = AdminWay(distance, way, hit)
                        break
            self._reached |= last
            open_ones = [subject for subject in open_ones if subject not in last]
        self._index = _by_place(self._reached)

    def _held_by(self, subject: Subject) -> Holdings:
        if subject.kind in _ROLES:
            held = held_role(self._world, subject)
            return Holdings(self._world, (held,) if held else ())
        return Holdings(self._world, tuple(self._world.held_by(subject)))

    def _path(self, subject: Subject, start: AdminWay) -> Access:
        return Access(
            subject=subject,
            steps=tuple(self._steps(subject, start)),
            way=start.way.kind if start.way else "",
            world=self._world.name,
        )

    def _steps(self, subject: Subject, at: AdminWay) -> Iterator[AccessStep]:
        """``subject`` is named on; a role that it bound to itself is no one."""
        node = subject
        while at.way is not None and at.target is not None:
            if node.kind not in _ROLES:
                yield from self._rule_steps(node, at.way.held)
            yield AccessStep("way", f"{subject.title} {at.way.text.format(_title(at.target))}")
            node, at = at.target, self._reached[at.target]
            subject = subject if node.kind in _ROLES else node
        admin = self._holdings[node].admin
        if node == MASTERS:
            yield _MASTERS_STEP
        elif admin is not None and node.kind not in _ROLES:
            yield from self._rule_steps(node, (admin,))
        yield AccessStep("admin", f"{subject.title} is cluster admin")

    def _rule_steps(self, subject: Subject, held: Iterable[Held]) -> Iterator[AccessStep]:
        """What gives the rules, each step once."""
        steps = (
            step for one in held for step in steps_to(self._world, subject, one.holder, one.grant, one.match)
        )
        yield from {step.text: step for step in steps}.values()


def _title(subject: Subject) -> str:
    return f"ClusterRole/{subject.name}" if subject.kind == "ClusterRole" else subject.title


def _roles_at(becomes: Becomes) -> Iterator[Subject]:
    if becomes.kind in _ROLES:
        yield from (Subject(becomes.kind, becomes.namespace or "", name) for name in becomes.names or ())


def _by_place(reached: Iterable[Subject]) -> dict[tuple[str, str | None], list[Subject]]:
    """Filed by kind and namespace, and by kind alone (``None``)."""
    index: dict[tuple[str, str | None], list[Subject]] = defaultdict(list)
    for subject in sorted(reached):
        index[subject.kind, subject.namespace].append(subject)
        index[subject.kind, None].append(subject)
    return index


def _at_the_end(becomes: Becomes, index: dict[tuple[str, str | None], list[Subject]]) -> Iterator[Subject]:
    names = None if becomes.names is None else frozenset(becomes.names)
    for subject in index.get((becomes.kind, becomes.namespace), ()):
        if (
            (names is None or subject.name in names)
            and (becomes.among is None or subject in becomes.among)
            and subject != becomes.but
        ):
            yield subject
