"""Whether a profile is all that a container did: what everything that refuses or denies has to ask first."""

from collections.abc import Iterable

from leadline.model import profile as words
from leadline.model.profile import COMPLETE, Profile

HOLES = frozenset({words.LOST, words.COLLAPSED, words.TOO_LARGE, words.BLIND})
"""Reasons that are true of everything recorded together with it: something is missing, though other replicas were seen whole."""
_BY_FOLDER = frozenset({"open", "map", "alter"})
"""Kinds of records in whose place one for their folder is sent: nothing is missing that a folder does not say."""


def is_complete(profile: Profile) -> bool:
    """Whether it was recorded from its start and nothing is missing, though of some files only their folder may be known."""
    return profile.completion == COMPLETE or is_all_but_names(profile.reasons, profile.collapsed)


def is_all_but_names(reasons: Iterable[str], collapsed: Iterable[str]) -> bool:
    """Whether ``reasons`` for a partial profile come to this: of some files only the folder is known."""
    return set(reasons) == {words.COLLAPSED} and set(collapsed) <= _BY_FOLDER
