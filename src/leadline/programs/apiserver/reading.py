"""``get`` and ``list``."""

from typing import Any, Protocol

from leadline.api.protocol import MAX_PAGE_BYTES, Entry, Page, Paging, write_token
from leadline.api.selection import Key, Selection
from leadline.programs.apiserver import asked
from leadline.programs.apiserver.asked import Target
from leadline.programs.apiserver.exchange import Exchange
from leadline.programs.serving.cluster import refusal

_PIECE_BYTES = 2**20
"""Bodies in one piece of a list without a limit: a piece is in memory several times on its way."""
ZEROS_WARNING = (
    "this list carries metadata alone and zeros in place of what was found; "
    "ask for resourceVersion=fullSpec, or for one object, to see it"
)


class Source(Protocol):
    """What of a store is read here."""

    @property
    def revision(self) -> int: ...

    async def get(self, key: Key) -> Entry | None: ...

    async def list(self, selection: Selection, paging: Paging) -> Page: ...


async def get(store: Source, exchange: Exchange, target: Target) -> None:
    shown = asked.shown(exchange, target)
    asked.revision_asked_for(exchange)
    entry = await store.get(Key(target.kind.plural, target.namespace, target.name))
    if entry is None:
        raise refusal.not_found(target.kind, target.name)
    await exchange.answer(shown.one(entry))


async def list_(store: Source, exchange: Exchange, target: Target) -> None:
    """With a limit one page, bounded by bytes too; without one everything, sent page by page."""
    shown = asked.shown(exchange, target)
    selection = asked.selection_of(exchange, target, with_body=shown.needs_body)
    limit = asked.limit_asked_for(exchange)
    exact = asked.version_of_list(exchange, store.revision)
    token = exchange.query.get("continue", "") or (write_token((exact, "", "")) if exact else "")
    bytes_ = MAX_PAGE_BYTES if limit else _PIECE_BYTES
    page = await store.list(selection, Paging(token, asked.page_rows(limit), bytes_))
    if shown.form == "zeros":
        exchange.warnings.append(ZEROS_WARNING)
    if limit or not page.token:
        metadata: dict[str, Any] = {"resourceVersion": str(page.revision)}
        if page.token:
            metadata["continue"] = page.token
        await exchange.answer(shown.head(metadata) + shown.many(page.entries) + b"]}")
        return
    await exchange.begin(compressed=True)
    await exchange.piece(shown.head({"resourceVersion": str(page.revision)}) + shown.many(page.entries))
    while page.token:
        page = await store.list(selection, Paging(page.token, max_bytes=_PIECE_BYTES))
        await exchange.piece(b"," + shown.many(page.entries) if page.entries else b"")
    await exchange.end(b"]}")
