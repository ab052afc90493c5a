"""The routes, each with what it takes and gives: they answer, and the OpenAPI document is made of the same table."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from leadline.api.provider.wire import (
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
    days: Annotated[int, Meta(ge=1, le=1_100)] = 30


class NamespaceHistoryQuery(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    namespaces: Annotated[str, Meta(min_length=1, max_length=2_000)]
    """Those of a team, in all sources: ``payments,billing``."""
    source: Short = ""
    days: Annotated[int, Meta(ge=1, le=1_100)] = 730


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
    query: Any
    """Of the type that the route names."""
    body: bytes = b""
    """Decompressed."""
    content: Any = None
    """The body as the type that the route names."""
    key: str = ""


class Route(Struct, frozen=True):
    method: Literal["GET", "POST"]
    path: str
    roles: tuple[Role, ...]
    title: str
    answers: type[Struct]
    answer: Callable[[Parts, Call], Struct]
    query: type[Struct] = Nothing
    takes: type[Struct] | None = None
    is_message: bool = True
    """Whether what it takes is for a log, and has a key of its own."""


def _sent(parts: Parts, call: Call) -> Receipt:
    source = _own(parts, call)
    message = Message(call.body, call.content, call.key.lower(), call.query.known_size)
    return parts.ingest.take(call.token, source, message)


def _checkpoint(parts: Parts, call: Call) -> LogState:
    source = _own(parts, call)
    return LogState(parts.ingest.state(source), parts.ingest.keys.verifier.line)


def _proof(parts: Parts, call: Call) -> Proofs:
    source = _own(parts, call)
    proof = parts.ingest.consistency(source, call.query.from_size)
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


def _check_source(parts: Parts, call: Call) -> None:
    """A name with a slip would look like a source without findings. Raises: ``Refused``."""
    name: str = call.query.source
    if name and parts.tables.source(call.token.tenant, name) is None:
        raise Refused(404, "Unknown source", "/v1/sources lists them")


def _listed(question: Callable[..., Struct]) -> Callable[[Parts, Call], Struct]:
    """``question``: a method of ``Questions`` that answers page by page."""

    def answer(parts: Parts, call: Call) -> Struct:
        _check_source(parts, call)
        return question(parts.questions, call.token.tenant, call.query, call.query.cursor, call.query.limit)

    return answer


def _history(parts: Parts, call: Call) -> History:
    _check_source(parts, call)
    return parts.questions.history(call.token.tenant, call.query.source, call.query.days)


def _namespace_history(parts: Parts, call: Call) -> NamespaceHistory:
    _check_source(parts, call)
    asked: NamespaceHistoryQuery = call.query
    names = tuple(dict.fromkeys(one.strip() for one in asked.namespaces.split(",")))
    return parts.questions.namespace_history(call.token.tenant, names, asked.source, asked.days)


def _entity(parts: Parts, call: Call) -> Entity:
    kind, namespace, name = call.path
    return parts.questions.entity(call.token.tenant, kind, "" if namespace == "-" else namespace, name)


def _own_tenant(question: Callable[[Questions, str], Struct]) -> Callable[[Parts, Call], Struct]:
    """``question``: a method of ``Questions`` that asks for nothing but a tenant."""
    return lambda parts, call: question(parts.questions, call.token.tenant)


_READ: tuple[tuple[str, str, type[Struct], Callable[[Parts, Call], Struct], type[Struct]], ...] = (
    ("sources", "Who reports, and what is open there", Sources, _own_tenant(Questions.sources), Nothing),
    ("findings", "Findings of all sources", Findings, _listed(Questions.findings), Asked),
    ("packages", "Who runs a package", Packages, _listed(Questions.packages), WhichPackages),
    ("images", "Images, and who has a vulnerability", Images, _listed(Questions.images), WhichImages),
    (
        "risks",
        "Workloads that are to be fixed first, the gravest first",
        Risks,
        _listed(Questions.risks),
        WhichRisks,
    ),
    ("history", "Sums of days", History, _history, HistoryQuery),
    (
        "history/namespaces",
        "How findings of a team's namespaces developed",
        NamespaceHistory,
        _namespace_history,
        NamespaceHistoryQuery,
    ),
    (
        "alerts",
        "What makes reports suspicious, and who is silent",
        Alerts,
        _own_tenant(Questions.alerts),
        Nothing,
    ),
    (
        "entities/{kind}/{namespace}/{name}",
        "One object in all sources; the namespace is - for none",
        Entity,
        _entity,
        Nothing,
    ),
)
ROUTES = (
    *(
        Route("POST", f"/v1/sources/{{source}}/{path}", ("write",), title, Receipt, _sent, SendQuery, takes)
        for path, title, takes in (
            ("report", "Send all that one scan found", WholeReport),
            ("changes", "Send what changed", Changes),
            ("images", "Send what is in an image", ImageContent),
        )
    ),
    *(
        Route("GET", f"/v1/sources/{{source}}/{path}", ("write", "read"), title, answers, answer, query)
        for path, title, answers, answer, query in (
            ("checkpoint", "Size and root of the log", LogState, _checkpoint, Nothing),
            ("proof", "That the log begins with what you knew", Proofs, _proof, ProofQuery),
        )
    ),
    *(
        Route("GET", f"/v1/{path}", ("read",), title, answers, answer, query)
        for path, title, answers, answer, query in _READ
    ),
)
