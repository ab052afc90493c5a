"""Who can reach cluster admin, over time: each subject is the object of a finding with a life of its own."""

from collections.abc import Sequence

from msgspec import UNSET
from msgspec.structs import replace

from leadline.api.kind import OUR_GROUP
from leadline.api.kinds.configuration import JudgedObject
from leadline.api.kinds.scans import KnownAdmin
from leadline.api.posture_results import slug
from leadline.api.protocol import ABSENT, Entry, Readable, Store, pages_of
from leadline.api.selection import Key, Requirement, Selection
from leadline.errors import SourceError
from leadline.model.access import Access, AccessAnswer, AccessStep, Subject
from leadline.scans.stored.history.days import Place
from leadline.scans.stored.history.lives import (
    FAILED,
    HISTORIES,
    PASSED,
    Look,
    Seen,
    continued,
    history_of,
    put_of,
)
from leadline.scans.stored.lasting import put_lasting
from leadline.scans.stored.scan_runs import RUNS, all_of, run_of

CLUSTER_ADMIN = "cluster-admin"
"""What the finding is called in a history, beside the ids of controls."""
LOOKS_FOR_ADMINS = "the operator does, and leadline scan with a store does for a whole cluster"
MOST_ADMINS = 1_000
_ABOUT = f"{OUR_GROUP}/about"
_LABELS = {_ABOUT: CLUSTER_ADMIN}


async def record_admins(store: Store, paths: Sequence[Access], place: Place) -> tuple[KnownAdmin, ...]:
    """Continues the history of each subject, and gives those that can reach cluster admin now, each with since when.

    ``paths``: all that there are. Since when is empty for those that were there when someone looked first, whom no one has
    to be warned of. Raises: ``StoreError``.
    """
    now = {one.subject: one for one in reversed(paths)}
    subjects = sorted(now)[:MOST_ADMINS]
    recorded = await known_admins(store)
    before = None if recorded is None else {one.subject: one.since for one in recorded}
    wanted = {_key(one, place.home): one for one in subjects}
    known = {entry.key: entry for entry in await _stored(store)}
    for key, entry in known.items():
        if key not in wanted:
            await _continue(store, key, entry, None, place.at)
    for key, subject in wanted.items():
        await _continue(store, key, known.get(key), subject, place.at)
    fresh = "" if before is None else place.at
    since = {one.title: (before or {}).get(one.title, fresh) for one in subjects}
    return tuple(KnownAdmin(one.title, since[one.title], _how(now[one])) for one in subjects)


def _how(path: Access) -> str:
    return "; ".join(step.text for step in path.steps)


async def known_admins(store: Readable) -> tuple[KnownAdmin, ...] | None:
    """As the newest run says that looked for them; ``None`` where none did. Raises: ``StoreError``."""
    recorded = sorted(await all_of(store, RUNS), key=lambda entry: entry.revision, reverse=True)
    for run in map(run_of, recorded):
        if run.status.admins is not UNSET:
            return run.status.admins or ()
    return None


async def stored_admins(store: Readable, where: str) -> AccessAnswer:
    """Those of the newest run of ``where`` that looked for them, with their shortest way and since when.

    Raises: ``SourceError`` where none did; ``StoreError``.
    """
    known = await known_admins(store)
    if known is None:
        raise SourceError(
            f"no scan that is stored in {where} looked for cluster admins", hint=LOOKS_FOR_ADMINS
        )
    found = (
        Access(subject=_subject(one.subject), steps=_steps(one.how), since=one.since or "the first look")
        for one in known
    )
    more = f" of more than {MOST_ADMINS:,}" if len(known) == MOST_ADMINS else ""
    notes = (f"the shortest way of each subject{more}, as the newest run saw it",)
    question = "who can become cluster admin"
    return AccessAnswer(question=question, target=where, found=tuple(found), notes=notes)


def _subject(title: str) -> Subject:
    first, _, rest = title.partition("/")
    if first in ("User", "Group"):
        return Subject(first, "", rest)
    kind, _, name = rest.partition("/")
    return Subject(kind, first, name)


def _steps(how: str) -> tuple[AccessStep, ...]:
    return tuple(
        AccessStep("admin" if text.endswith(" is cluster admin") else "rule", text)
        for text in how.split("; ")
    )


async def _stored(store: Store) -> list[Entry]:
    about = (Requirement(_ABOUT, "in", frozenset({CLUSTER_ADMIN})),)
    pages = pages_of(store, Selection(HISTORIES, labels=about))
    return [entry async for entries in pages for entry in entries]


def _key(subject: Subject, home: str) -> Key:
    name = slug(f"{CLUSTER_ADMIN}-{subject.kind}-{subject.name}".lower())
    return Key(HISTORIES, subject.namespace or home, name)


async def _continue(store: Store, key: Key, entry: Entry | None, subject: Subject | None, at: str) -> None:
    """``subject``: ``None`` for one that cannot reach it any more."""
    seen = {CLUSTER_ADMIN: Seen(FAILED, "critical")} if subject else {}
    history = continued(history_of(entry).spec if entry else None, Look(seen, at, others=PASSED))
    if history is None:
        return
    if subject is not None:
        named = JudgedObject(
            "", "rbac.authorization.k8s.io/v1", subject.kind, subject.namespace, subject.name
        )
        history = replace(history, object=named)
    await put_lasting(store, [put_of(key, history, _LABELS, entry.revision if entry else ABSENT)])
