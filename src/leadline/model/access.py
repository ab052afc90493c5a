"""Who may do what in a cluster, and by which steps."""

from typing import Literal, NamedTuple

from msgspec import Struct

from leadline.model.finding import Unread

AccessStepKind = Literal["subject", "group", "binding", "role", "rule", "way", "server", "admin"]


class Subject(NamedTuple):
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
    """Paths of the server that are no objects: ``/healthz``."""
    steps: tuple[AccessStep, ...] = ()
    world: str = ""
    """What was rendered, where a target holds several renderings; see ``AccessAnswer.worlds``."""


class AccessAnswer(Struct, frozen=True, kw_only=True):
    """The answer to one question, and what it does not rest on."""

    question: str
    target: str
    """What was read, as the user named it: paths, or the context of the kubeconfig."""
    found: tuple[Access, ...]
    counts: Literal["subject", "right"] = "subject"
    """What its headline counts."""
    unread: tuple[Unread, ...] = ()
    """What may hold more."""
    stale: tuple[str, ...] = ()
    """Bindings of a cluster that give nothing, since their role does not exist, each with its reason."""
    scope: str = ""
    """``3 of 12 namespaces`` where not all of the cluster was read."""
    notes: tuple[str, ...] = ()
    """What the answer takes for granted."""

    @property
    def is_complete(self) -> bool:
        """Whether there is no one else; otherwise the answer says "at least these"."""
        return not self.unread and not self.scope
