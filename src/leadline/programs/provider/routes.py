"""The routes: functions whose types say what is taken and given. They answer, and the OpenAPI document is made of them."""

from collections.abc import Callable
from typing import Annotated, Literal, get_type_hints

from msgspec import Meta, Struct

from leadline.api.provider.wire import (
    LONGEST_HISTORY_DAYS,
    Alerts,
    Changes,
    Entity,
    Findings,
    History,
    ImageContent,
    Images,
    LogState,
    NamespaceHistory,
    Packages,
    Receipt,
    Risks,
    Short,
    Sources,
    WholeReport,
)
from leadline.programs.provider.ingest import Ingest, Message, Refused
from leadline.programs.provider.questions import (
    Asked,
    Questions,
    WhichImages,
    WhichPackages,
    WhichRisks,
)
from leadline.programs.provider.source_row import Source
from leadline.programs.provider.tables import Role, Tables, Token

Size = Annotated[int, Meta(ge=0, le=2**53)]
Key = Annotated[
    str,
    Meta(
        pattern="^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
        description="UUID of this message. The same one again gets the same receipt.",
    ),
]


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters."""


class SendQuery(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    known_size: Size = 0
    """Size of the log in the last checkpoint that you have kept; the receipt proves that nothing before it changed."""


class HistoryQuery(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    source: Short = ""
    days: Annotated[int, Meta(ge=1, le=LONGEST_HISTORY_DAYS)] = 30


class NamespaceHistoryQuery(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    namespaces: Annotated[str, Meta(min_length=1, max_length=2_000)]
    """Those of a team, in all sources: ``payments,billing``."""
    source: Short = ""
    days: Annotated[int, Meta(ge=1, le=LONGEST_HISTORY_DAYS)] = 730


class ProofQuery(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    from_size: Size = 0


class Proofs(Struct, frozen=True, rename="camel"):
    checkpoint: str
    consistency: tuple[str, ...]


class Parts(Struct, frozen=True):
    """What answers are made of."""

    tables: Tables
    ingest: Ingest
    questions: Questions


class Call(Struct, frozen=True):
    token: Token
    path: tuple[str, ...]
    """What stands in the braces of the route, in order."""
    body: bytes = b""
    """Decompressed."""
    key: str = ""


Answer = Callable[..., Struct]
"""Of ``parts`` and ``call``, and where a route has them of ``asked``, its parameters, and ``content``, its body."""


class Route(Struct, frozen=True):
    method: Literal["GET", "POST"]
    path: str
    roles: tuple[Role, ...]
    title: str
    answer: Answer
    answers: type[Struct]
    query: type[Struct]
    takes: type[Struct] | None

    @property
    def is_message(self) -> bool:
        """Whether what it takes is for a log, and has a key of its own."""
        return self.roles == ("write",)


def route(method: Literal["GET", "POST"], path: str, *roles: Role) -> Callable[[Answer], Route]:
    """The first line of the function that answers is the title, and its types are the schemas."""

    def made(answer: Answer) -> Route:
        types = get_type_hints(answer)
        title = (answer.__doc__ or "").partition("\n")[0].removesuffix(".")
        asked, content = types.get("asked", Nothing), types.get("content")
        return Route(method, path, roles, title, answer, types["return"], asked, content)

    return made


@route("POST", "/v1/sources/{source}/report", "write")
def _report(parts: Parts, call: Call, asked: SendQuery, content: WholeReport) -> Receipt:
    """Send all that one scan found."""
    return _taken(parts, call, asked, content)


@route("POST", "/v1/sources/{source}/changes", "write")
def _changes(parts: Parts, call: Call, asked: SendQuery, content: Changes) -> Receipt:
    """Send what changed."""
    return _taken(parts, call, asked, content)


@route("POST", "/v1/sources/{source}/images", "write")
def _image(parts: Parts, call: Call, asked: SendQuery, content: ImageContent) -> Receipt:
    """Send what is in an image."""
    return _taken(parts, call, asked, content)


def _taken(
    parts: Parts, call: Call, asked: SendQuery, content: WholeReport | Changes | ImageContent
) -> Receipt:
    message = Message(call.body, content, call.key.lower(), asked.known_size)
    return parts.ingest.take(call.token, _own(parts, call), message)


@route("GET", "/v1/sources/{source}/checkpoint", "write", "read")
def _checkpoint(parts: Parts, call: Call) -> LogState:
    """Size and root of the log."""
    return LogState(parts.ingest.state(_own(parts, call)), parts.ingest.keys.verifier.line)


@route("GET", "/v1/sources/{source}/proof", "write", "read")
def _proof(parts: Parts, call: Call, asked: ProofQuery) -> Proofs:
    """That the log begins with what you knew."""
    source = _own(parts, call)
    proof = parts.ingest.consistency(source, asked.from_size)
    return Proofs(parts.ingest.state(source), proof)


def _own(parts: Parts, call: Call) -> Source:
    """The source of the path, where the token may use it. Raises: ``Refused``."""
    source = parts.tables.source(call.token.tenant, call.path[0])
    if call.token.role == "write" and (source is None or source.id != call.token.source):
        # For an unknown name as well: who may only write learns no names.
        raise Refused(403, "This token is for another source")
    if source is None:
        raise Refused(404, "Unknown source")
    return source


@route("GET", "/v1/sources", "read")
def _sources(parts: Parts, call: Call) -> Sources:
    """Who reports, and what is open there."""
    return parts.questions.sources(call.token.tenant)


@route("GET", "/v1/findings", "read")
def _findings(parts: Parts, call: Call, asked: Asked) -> Findings:
    """Findings of all sources."""
    return parts.questions.findings(_tenant(parts, call, asked.source), asked, asked.cursor, asked.limit)


@route("GET", "/v1/packages", "read")
def _packages(parts: Parts, call: Call, asked: WhichPackages) -> Packages:
    """Who runs a package."""
    return parts.questions.packages(_tenant(parts, call, asked.source), asked, asked.cursor, asked.limit)


@route("GET", "/v1/images", "read")
def _images(parts: Parts, call: Call, asked: WhichImages) -> Images:
    """Images, and who has a vulnerability."""
    return parts.questions.images(_tenant(parts, call, asked.source), asked, asked.cursor, asked.limit)


@route("GET", "/v1/risks", "read")
def _risks(parts: Parts, call: Call, asked: WhichRisks) -> Risks:
    """Workloads that are to be fixed first, the gravest first."""
    return parts.questions.risks(_tenant(parts, call, asked.source), asked, asked.cursor, asked.limit)


@route("GET", "/v1/history", "read")
def _history(parts: Parts, call: Call, asked: HistoryQuery) -> History:
    """Sums of days."""
    return parts.questions.history(_tenant(parts, call, asked.source), asked.source, asked.days)


@route("GET", "/v1/history/namespaces", "read")
def _namespace_history(parts: Parts, call: Call, asked: NamespaceHistoryQuery) -> NamespaceHistory:
    """How findings of a team's namespaces developed."""
    names = tuple(dict.fromkeys(one.strip() for one in asked.namespaces.split(",")))
    tenant = _tenant(parts, call, asked.source)
    return parts.questions.namespace_history(tenant, names, asked.source, asked.days)


@route("GET", "/v1/alerts", "read")
def _alerts(parts: Parts, call: Call) -> Alerts:
    """What makes reports suspicious, and who is silent."""
    return parts.questions.alerts(call.token.tenant)


@route("GET", "/v1/entities/{kind}/{namespace}/{name}", "read")
def _entity(parts: Parts, call: Call) -> Entity:
    """One object in all sources; the namespace is - for none."""
    kind, namespace, name = call.path
    return parts.questions.entity(call.token.tenant, kind, "" if namespace == "-" else namespace, name)


def _tenant(parts: Parts, call: Call, source: str) -> str:
    """That of the token. Raises: ``Refused`` for a ``source`` with a slip, which would look like one without findings."""
    if source and parts.tables.source(call.token.tenant, source) is None:
        raise Refused(404, "Unknown source", "/v1/sources lists them")
    return call.token.tenant


ROUTES = (
    *(_report, _changes, _image, _checkpoint, _proof),
    *(_sources, _findings, _packages, _images, _risks, _history, _namespace_history, _alerts, _entity),
)
