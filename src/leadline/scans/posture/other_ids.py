"""Controls by the ids of other scanners: ``KSV-0017``, ``CKV_K8S_16``, ``run-as-non-root``."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from msgspec import Struct

import leadline.posture
from leadline.errors import UsageError
from leadline.model.control import BuiltControl
from leadline.posture.catalogue import find_controls

_FOLDER = "other_scanners"
_TRIVY = re.compile(r"(?:avd-)?(k[sc]v|ds)-?0*(\d+)")


class OtherCheck(Struct, frozen=True):
    """One check of another scanner."""

    id: str
    """As its scanner writes it."""
    scanner: str
    same: tuple[str, ...] = ()
    """Our controls that ask the same."""
    wider: tuple[str, ...] = ()
    """Our controls that ask it among other things."""
    why_none: str = ""
    """Why nothing here asks it; empty where something does."""

    @property
    def title(self) -> str:
        return f"{self.id} of {self.scanner}"


def other_check(name: str) -> OtherCheck | None:
    """The check that another scanner calls ``name``, without regard to case; ``None`` where it is none of theirs."""
    return _checks().get(_plain(name))


@cache
def _checks() -> dict[str, OtherCheck]:
    """By plain name; the files are ours, and read once where a name is not one of ours."""
    import tomllib  # compiles patterns

    found: dict[str, OtherCheck] = {}
    for file in sorted((Path(leadline.posture.__path__[0]) / _FOLDER).glob("*.toml")):
        table = tomllib.loads(file.read_text("utf-8"))
        same, wider, none = (table.get(key, {}) for key in ("same", "wider", "none"))
        for id in dict.fromkeys((*same, *wider, *none)):
            one = OtherCheck(
                id, table["scanner"], tuple(same.get(id, ())), tuple(wider.get(id, ())), none.get(id, "")
            )
            found.setdefault(_plain(id), one)
    return found


def _plain(name: str) -> str:
    """Small, and ``ksv017``, ``AVD-KSV-0017`` and ``KSV-0017`` alike."""
    plain = name.strip().lower()
    match = _TRIVY.fullmatch(plain)
    return f"{match[1]}-{match[2]}" if match else plain


def chosen_controls(names: Sequence[str], known: Sequence[BuiltControl]) -> tuple[BuiltControl, ...]:
    """The controls called ``names``, by id or title, or by what another scanner calls a check.

    Raises: ``UsageError`` for an unknown name, and for a check that nothing here asks.
    """
    return _found(names, known, is_skip=False)


def skipped_controls(names: Sequence[str], known: Sequence[BuiltControl]) -> tuple[BuiltControl, ...]:
    """The same to be left out: those alone that ask no more than the check that is named.

    Raises: ``UsageError`` as before, and where leaving out would leave out more.
    """
    return _found(names, known, is_skip=True)


def _found(names: Sequence[str], known: Sequence[BuiltControl], *, is_skip: bool) -> tuple[BuiltControl, ...]:
    ours = {word.lower() for control in known for word in (control.id, control.title)}
    wanted: list[str] = []
    for name in names:
        check = None if name.strip().lower() in ours else other_check(name)
        if check is None:
            wanted.append(name)
        elif check.why_none:
            raise UsageError(f"no control asks what {check.title} does: {check.why_none}")
        elif is_skip and not check.same:
            raise UsageError(
                f"{check.title} is only a part of {' and '.join(check.wider)}",
                hint="a waiver accepts single findings; name our id to leave out all of it",
            )
        else:
            wanted += check.same if is_skip else (*check.same, *check.wider)
    return find_controls(wanted, known)
