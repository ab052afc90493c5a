"""Who is cluster admin, and who can become it: the shortest path over each way that a subject has."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from leadline.kube.access_question import MASTERS
from leadline.kube.rbac import GROUP, Grant
from leadline.model.access import Access, AccessAnswer, AccessStep, Subject
from leadline.model.report import PostureReport
from leadline.model.resource import Origin, Resource
from leadline.outputs.text.plain import count
from leadline.scans.access.answers import answer_of, steps_to
from leadline.scans.access.target import AccessTarget, AccessWorld, access_of
from leadline.scans.access.ways import ADMIN_NODE, Becomes, Held, Holdings, Way, ways_of

_MASTERS_STEP = AccessStep("server", "the API server allows it everything and does not ask RBAC")
_NOT_FOLLOWED = "not followed: taking over a node from a privileged pod, changing admission webhooks, tokens in Secrets of a cluster"
_ROLES = ("ClusterRole", "Role")
Index = Mapping[tuple[str, str | None], list[Subject]]
"""By kind and namespace, and by kind alone (``None``); the nearest to cluster admin first."""


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
    found.sort(key=lambda one: (one[0], one[1].subject, one[1].world))
    own = (f"left out: {count(left_out, 'subject')} that Kubernetes itself binds",) if left_out else ()
    notes = (_NOT_FOLLOWED, *own)
    return answer_of(target, "who can become cluster admin", [access for _, access in found], notes=notes)


def admins_of(report: PostureReport) -> tuple[Access, ...] | None:
    """Every way that is not Kubernetes' own, of a report with bodies; ``None`` where roles and bindings were not all read."""
    target = access_of(report)
    return None if target is None or target.unread else to_admin(target).found


def _is_kubernetes_own(world: AccessWorld, subject: Subject) -> bool:
    grants = world.by_subject.get(subject, ())
    return subject == MASTERS or (bool(grants) and all(grant.is_kubernetes_own for grant in grants))


class _Paths:
    """How many ways each subject of one world is from cluster admin, worked out from the admins backwards."""

    def __init__(self, world: AccessWorld, *, is_cluster: bool) -> None:
        self._world = world
        self.subjects = sorted({*world.by_subject, *((MASTERS,) if is_cluster else ())})
        self._admins: dict[Subject, Held | None] = {ADMIN_NODE: None, MASTERS: None}
        """Each with the rule that makes it one."""
        self._ways: dict[Subject, tuple[Way, ...]] = {}
        self._look(*self.subjects, *(world.accounts or ()), *world.mounted_accounts)
        self._distance = dict.fromkeys(self._admins, 0)
        self._measure()
        self._index = _index(self._distance)

    def of(self, subject: Subject) -> Iterator[tuple[int, Access]]:
        """The shortest path over each kind of way of ``subject``, with its length."""
        if subject not in self._distance:
            return
        own = self._distance[subject]
        ways = sorted(self._next(subject), key=lambda one: (one[0], one[1].kind))
        for distance, way, end in ways or ((0, None, subject),):
            # The path of an end that is farther off than this subject may lead back over it.
            if distance <= own + 1:
                steps = tuple(self._steps(subject, way, end))
                kind = way.kind if way else ""
                yield distance, Access(subject=subject, steps=steps, way=kind, world=self._world.name)

    def _look(self, *subjects: Subject) -> None:
        """What each may do, and what the roles allow that it could take."""
        queue = list(subjects)
        while queue:
            subject = queue.pop()
            if subject in self._admins or subject in self._ways:
                continue
            holdings = Holdings(self._world, tuple(self._held_by(subject)))
            if admin := holdings.admin:
                self._admins[subject] = admin
                continue
            ways = self._ways[subject] = tuple(ways_of(holdings))
            ends = (way.becomes for way in ways if way.becomes.kind in _ROLES)
            queue += (
                Subject(end.kind, end.namespace or "", name) for end in ends for name in end.names or ()
            )

    def _held_by(self, subject: Subject) -> Iterable[tuple[Subject, Grant]]:
        if subject.kind not in _ROLES:
            return self._world.held_by(subject)
        # What it is to hold a role that one has bound to oneself.
        kind = "RoleBinding" if subject.namespace else "ClusterRoleBinding"
        body = {
            "roleRef": {"kind": subject.kind, "name": subject.name},
            "subjects": [{"kind": "User", "name": "it"}],
        }
        origin = Origin(kind="derived", path=f"bound/{subject.title}")
        binding = Resource(f"{GROUP}/v1", kind, subject.namespace, "its own", body, origin)
        grants = self._world.inventory.everything_bound_by(binding).grants
        return [(Subject("User", "", "it"), grant) for grant in grants]

    def _measure(self) -> None:
        fresh, distance = list(self._admins), 0
        open_ones = sorted(subject for subject, ways in self._ways.items() if ways)
        while fresh:
            distance += 1
            index = _index(dict.fromkeys(fresh, 0))
            fresh = [
                subject
                for subject in open_ones
                if any(_end(way.becomes, index, subject) for way in self._ways[subject])
            ]
            self._distance |= dict.fromkeys(fresh, distance)
            open_ones = [subject for subject in open_ones if subject not in self._distance]

    def _next(self, subject: Subject) -> list[tuple[int, Way, Subject]]:
        """The shortest of each kind of way, with the length of the path and whom the way leads to; the shortest first."""
        best: dict[str, tuple[int, Way, Subject]] = {}
        for way in self._ways.get(subject, ()):
            end = _end(way.becomes, self._index, subject)
            if end and (way.kind not in best or self._distance[end] + 1 < best[way.kind][0]):
                best[way.kind] = (self._distance[end] + 1, way, end)
        return sorted(best.values(), key=lambda one: one[0])

    def _steps(self, subject: Subject, way: Way | None, end: Subject) -> Iterator[AccessStep]:
        """``subject`` is named on; a role that it bound to itself is no one."""
        node = subject
        while way is not None:
            if node.kind not in _ROLES:
                yield from self._rule_steps(node, way.held)
            title = f"ClusterRole/{end.name}" if end.kind == "ClusterRole" else end.title
            to = "" if way.rest is None else f"{title}{way.rest}"
            yield AccessStep("way", f"{subject.title} {way.text}{to}")
            node = end
            subject = subject if node.kind in _ROLES else node
            _, way, end = next(iter(self._next(node)), (0, None, node))
        if node == MASTERS:
            yield _MASTERS_STEP
        elif (admin := self._admins[node]) and node.kind not in _ROLES:
            yield from self._rule_steps(node, (admin,))
        yield AccessStep("admin", f"{subject.title} is cluster admin")

    def _rule_steps(self, subject: Subject, held: Iterable[Held]) -> Iterator[AccessStep]:
        """What gives the rules, each step once."""
        steps = (
            step for one in held for step in steps_to(self._world, subject, one.holder, one.grant, one.match)
        )
        yield from {step.text: step for step in steps}.values()


def _index(distance: Mapping[Subject, int]) -> Index:
    index: dict[tuple[str, str | None], list[Subject]] = defaultdict(list)
    for subject in sorted(distance, key=lambda one: (distance[one], one)):
        index[subject.kind, subject.namespace].append(subject)
        index[subject.kind, None].append(subject)
    return index


def _end(becomes: Becomes, index: Index, start: Subject) -> Subject | None:
    """The first at the end of a way of ``start``."""
    names, among = becomes.names, becomes.among
    fits = (
        one
        for one in index.get((becomes.kind, becomes.namespace), ())
        if (names is None or one.name in names) and (among is None or one in among) and one != start
    )
    return next(fits, None)
