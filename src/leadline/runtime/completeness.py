"""Whether a profile is all that a container did: what everything that refuses or denies has to ask first."""

from collections.abc import Iterable

from leadline.model import profile as words
from leadline.model.profile import COMPLETE, Profile

HOLES = frozenset({words.LOST, words.COLLAPSED, words.TOO_LARGE, words.BLIND, words.NO_CAPABILITIES})
"""Reasons that are true of everything recorded together with it: something is missing, though other replicas were seen whole."""
_BY_FOLDER = frozenset({"open", "map", "alter"})
"""Kinds of records in whose place one for their folder is sent: nothing is missing that a folder does not say."""


def is_complete(profile: Profile) -> bool:
    """Whether it was recorded from its start and nothing is missing, though of some files only their folder may be known.

    Of capabilities ask ``knows_capabilities`` as well.
    """
    return is_exact(profile) or is_all_but_names(profile.reasons, profile.collapsed)


def is_exact(profile: Profile) -> bool:
    """Whether what is not in it was not done, capabilities apart."""
    return profile.completion == COMPLETE or set(profile.reasons) == {words.NO_CAPABILITIES}


def knows_capabilities(profile: Profile) -> bool:
    return words.NO_CAPABILITIES not in profile.reasons


def is_all_but_names(reasons: Iterable[str], collapsed: Iterable[str]) -> bool:
    """Whether ``reasons`` for a partial profile come to this: of some files only the folder is known."""
    return set(reasons) - {words.NO_CAPABILITIES} == {words.COLLAPSED} and set(collapsed) <= _BY_FOLDER
