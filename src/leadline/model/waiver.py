"""Who accepts which finding, why, and until when; and what became of that in a scan."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

Writing = Literal["glob", "regex", "part", "exact"]
"""How values are written: as globs; as regular expressions for the whole text (``regex``), or for any part of it; as they are."""

Sort = Literal["", "controls", "vulnerabilities"]


class LabelRequirement(Struct, frozen=True):
    """One part of a label selector, as Kubernetes has it."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = ()


class ObjectMatch(Struct, frozen=True):
    """Some objects of a kind. Globs, without regard to case but for the name."""

    kind: str
    name: str = ""
    """Empty for all of the kind."""
    group: str | None = None
    """The API group, empty for the core one; ``None`` for any."""


class WaiverMatch(Struct, frozen=True, kw_only=True):
    """Which findings are meant. All fields have to match, of a field any one value; an empty field matches everything.

    Ids of controls and vulnerabilities, and kinds, are compared without regard to case.
    """

    sort: Sort = ""
    """The only sort of findings that is meant; empty for both."""
    controls: tuple[str, ...] = ()
    """Ids or titles."""
    titles: tuple[str, ...] = ()
    """The same, to match as well."""
    frameworks: tuple[str, ...] = ()
    """Names of those in whose view alone findings of controls are accepted; empty for every view."""
    vulnerabilities: tuple[str, ...] = ()
    """Ids, also those that are aliases of the one that is reported."""
    packages: tuple[str, ...] = ()
    purls: tuple[str, ...] = ()
    """Package URLs; one without a version means every version, one without qualifiers any."""
    severities: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    """Each key has to be among the object's labels or annotations."""
    ids: tuple[str, ...] = ()
    """Of objects."""
    containers: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    """Of files, as they are shown; one that ends in a slash means all below it."""
    images: tuple[str, ...] = ()
    """As written, or in full: ``docker.io/library/nginx:1.27``."""
    image_parts: Mapping[str, str] = {}
    """``registry``, ``organization``, ``imageName`` and ``imageTag``."""
    clusters: tuple[str, ...] = ()
    objects: tuple[ObjectMatch, ...] = ()
    object_labels: tuple[LabelRequirement, ...] = ()
    """All of them hold of the object's labels, annotations apart. Labels that are not known fulfil none."""
    namespace_labels: tuple[LabelRequirement, ...] | None = None
    """The same of the labels of its namespace; ``None`` where those are not asked. Objects without a namespace fulfil none."""
    expires: str = ""
    """As that of the waiver, for this match alone."""
    until_fixed: bool = False
    """Whether it ends for a vulnerability as soon as there is a fix."""
    statement: str = ""
    """What its author says of the vulnerabilities, beside the reason."""
    writing: Writing = "glob"


WaiverKind = Literal["waiver", "exception", "security exception", "annotation", "comment"]


class Waiver(Struct, frozen=True, kw_only=True):
    """One entry."""

    name: str
    """As it is written; for annotations and comments what they build on."""
    matches: tuple[WaiverMatch, ...]
    """Any one of them is enough."""
    reason: str = ""
    owner: str = ""
    ticket: str = ""
    expires: str = ""
    """A date, or a moment as RFC 3339 has it; empty for never. The day itself still counts."""
    kind: WaiverKind = "waiver"
    source: str = ""
    """Where it is: a file, ``file:line``, or an object's title."""
    is_from_target: bool = False
    """Whether it came with what was scanned."""


WaiverState = Literal["used", "unused", "expired", "not asked", "waiting"]
"""``waiting``: added by the change that is scanned, and not approved; ``not asked``: about what this scan did not look for, such as a vulnerability where objects are judged."""


class WaiverUse(Struct, frozen=True):
    """What became of a waiver in a scan."""

    waiver: Waiver
    state: WaiverState
    findings: int = 0
    """That it covers; for an expired one those that it would."""
    is_broad: bool = False
    """Whether it names neither a control or vulnerability, nor any object, image or path."""
    days_left: int | None = None
    """Days that it continues; ``None`` for one without an end, or past it."""
