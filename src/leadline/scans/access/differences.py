"""Access at two moments: who gained and lost what, and who can become cluster admin now."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec.structs import replace

from leadline.errors import SourceError
from leadline.kube.access_question import holder_of, names_of, texts_of
from leadline.model.access import AccessDifference, AccessState, AdminReach, HeldRights, Subject
from leadline.model.unread import Unread
from leadline.scans.access.target import AccessTarget, open_access
from leadline.scans.access.to_admin import to_admin
from leadline.scans.access.words import resource_text
from leadline.scans.options import PostureOptions
from leadline.scans.posture.baselines import revision_of
from leadline.sources.git.revision import path_at_revision
from leadline.sources.regular_file import is_regular, read_given, read_regular

CLUSTER = "cluster"
"""The name of a side that is the cluster of the current context; ``cluster:NAME`` is that of another."""
LARGEST_BYTES = 256 << 20
"""Of a file that holds a state."""
_MARK = b'{"form":"leadline-access"'
Place = tuple[Subject, str, tuple[str, ...]]
"""Subject, namespace, names."""
Pairs = Mapping[Place, Mapping[str, frozenset[str]]]
"""Verbs by resource or URL."""


def side_of(name: str, options: PostureOptions) -> AccessState:
    """Access as a side of a comparison names it: a saved state, a path, ``PATH@REVISION``, a git address, ``cluster``.

    Raises: ``SourceError`` where it cannot be read.
    """
    if name == CLUSTER or name.startswith(f"{CLUSTER}:"):
        _, _, context = name.partition(":")
        options = replace(options, kube_context=context or options.kube_context)
        with open_access((), options, with_accounts=True) as target:
            return state_of(target)
    if is_regular(name) and name.endswith(".json") and _is_state(name):
        return read_state(name)
    address = name
    path, revision = revision_of(name)
    if revision:
        address = path_at_revision(path, revision, options.environ).address
        if not address:
            return AccessState(target=name, at="", rights=(), admins=())
    with open_access((address,), options, with_accounts=True) as target:
        return replace(state_of(target), target=name)


def state_of(target: AccessTarget, at: str = "") -> AccessState:
    """What everyone holds, and every way to cluster admin that is not Kubernetes' own."""
    found: dict[Place, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for world in target.worlds:
        for grant in world.grants:
            holder = holder_of(grant)
            for rule in grant.rules.all if holder is not None else ():
                here = found[holder or _NO_ONE, grant.reaches, names_of(rule)]
                verbs = {verb for _, verb in texts_of(rule, "verbs")}
                for what in _what(rule, is_cluster_wide=grant.is_cluster_wide):
                    here[what] |= verbs
    rights = (
        HeldRights(
            subject, namespace, names, {what: tuple(sorted(verbs)) for what, verbs in sorted(by_what.items())}
        )
        for (subject, namespace, names), by_what in sorted(found.items())
        if by_what
    )
    admins = tuple(AdminReach(one.subject, one.way, one.steps) for one in to_admin(target).found)
    unread = target.unread
    if target.scope:
        unread += (Unread(target.name, f"no more than {target.scope} could be read", "forbidden"),)
    return AccessState(target=target.name, at=at, rights=tuple(rights), admins=admins, unread=unread)


_NO_ONE = Subject("", "", "")


def _what(rule: dict[str, object], *, is_cluster_wide: bool) -> Iterator[str]:
    resources, groups, urls = (tuple(text for _, text in texts_of(rule, key)) for key in _KEYS)
    yield from resource_text(resources, groups)
    # Every page, by another name than every resource of the core group.
    yield from ("/*" if url == "*" else url for url in urls) if is_cluster_wide else ()


_KEYS = ("resources", "apiGroups", "nonResourceURLs")


def compare(old: AccessState, new: AccessState) -> AccessDifference:
    """What is in one and not in the other; a right that a wider one covers on the other side is in both."""
    before, after = _pairs(old.rights), _pairs(new.rights)
    known, now = ({(one.subject, one.way) for one in side.admins} for side in (old, new))
    could = {one.subject for one in old.admins}
    fresh = tuple(one for one in new.admins if (one.subject, one.way) not in known)
    return AccessDifference(
        new_ways=fresh,
        gone_ways=tuple(one for one in old.admins if (one.subject, one.way) not in now),
        gained=tuple(_not_covered(after, before)),
        lost=tuple(_not_covered(before, after)),
        new_subjects=tuple(dict.fromkeys(one.subject for one in fresh if one.subject not in could)),
        unread_before=old.unread,
        unread_after=new.unread,
    )


def _pairs(rights: Iterable[HeldRights]) -> Pairs:
    return {
        (one.subject, one.namespace, one.names): {what: frozenset(verbs) for what, verbs in one.verbs.items()}
        for one in rights
    }


def _not_covered(here: Pairs, there: Pairs) -> Iterator[HeldRights]:
    by_subject: dict[Subject, list[Place]] = defaultdict(list)
    for place in there:
        by_subject[place[0]].append(place)
    for (subject, namespace, names), by_what in here.items():
        wider = [
            there[place]
            for place in by_subject[subject]
            if place[1] in ("", namespace) and (not place[2] or (names and set(names) <= set(place[2])))
        ]
        left = {what: tuple(sorted(_left(what, verbs, wider))) for what, verbs in by_what.items()}
        if rest := {what: verbs for what, verbs in left.items() if verbs}:
            yield HeldRights(subject, namespace, names, rest)


def _left(what: str, verbs: frozenset[str], wider: Iterable[Mapping[str, frozenset[str]]]) -> frozenset[str]:
    """The verbs on ``what`` that none of ``wider`` has."""
    for by_what in wider:
        for pattern in _patterns(what):
            had = by_what.get(pattern, frozenset())
            verbs = frozenset() if "*" in had else verbs - had
    return verbs


def _patterns(what: str) -> tuple[str, ...]:
    """What covers a resource: itself, all of its group, it in all groups, everything; of a URL itself and every one."""
    if what.startswith("/"):
        return (what, "/*")
    resource, slash, subresource = what.partition("/")
    plural, dot, group = resource.partition(".")
    tail = f"{slash}{subresource}"
    return (
        what,
        f"*{dot}{group}",
        f"{plural}.*{tail}",
        "*.*",
        *((f"*{dot}{group}{tail}", f"*.*{tail}") if tail else ()),
    )


def state_text(state: AccessState) -> bytes:
    """``state`` as the file that ``read_state`` reads."""
    return msgspec.json.encode(state) + b"\n"


def read_state(path: str) -> AccessState:
    """Raises: ``SourceError`` where the file cannot be read or holds no state."""
    content = read_given(path, LARGEST_BYTES)
    try:
        return msgspec.json.decode(content, type=AccessState)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise SourceError(f"{path} holds no access that was saved: {error}") from error


def _is_state(path: str) -> bool:
    try:
        return read_regular(path, 100).startswith(_MARK)
    except OSError:
        return False
