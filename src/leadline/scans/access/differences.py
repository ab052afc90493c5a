"""Access at two moments: who gained and lost what, and who can become cluster admin now."""

from collections import defaultdict
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from leadline.errors import SourceError
from leadline.foreign_errors import in_words
from leadline.kube.access_question import Right, holder_of, names_of, resource_text, rights_in
from leadline.model.access import AccessDifference, AccessState, HeldRights, Subject
from leadline.model.unread import Unread
from leadline.scans.access.target import AccessTarget, open_access
from leadline.scans.access.to_admin import to_admin
from leadline.scans.options import PostureOptions
from leadline.scans.posture.baselines import revision_of
from leadline.sources.git.revision import path_at_revision
from leadline.sources.regular_file import is_regular, read_given, read_regular
from leadline.untyped import MALFORMED

CLUSTER = "cluster"
"""The name of a side that is the cluster of the current context; ``cluster:NAME`` is that of another."""
LARGEST_BYTES = 256 << 20
"""Of a file that holds a state."""
_MARK = b'{"form":"leadline-access"'
Place = tuple[Subject, str, tuple[str, ...]]
"""Subject, namespace, names."""


def side_of(name: str, options: PostureOptions) -> AccessState:
    """Access as a side of a comparison names it: a saved state, a path, ``PATH@REVISION``, a git address, ``cluster``.

    Raises: ``SourceError`` where it cannot be read.
    """
    addresses: tuple[str, ...] = (name,)
    if name == CLUSTER or name.startswith(f"{CLUSTER}:"):
        context = name.partition(":")[2] or options.kube_context
        addresses, options = (), replace(options, kube_context=context)
    elif is_regular(name) and name.endswith(".json") and _is_state(name):
        return read_state(name)
    else:
        path, revision = revision_of(name)
        if revision:
            addresses = (path_at_revision(path, revision, options.environ).address,)
            if not addresses[0]:
                return AccessState(target=name, at="", rights=(), admins=())
    with open_access(addresses, options, with_accounts=True) as target:
        state = state_of(target)
    return replace(state, target=name) if addresses else state


def state_of(target: AccessTarget, at: str = "") -> AccessState:
    """What everyone holds, and every way to cluster admin that is not Kubernetes' own."""
    found: dict[Place, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for world in target.worlds:
        for grant in world.grants:
            holder = holder_of(grant)
            for rule in grant.rules.all if holder else ():
                for right in rights_in(rule):
                    if holder and (right.group is not None or grant.is_cluster_wide):
                        found[holder, grant.reaches, names_of(rule)][_written(right)].add(right.verb)
    rights = tuple(
        HeldRights(*place, {what: tuple(sorted(verbs)) for what, verbs in sorted(by_what.items())})
        for place, by_what in sorted(found.items())
    )
    unread = target.unread
    if target.scope:
        unread += (Unread(target.name, f"no more than {target.scope} could be read", "forbidden"),)
    return AccessState(target=target.name, at=at, rights=rights, admins=to_admin(target).found, unread=unread)


def _written(right: Right) -> str:
    """Every page is ``/*``: ``*`` is every resource of the core group."""
    if right.group is None:
        return "/*" if right.what == "*" else right.what
    return resource_text(right.what, right.group)


def _right(what: str, verb: str) -> Right:
    if what.startswith("/"):
        return Right(None, what, verb)
    resource, slash, subresource = what.partition("/")
    plural, _, group = resource.partition(".")
    return Right(group, f"{plural}{slash}{subresource}", verb)


def compare(old: AccessState, new: AccessState) -> AccessDifference:
    """What is in one and not in the other; a right that a wider one covers on the other side is in both."""
    known, now = ({(one.subject, one.way) for one in side.admins} for side in (old, new))
    could = {one.subject for one in old.admins}
    fresh = tuple(one for one in new.admins if (one.subject, one.way) not in known)
    return AccessDifference(
        new_ways=fresh,
        gone_ways=tuple(one for one in old.admins if (one.subject, one.way) not in now),
        gained=tuple(_not_covered(new, old)),
        lost=tuple(_not_covered(old, new)),
        new_subjects=tuple(dict.fromkeys(one.subject for one in fresh if one.subject not in could)),
        unread_before=old.unread,
        unread_after=new.unread,
    )


def _not_covered(here: AccessState, there: AccessState) -> Iterator[HeldRights]:
    by_subject: dict[Subject, list[HeldRights]] = defaultdict(list)
    for one in there.rights:
        by_subject[one.subject].append(one)
    for one in here.rights:
        others = [other for other in by_subject[one.subject] if _holds_where(other, one)]
        wide = [
            right
            for other in others
            for what in other.verbs
            for right in _rights(other, what)
            if right.is_wide
        ]
        left = {}
        for what in one.verbs:
            had = {verb for other in others for verb in other.verbs.get(what, ())}
            rest = (right for right in _rights(one, what) if right.verb not in had)
            left[what] = tuple(right.verb for right in rest if not any(other.covers(right) for other in wide))
        if verbs := {what: rest for what, rest in left.items() if rest}:
            yield replace(one, verbs=verbs)


def _rights(held: HeldRights, what: str) -> Iterator[Right]:
    return (_right(what, verb) for verb in held.verbs[what])


def _holds_where(other: HeldRights, one: HeldRights) -> bool:
    """Whether ``other`` holds wherever ``one`` does, and for all that it is limited to."""
    covers_names = not other.names or (bool(one.names) and set(one.names) <= set(other.names))
    return other.namespace in ("", one.namespace) and covers_names


def state_text(state: AccessState) -> bytes:
    """``state`` as the file that ``read_state`` reads."""
    return msgspec.json.encode(state) + b"\n"


def read_state(path: str) -> AccessState:
    """Raises: ``SourceError`` where the file cannot be read or holds no state."""
    content = read_given(path, LARGEST_BYTES)
    try:
        return msgspec.json.decode(content, type=AccessState)
    except MALFORMED as error:
        raise SourceError(f"{path} holds no access that was saved: {in_words(error)}") from error


def _is_state(path: str) -> bool:
    try:
        return read_regular(path, 100).startswith(_MARK)
    except OSError:
        return False
