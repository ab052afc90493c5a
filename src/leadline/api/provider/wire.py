"""The requests and answers of a provider. They are decoded by these Structs, and the OpenAPI document is made of them."""

from hashlib import sha256
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

Severity = Literal["critical", "high", "medium", "low", "unknown"]
Mark = Annotated[str, Meta(pattern="^[0-9a-f]{32}$", description="Hash of what a finding is known by.")]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="SHA-256, hexadecimal.")]
PreviousDigest = Annotated[
    str, Meta(pattern="^([0-9a-f]{64})?$", description="SHA-256 of the message before; empty for the first.")
]
Time = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$",
        description="RFC 3339 in UTC, to the second.",
    ),
]
SHORT, LONG = 300, 2_000
"""Characters; what is longer is cut by its sender."""
Short = Annotated[str, Meta(max_length=SHORT)]
Long = Annotated[str, Meta(max_length=LONG)]
Count = Annotated[int, Meta(ge=0, le=10**12)]
ImageDigest = Annotated[str, Meta(pattern="^sha256:[0-9a-f]{64}$")]
NAMES_NO_UNREAD = "kubescape"
"""The program whose reports do not say what could not be read."""
LONGEST_HISTORY_DAYS = 1_100
MOST_FINDINGS = 500_000
MOST_RANKED = 50_000
MOST_NAMES = 10_000


class FoundFinding(Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """A finding that is open, or accepted."""

    fingerprint: Mark
    control: Short
    severity: Severity
    kind: Short
    name: Short
    ordinal: Annotated[int, Meta(ge=1, le=10**6)] = 1
    """Of findings with one fingerprint: a file may hold an object twice."""
    group: Short = ""
    namespace: Short = ""
    file: Long = ""
    path: Long = ""
    """Of the field that decides."""
    accepted: Long = ""
    """Why and until when it is accepted; empty where it is not."""


class GoneFinding(Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    fingerprint: Mark
    ordinal: Annotated[int, Meta(ge=1, le=10**6)] = 1


class Coverage(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What a scan looked at, and what it could not."""

    objects: Count
    judged: Count
    """Controls that judged at least one object."""
    unread: Count
    """Files, kinds and lists that could not be read."""
    skipped: Count = 0
    """Controls that lacked a source."""


class Measured(Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """Of one moment at the sender. A claim: the time that counts is when the provider received it."""

    at: Time
    program: Short
    """Name and version."""
    coverage: Coverage
    rules: Short = ""
    """Digest of the controls that judged."""
    scope: Short = ""
    """What a whole report is about, and how it was narrowed: ``deploy/, namespaces shop``. A source has one."""
    database: Short = ""
    """When the newest vulnerability database was built that images were matched with; empty where none was."""


class UnlistedKind(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Objects that the sender may not list in a cluster."""

    plural: Short
    group: Short = ""
    namespace: Short = ""
    """Empty for all of them."""


class WholeReport(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """All that one scan found. The provider makes the difference to what was open before."""

    measured: Measured
    controls: Annotated[tuple[Short, ...], Meta(max_length=5_000)]
    """Those that judged; findings of others stay as they were."""
    findings: Annotated[tuple[FoundFinding, ...], Meta(max_length=MOST_FINDINGS)]
    unread: Annotated[tuple[Long, ...], Meta(max_length=MOST_NAMES)] = ()
    """Names of what could not be read; findings in these files stay as they were, and those without a file."""
    left_out: Annotated[tuple[Long, ...], Meta(max_length=MOST_NAMES)] = ()
    """Files that were passed over by choice; findings in them stay as they were."""
    unlisted: Annotated[tuple[UnlistedKind, ...], Meta(max_length=MOST_NAMES)] = ()
    """Findings of these kinds stay as they were."""
    undecided: Annotated[tuple[Mark, ...], Meta(max_length=MOST_FINDINGS)] = ()
    """Fingerprints of what a control could not judge this time; they stay as they were."""


class NamedWorkload(Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    kind: Short
    name: Short
    namespace: Short = ""
    group: Short = ""


class RankedWorkload(NamedWorkload, frozen=True):
    """How much is at stake with one workload."""

    score: Annotated[float, Meta(ge=0, le=100)] = 0
    sentence: Long = ""
    """Why."""


class Changes(Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """What is different since the message before, of a sender that keeps count."""

    sequence: Annotated[int, Meta(ge=1)]
    previous: PreviousDigest
    measured: Measured
    opened: Annotated[tuple[FoundFinding, ...], Meta(max_length=MOST_FINDINGS)] = ()
    """New ones, and those whose severity or acceptance is another."""
    gone: Annotated[tuple[GoneFinding, ...], Meta(max_length=MOST_FINDINGS)] = ()
    deleted_objects: Count = 0
    """Objects that exist no more: their findings are expected to go."""
    dropped: Count = 0
    """Changes that came and went before they could be sent."""
    ranked: Annotated[tuple[RankedWorkload, ...], Meta(max_length=MOST_RANKED)] = ()
    """Workloads whose rank is new or another."""
    unranked: Annotated[tuple[NamedWorkload, ...], Meta(max_length=MOST_RANKED)] = ()
    """Those that have none any more."""
    gone_images: Annotated[tuple[ImageDigest, ...], Meta(max_length=MOST_NAMES)] = ()
    """Images that are not stored there any more."""


class ImagePackage(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    type: Short
    """As package URLs have it: ``deb``, ``pypi``, ``maven``."""
    name: Short
    """With its group or scope: ``org.apache.logging.log4j/log4j-core``."""
    version: Short


class ImageVulnerability(Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    id: Short
    package: Short
    version: Short
    severity: Annotated[str, Meta(pattern="^[a-z]{0,20}$")]
    fixed: Short = ""
    """The lowest version that fixes it; empty where none does."""
    exploited: bool = False
    """Whether attackers are known to use it."""


class ImageContent(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What one sender found in one image: its word alone, never that of others who run the same digest."""

    digest: ImageDigest
    name: Long
    at: Time
    program: Short
    packages: Annotated[tuple[ImagePackage, ...], Meta(max_length=100_000)]
    vulnerabilities: Annotated[tuple[ImageVulnerability, ...], Meta(max_length=200_000)] = ()
    database: Short = ""
    """When the vulnerability database was built; empty where nothing was matched."""
    unread: Count = 0


class LogHead(Struct, frozen=True, rename="camel"):
    """An entry of the log: what the tree is made of. It names the message by its digest."""

    origin: str
    index: int
    received: Time
    """By the clock of the provider."""
    sender: str
    """Name of the token."""
    key: str
    """Idempotency key of the request."""
    kind: Literal["report", "changes", "image"]
    sent: Digest
    """Of the message as it was sent, before compression."""
    record: Digest
    """Of what the log keeps of it: the changes, in order."""


class Receipt(Struct, frozen=True, rename="camel"):
    """Proves that a message is in the log, and that the log is the one that the sender knew."""

    head: str
    """The entry, byte for byte: JSON of a log head."""
    checkpoint: str
    """A signed note: origin, size and root of the log."""
    inclusion: tuple[str, ...]
    """Hexadecimal hashes, nearest the entry first."""
    consistency: tuple[str, ...]
    """From the size that the request names to that of the checkpoint."""
    opened: int
    gone: int
    open: int
    """Findings of the source that are open now."""
    expected_sequence: int = 0
    """Of the next message of changes."""


LOG_IS_SHORTER = "log-is-shorter"


class Problem(Struct, frozen=True, rename="camel", omit_defaults=True):
    """RFC 9457, as ``application/problem+json``."""

    title: str
    status: int
    detail: str = ""
    type: str = ""
    """Where a program decides by it: ``log-is-shorter``."""
    expected_sequence: int = 0


class SourceRow(Struct, frozen=True, rename="camel"):
    name: str
    kind: str
    created: str
    last_received: str
    """Empty where nothing was received yet."""
    every_seconds: int
    """How often something is expected."""
    is_silent: bool
    open: int
    critical: int
    high: int
    accepted: int
    objects: int
    unread: int
    program: str
    is_unread_known: bool = True
    """Whether its reports say what could not be read; where they do not, 0 means nothing."""


class Sources(Struct, frozen=True, rename="camel"):
    items: tuple[SourceRow, ...]
    next: str = ""
    """Cursor of the next page; empty at the end."""


class FindingRow(Struct, frozen=True, rename="camel"):
    source: str
    fingerprint: str
    ordinal: int
    control: str
    severity: str
    group: str
    kind: str
    namespace: str
    name: str
    file: str
    path: str
    accepted: str
    first_received: str
    gone: str
    """Empty while it is open."""


class Findings(Struct, frozen=True, rename="camel"):
    items: tuple[FindingRow, ...]
    next: str = ""


class PackageRow(Struct, frozen=True, rename="camel"):
    source: str
    digest: str
    image: str
    type: str
    name: str
    version: str
    received: str
    is_disputed: bool
    """Whether another source found other packages under the same digest."""


class Packages(Struct, frozen=True, rename="camel"):
    items: tuple[PackageRow, ...]
    next: str = ""


class ImageRow(Struct, frozen=True, rename="camel"):
    source: str
    digest: str
    name: str
    received: str
    packages: int
    critical: int
    high: int
    exploited: int
    database: str
    """Empty where nothing was matched: no vulnerabilities does not mean that there are none."""
    unread: int
    is_disputed: bool


class Images(Struct, frozen=True, rename="camel"):
    items: tuple[ImageRow, ...]
    next: str = ""


class RiskRow(Struct, frozen=True, rename="camel"):
    """How much is at stake with one workload, by the word of its source."""

    source: str
    score: float
    """0 to 100."""
    group: str
    kind: str
    namespace: str
    name: str
    sentence: str
    """Why."""
    received: str
    """When its source reported last."""


class Risks(Struct, frozen=True, rename="camel"):
    items: tuple[RiskRow, ...]
    next: str = ""


class DayRow(Struct, frozen=True, rename="camel"):
    source: str
    day: str
    severity: str
    open: int
    accepted: int
    opened: int
    gone: int


class History(Struct, frozen=True, rename="camel"):
    items: tuple[DayRow, ...]


class NamespaceDay(Struct, frozen=True, rename="camel"):
    """At the end of a day on which something changed."""

    day: str
    open: int
    """With those that are accepted."""
    critical: int
    high: int
    opened: int
    """On that day."""
    gone: int


class NamespaceHistory(Struct, frozen=True, rename="camel"):
    items: tuple[NamespaceDay, ...]
    """Days without a change are left out: they ended as the one before."""


class AlertRow(Struct, frozen=True, rename="camel"):
    source: str
    kind: str
    since: str
    text: str
    over: str
    """Empty while it lasts."""


class Alerts(Struct, frozen=True, rename="camel"):
    items: tuple[AlertRow, ...]


class Entity(Struct, frozen=True, rename="camel"):
    """One workload in all sources that a reader sees, for a card."""

    kind: str
    namespace: str
    name: str
    as_of: str
    """The oldest of what its sources sent last."""
    is_silent: bool
    critical: int
    high: int
    medium: int
    low: int
    unknown: int
    """Of controls without a severity."""
    accepted: int
    new_since_yesterday: int
    worst: tuple[FindingRow, ...]
    """At most five."""
    sources: tuple[str, ...]


class LogState(Struct, frozen=True, rename="camel"):
    checkpoint: str
    verifier: str
    """The key that signs, as NAME+ID+KEY."""


def digest_of(content: bytes) -> str:
    return sha256(content).hexdigest()


def encoded(value: Struct) -> bytes:
    """The bytes that are hashed: compact JSON, fields in the order of the Struct."""
    return msgspec.json.encode(value)
