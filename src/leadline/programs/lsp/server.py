"""The server: keeps the texts of the editor, has them judged by one thread, and answers."""

import asyncio
import gc
import logging
import sys
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from leadline.errors import LeadlineError
from leadline.model.control import Framework
from leadline.programs.lsp.documents import Document, path_of
from leadline.programs.lsp.words import (
    FIX_ALL,
    SCAN_IMAGE,
    diagnostics,
    hover,
    lens,
    link,
    quick_fix,
    workspace_edit,
)
from leadline.scans.posture.frameworks import load_frameworks
from leadline.scans.workspace.fixes import accepted, fix_all, fix_of
from leadline.scans.workspace.images import ImageCounts, images_of
from leadline.scans.workspace.links import links_of
from leadline.scans.workspace.problems import Judged, Problem
from leadline.scans.workspace.workspace import Asked, Workspace, first_look
from leadline.version import __version__

log = logging.getLogger(__name__)
AskedOf = Callable[[str, bool], Asked]
"""What is wanted of a folder, and whether it is trusted."""
T = TypeVar("T")
_SETTLED_S = 0.1
"""Files on disk change in groups: they are looked at once none has changed for so long."""
_OPENING_S = 0.02
"""Editors open their files right after they have said which folders they have."""
_MOST_FIXES = 20
"""Of one request."""
_ACCEPTED_DAYS = 90
_WATCHED = (
    "**/*.{yaml,yml,json,tpl,toml}",
    "**/{.leadlineignore,.kubescapeignore}",
    "**/{Dockerfile,Containerfile,dockerfile,containerfile}",
    "**/{Dockerfile,Containerfile}.*",
    "**/*.{Dockerfile,Containerfile,dockerfile,containerfile}",
)


class Server(LanguageServer):
    """One editor's server."""

    def __init__(self, asked_of: AskedOf, *, is_trusted: bool) -> None:
        super().__init__("leadline", __version__, lsp.TextDocumentSyncKind.Incremental)
        self._asked_of = asked_of
        self._is_trusted = is_trusted
        self._documents: dict[str, Document] = {}
        """By file."""
        self._spaces: dict[str, Workspace] = {}
        """By folder, once it is read."""
        self._first: dict[str, Judged] = {}
        """What a first look at a file said, for editors that ask."""
        self._reading: dict[str, asyncio.Task[None]] = {}
        self._judging: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking: asyncio.TimerHandle | None = None
        self._pulls = False
        """Whether the editor asks for diagnostics by itself; else they are sent."""
        self._frameworks: tuple[Framework, ...] | None = None
        # One thread: the engine is for one, and requests are answered in the order of the keys before them.
        self._judge = ThreadPoolExecutor(1, "judge")
        # A registry may take minutes, for which no key waits.
        self._images = ThreadPoolExecutor(1, "images")
        self._counts: ImageCounts | None = None
        self._counting: set[str] = set()
        """Images that are being looked at."""

    # What the editor says

    def begin(self, params: lsp.InitializeParams) -> None:
        given = params.initialization_options
        if isinstance(given, dict) and isinstance(given.get("trusted"), bool):
            self._is_trusted = self._is_trusted or given["trusted"]
        texts = params.capabilities.text_document
        self._pulls = texts is not None and texts.diagnostic is not None

    def start(self) -> None:
        """Reads the folders, while requests are answered."""
        for uri in [one.uri for one in self.workspace.folders.values()] or [self.workspace.root_uri or ""]:
            self.add_folder(path_of(uri))
        self._watch_files()

    def add_folder(self, top: str) -> None:
        if top and top not in self._reading:
            self._reading[top] = self._later(self._read(top))

    def drop_folder(self, top: str) -> None:
        task = self._reading.pop(top, None)
        if task is not None:
            task.cancel()
        space = self._spaces.pop(top, None)
        if space is not None:
            self._judge.submit(space.close)
        for file in self._documents:
            self._later(self._tell([file]))

    def opened(self, document: lsp.TextDocumentItem) -> None:
        file = path_of(document.uri)
        if file:
            self._documents[file] = Document(document.uri, document.version, document.text)
            self._take_later(file)

    def changed(self, params: lsp.DidChangeTextDocumentParams) -> None:
        file = path_of(params.text_document.uri)
        before = self._documents.get(file)
        if before is not None:
            self._documents[file] = before.changed(params.text_document.version, params.content_changes)
            self._take_later(file)

    def closed(self, uri: str) -> None:
        file = path_of(uri)
        if self._documents.pop(file, None) is None:
            return
        space = self._space_of(file)
        if not self._pulls:
            self._publish(uri, [], None)
        if space is not None:
            self._later(self._hide(space, file))

    def files_changed(self, uris: Iterable[str]) -> None:
        """Looks at the disk again in a moment; reads a folder again when its settings have changed."""
        files = [path_of(uri) for uri in uris]
        for top, space in self._spaces.items():
            if any(space.is_set_by(file) for file in files):
                self._reading[top] = self._later(self._read(top))
        if self._looking is not None:
            self._looking.cancel()
        loop = asyncio.get_running_loop()
        self._looking = loop.call_later(_SETTLED_S, lambda: self._later(self._look()))

    def end(self) -> None:
        """Ends what was started to render."""
        for space in self._spaces.values():
            self._judge.submit(space.close)
        self._judge.shutdown()
        self._images.shutdown(wait=False, cancel_futures=True)

    # What the editor asks

    async def diagnostics(
        self, params: lsp.DocumentDiagnosticParams
    ) -> lsp.RelatedFullDocumentDiagnosticReport:
        file = path_of(params.text_document.uri)
        space, document = await self._settled(file), self._documents.get(file)
        if document is None:
            return lsp.RelatedFullDocumentDiagnosticReport([])
        if space is None:
            judged = self._first.get(file, Judged())
        else:
            judged = await self._judged_by(partial(space.judged, file))
        return lsp.RelatedFullDocumentDiagnosticReport(diagnostics(judged, document))

    async def links(self, params: lsp.DocumentLinkParams) -> list[lsp.DocumentLink]:
        file = path_of(params.text_document.uri)
        space, document = await self._settled(file), self._documents.get(file)
        if space is None or document is None:
            return []
        found = await self._judged_by(lambda: list(links_of(space, file, document.text)))
        return [link(one, document) for one in found]

    async def lenses(self, params: lsp.CodeLensParams) -> list[lsp.CodeLens]:
        file = path_of(params.text_document.uri)
        space = await self._settled(file)
        if space is None or space.images is None:
            return []
        if self._counts is None:
            self._counts = ImageCounts(space.images)
        counts = self._counts
        found = await self._judged_by(lambda: list(images_of(space, file)))
        return [lens(one, counts.known(one.name), one.name in self._counting) for one in found]

    async def scan_image(self, name: str) -> None:
        """Counts the vulnerabilities of an image that a lens named."""
        if self._counts is None or name in self._counting:
            return
        self._counting.add(name)
        self._ask_for_lenses()
        try:
            await asyncio.get_running_loop().run_in_executor(self._images, self._counts.count, name)
        finally:
            self._counting.discard(name)
            self._ask_for_lenses()

    def _ask_for_lenses(self) -> None:
        workspace = self.client_capabilities.workspace
        if workspace and workspace.code_lens and workspace.code_lens.refresh_support:
            self.workspace_code_lens_refresh(None)

    async def hover(self, params: lsp.HoverParams) -> lsp.Hover | None:
        file, number = path_of(params.text_document.uri), params.position.line + 1
        space = await self._settled(file)
        if space is None:
            return None

        def page() -> str:
            here = [one for one in space.judged(file).problems if one.line == number]
            return hover(here, space.controls, self._known_frameworks(space), space.settings) if here else ""

        text = await self._judged_by(page)
        return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, text)) if text else None

    async def code_actions(self, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        file = path_of(params.text_document.uri)
        space, document = await self._settled(file), self._documents.get(file)
        if space is None or document is None:
            return []
        only = [str(getattr(kind, "value", kind)) for kind in params.context.only or ()]
        first, last = params.range.start.line + 1, params.range.end.line + 1

        def actions() -> list[lsp.CodeAction]:
            found: list[lsp.CodeAction] = []
            problems = space.judged(file).problems
            here = [one for one in problems if first <= one.line <= last][:_MOST_FIXES]
            if _wants(only, "quickfix"):
                for problem in here:
                    if (fix := fix_of(space, problem)) is not None:
                        found.append(quick_fix(fix, problem, document))
                found += self._acceptances(space, here, document)
            if problems and _wants(only, FIX_ALL) and (every := fix_all(space, file)) is not None:
                edit = workspace_edit(every.edits, document)
                found.append(lsp.CodeAction(every.title, FIX_ALL, edit=edit))
            return found

        return await self._judged_by(actions)

    def _acceptances(
        self, space: Workspace, problems: Iterable[Problem], document: Document
    ) -> Iterable[lsp.CodeAction]:
        until = (datetime.now(UTC) + timedelta(days=_ACCEPTED_DAYS)).strftime("%Y-%m-%d")
        for problem in problems:
            fix = accepted(space, problem, document.line(problem.line - 1), until)
            if fix is not None:
                yield lsp.CodeAction(
                    fix.title, lsp.CodeActionKind.QuickFix, edit=workspace_edit(fix.edits, document)
                )

    def _known_frameworks(self, space: Workspace) -> tuple[Framework, ...]:
        if self._frameworks is None:
            self._frameworks = tuple(load_frameworks(tuple(space.controls.values())))
        return self._frameworks

    # The work

    async def _read(self, top: str) -> None:
        token = await self._progress_begins(top)
        try:
            asked = await self._judged_by(lambda: self._asked_of(top, self._is_trusted))
            if top not in self._spaces:
                await self._look_first(top, asked)
            space = await self._judged_by(lambda: Workspace(top, asked))
        except LeadlineError as error:
            self.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Error, f"Leadline: {error}"))
            return
        finally:
            if token:
                self.work_done_progress.end(token, lsp.WorkDoneProgressEnd())
        before, self._spaces[top] = self._spaces.get(top), space
        if before is not None:
            self._judge.submit(before.close)
        self._first.clear()
        # What is read stays: looking through it for garbage again and again would hold up keys.
        gc.collect()
        gc.freeze()
        self._say(space)
        for file in self._documents:
            self._take_later(file)
        self._ask_to_pull()

    async def _look_first(self, top: str, asked: Asked) -> None:
        """Says of the files that are open what does not depend on others, which takes seconds to read."""
        await asyncio.sleep(_OPENING_S)
        open_now = {
            file: one for file, one in self._documents.items() if file.startswith(f"{top.rstrip('/')}/")
        }
        few = dict(list(open_now.items())[:_MOST_FIXES])
        texts = {file: one.text for file, one in few.items()}
        for file, judged in (await self._judged_by(lambda: first_look(top, asked, texts))).items():
            document = few[file]
            if self._pulls:
                self._first[file] = judged
            elif self._documents.get(file) is document:
                self._publish(document.uri, diagnostics(judged, document), document.version)
        self._ask_to_pull()

    async def _progress_begins(self, top: str) -> str:
        """What the progress is called; empty for an editor that shows none."""
        window = self.client_capabilities.window
        if window is None or not window.work_done_progress:
            return ""
        token = f"leadline-{len(self._reading)}-{top}"
        await self.work_done_progress.create_async(token)
        title = "Leadline reads the workspace"
        self.work_done_progress.begin(token, lsp.WorkDoneProgressBegin(title, message=Path(top).name))
        return token

    def _ask_to_pull(self) -> None:
        """Has the editor ask again for all that it shows."""
        workspace = self.client_capabilities.workspace
        if self._pulls and workspace and workspace.diagnostics and workspace.diagnostics.refresh_support:
            self.workspace_diagnostic_refresh(None)

    def _say(self, space: Workspace) -> None:
        objects = sum(1 for _ in space.objects)
        notes = space.notes()
        lines = [f"{space.top}: {objects:,} objects in {len(space.folder.files):,} files"]
        lines += [space.message(f"not read: {one.where}: {one.why}") for one in notes[:_MOST_FIXES]]
        if len(notes) > _MOST_FIXES:
            lines.append(f"and {len(notes) - _MOST_FIXES:,} more")
        self.window_log_message(lsp.LogMessageParams(lsp.MessageType.Info, "\n".join(lines)))

    def _take_later(self, file: str) -> None:
        """Has the text of a file judged, once for all that is typed meanwhile."""
        if file not in self._judging and self._space_of(file) is not None:
            task = self._judging[file] = self._later(self._take(file))
            task.add_done_callback(lambda _: self._judging.pop(file, None))

    async def _take(self, file: str) -> None:
        while (document := self._documents.get(file)) is not None:
            space = self._space_of(file)
            if space is None:
                return
            touched = await self._judged_by(partial(space.show, file, document.text))
            await self._tell({file, *touched})
            if self._documents.get(file) is document:
                return

    async def _hide(self, space: Workspace, file: str) -> None:
        await self._tell(await self._judged_by(lambda: space.hide(file)))

    async def _look(self) -> None:
        for space in tuple(self._spaces.values()):
            touched = await self._judged_by(space.refresh)
            # A file that is new to the scan may have been open before.
            for file in [one for one in self._documents if one in touched]:
                self._take_later(file)
            if self._pulls:
                self._ask_to_pull()
            else:
                await self._tell(touched)

    def _later(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Does it beside what is answered; the loop itself does not keep tasks alive."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        fault = None if task.cancelled() else task.exception()
        if fault is not None:
            log.error("a fault of this program", exc_info=fault)
            text = f"Leadline: a fault of this program: {type(fault).__name__}; its log says where"
            self.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Error, text))

    async def _tell(self, files: Iterable[str]) -> None:
        """Sends what is to be said about those of ``files`` that are open."""
        if self._pulls:
            # For the one that is typed in it asks by itself.
            if len({file for file in files if file in self._documents}) > 1:
                self._ask_to_pull()
            return
        for file in files:
            document, space = self._documents.get(file), self._space_of(file)
            if document is None:
                continue
            if space is None:
                self._publish(document.uri, [], document.version)
                continue
            found = diagnostics(await self._judged_by(partial(space.judged, file)), document)
            if self._documents.get(file) is document:
                self._publish(document.uri, found, document.version)

    def _publish(self, uri: str, found: list[lsp.Diagnostic], version: int | None) -> None:
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, found, version))

    async def _settled(self, file: str) -> Workspace | None:
        """The folder of ``file`` once all that was typed until now is judged."""
        task = self._judging.get(file)
        if task is not None:
            await asyncio.wait([task])
        return self._space_of(file)

    def _space_of(self, file: str) -> Workspace | None:
        """That of the deepest folder that holds it."""
        holding = [top for top in self._spaces if file.startswith(f"{top.rstrip('/')}/")]
        return self._spaces[max(holding, key=len)] if holding else None

    async def _judged_by(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._judge, work)

    def _watch_files(self) -> None:
        capabilities = self.client_capabilities.workspace
        watching = capabilities.did_change_watched_files if capabilities else None
        if watching is None or not watching.dynamic_registration:
            return
        watchers = [lsp.FileSystemWatcher(glob_pattern=pattern) for pattern in _WATCHED]
        options = lsp.DidChangeWatchedFilesRegistrationOptions(watchers)
        self.client_register_capability(
            lsp.RegistrationParams(
                [lsp.Registration("leadline-files", lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)]
            )
        )


def _wants(only: list[str], kind: str) -> bool:
    """Whether a request is about that kind of action, or one that holds it."""
    return not only or any(kind == one or kind.startswith(f"{one}.") for one in only)


def server_of(asked_of: AskedOf, *, is_trusted: bool) -> Server:
    """The server with what it answers to."""
    server = Server(asked_of, is_trusted=is_trusted)
    _hear(server)
    pull = lsp.DiagnosticOptions(
        inter_file_dependencies=True, workspace_diagnostics=False, identifier="leadline"
    )
    kinds = lsp.CodeActionOptions([lsp.CodeActionKind.QuickFix, FIX_ALL])
    # A method takes no mark of its own, by which the library knows what is registered.
    server.feature(lsp.TEXT_DOCUMENT_HOVER)(partial(server.hover))
    server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_LINK)(partial(server.links))
    server.feature(lsp.TEXT_DOCUMENT_CODE_LENS)(partial(server.lenses))
    server.feature(lsp.TEXT_DOCUMENT_DIAGNOSTIC, pull)(partial(server.diagnostics))
    server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, kinds)(partial(server.code_actions))

    @server.command(SCAN_IMAGE)
    async def on_scan_image(name: str) -> None:
        await server.scan_image(name)

    return server


def _hear(server: Server) -> None:
    """What the editor says."""

    def folders_changed(params: lsp.DidChangeWorkspaceFoldersParams) -> None:
        for one in params.event.removed:
            server.drop_folder(path_of(one.uri))
        for one in params.event.added:
            server.add_folder(path_of(one.uri))

    heard: dict[str, Callable[[Any], None]] = {
        lsp.INITIALIZE: partial(server.begin),
        lsp.INITIALIZED: lambda _: server.start(),
        lsp.TEXT_DOCUMENT_DID_OPEN: lambda params: server.opened(params.text_document),
        lsp.TEXT_DOCUMENT_DID_CHANGE: partial(server.changed),
        lsp.TEXT_DOCUMENT_DID_CLOSE: lambda params: server.closed(params.text_document.uri),
        lsp.TEXT_DOCUMENT_DID_SAVE: lambda params: server.files_changed([params.text_document.uri]),
        lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES: lambda params: server.files_changed(
            one.uri for one in params.changes
        ),
        lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: folders_changed,
    }
    for name, hear in heard.items():
        server.feature(name)(hear)


def serve(asked_of: AskedOf, *, is_trusted: bool) -> int:
    """Until the editor leaves. ``asked_of`` says what is wanted of a folder."""
    # A server lives for days: what a command leaves to its end is collected here.
    gc.enable()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="leadline: %(message)s")
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    # What a control of the user's own prints would be read as a message.
    sys.stdout = sys.stderr
    server = server_of(asked_of, is_trusted=is_trusted)
    try:
        server.start_io(stdin, stdout)
    finally:
        server.end()
    return 0
