"""Who may do what in a cluster, and by which steps."""

from typing import Literal, NamedTuple

from msgspec import Struct, field

from leadline.model.unread import Unread

AccessStepKind = Literal["subject", "group", "binding", "role", "rule", "way", "server", "admin"]


class Subject(Struct, frozen=True, order=True):
    """A user, a group or a service account, as the API server knows it after sign-in."""

    kind: str
    """``User``, ``Group`` or ``ServiceAccount``."""
    namespace: str
    """Of a service account; empty for the others."""
    name: str

    @property
    def title(self) -> str:
        """``shop/ServiceAccount/api``, ``User/alice``."""
        return f"{self.namespace}/{self.kind}/{self.name}" if self.namespace else f"{self.kind}/{self.name}"


class AccessStep(Struct, frozen=True, omit_defaults=True):
    """One step from a subject to what it may do."""

    kind: AccessStepKind
    text: str
    """A sentence without its full stop."""
    object: str = ""
    """Title of the object that it rests on: ``shop/RoleBinding/deploy``."""
    file: str = ""
    """Where that object is written; empty for objects of a cluster."""


class Access(Struct, frozen=True, kw_only=True):
    """One way by which one subject may do what was asked."""

    subject: Subject
    namespace: str = ""
    """Where it holds; empty for every namespace and for what has none."""
    names: tuple[str, ...] = ()
    """The only objects that it holds for; empty for all."""
    verbs: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    """``pods/exec``, ``deployments.apps``; ``*`` for all of the core group, ``*.*`` for all."""
    urls: tuple[str, ...] = ()
    """Paths of the server that are not objects: ``/healthz``."""
    steps: tuple[AccessStep, ...] = ()
    way: str = ""
    """Of a path to cluster admin the kind of its first way: ``impersonation``, ``token``; empty for an admin."""
    world: str = ""
    """What was rendered, where a target holds several renderings."""
    since: str = ""
    """Of a path out of a store: when it was seen first, RFC 3339, or ``the first look``."""


class AccessAnswer(Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer to one question, and what it does not rest on."""

    question: str
    target: str
    """What was read, as the user named it: paths, or the context of the kubeconfig."""
    found: tuple[Access, ...]
    counts: Literal["subject", "right"] = "subject"
    """What its headline counts."""
    unread: tuple[Unread, ...] = field(name="notRead", default=())
    """What may hold more."""
    stale: tuple[str, ...] = field(name="givesNothing", default=())
    """Bindings of a cluster that give nothing, since their role does not exist, each with its reason."""
    scope: str = ""
    """``3 of 12 namespaces`` where not all of the cluster was read."""
    notes: tuple[str, ...] = ()
    """What the answer takes for granted."""

    @property
    def is_complete(self) -> bool:
        """Whether all are found; otherwise the answer says "at least these"."""
        return not self.unread and not self.scope


class HeldRights(Struct, frozen=True, omit_defaults=True):
    """What one subject holds by its own name in one place, over all its bindings."""

    subject: Subject
    namespace: str = ""
    """Where; empty for the whole cluster."""
    names: tuple[str, ...] = ()
    """The only objects; empty for all."""
    verbs: dict[str, tuple[str, ...]] = {}
    """By resource or URL, each sorted."""


class AccessState(Struct, frozen=True, tag_field="form", tag="leadline-access"):
    """All access at one moment, small enough to be kept and held against another moment's."""

    target: str
    at: str
    """When it was read, RFC 3339; empty where that is not known."""
    rights: tuple[HeldRights, ...]
    admins: tuple[Access, ...]
    unread: tuple[Unread, ...] = ()


class AccessDifference(Struct, frozen=True, rename="camel"):
    """What one moment has and another has not."""

    new_ways: tuple[Access, ...]
    gone_ways: tuple[Access, ...]
    gained: tuple[HeldRights, ...]
    lost: tuple[HeldRights, ...]
    new_subjects: tuple[Subject, ...]
    """Those that can become cluster admin and could not before."""
    unread_before: tuple[Unread, ...] = field(name="notReadBefore", default=())
    """Where there are some, what is new may have been there and not read."""
    unread_after: tuple[Unread, ...] = field(name="notReadAfter", default=())
    """Where there are some, what is gone may still be there."""

    @property
    def is_complete(self) -> bool:
        return not self.unread_before and not self.unread_after


class RecordedRequest(NamedTuple):
    """A request as an API server recorded it, as far as a rule can speak of it."""

    subject: Subject
    groups: tuple[str, ...]
    verb: str
    group: str = ""
    resource: str = ""
    """Plural, a subresource as ``pods/exec``; empty for a page of the server."""
    namespace: str = ""
    name: str = ""
    """``OTHER_NAME`` for an object that no rule names."""
    path: str = ""


OTHER_NAME = "\0"


class Observed(Struct, frozen=True):
    """How much audit logs say."""

    first: str = ""
    """When the earliest request came in, RFC 3339 in UTC."""
    last: str = ""
    events: int = 0
    refused: int = 0
    """Requests that were not allowed."""


class AuditRecord(Struct, frozen=True):
    """What audit logs say, together."""

    requests: dict[RecordedRequest, int]
    """Allowed ones, each with its number."""
    observed: Observed = Observed()
    unread: tuple[Unread, ...] = ()


class RoleUse(Struct, frozen=True, rename="camel"):
    """What of one role was used, and the smallest role that covers it."""

    role: str
    """Its title."""
    file: str
    """Empty in a cluster."""
    holders: tuple[Subject, ...]
    requests: int
    """That it allowed."""
    unused: tuple[str, ...]
    """What no recorded request used, as sentences: ``list, watch on secrets (rules[0])``."""
    unknown: tuple[str, ...] = field(name="notKnown")
    """Likewise what requests do not show, or what was recorded for no one: it is kept."""
    patch: tuple[str, ...] = ()
    """The lines of a diff; empty where nothing is to be changed, or cannot be."""
    why_no_patch: str = ""


class AccessUse(Struct, frozen=True, kw_only=True, rename="camel"):
    """What is used of what was given."""

    target: str
    roles: tuple[RoleUse, ...]
    observed: Observed
    replayed: int
    """Sorts of recorded requests that today's roles allow; each is still allowed with every shown change made."""
    elsewhere: int = field(name="allowedElsewhere")
    """Sorts that no role that was read allows: of masters, nodes, webhooks, or of what is gone."""
    unread: tuple[Unread, ...] = field(name="notRead", default=())
    notes: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        return not self.unread
