"""Kubernetes objects out of YAML and JSON files: multi-document, lists, standard input."""

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

from leadline.kube.field_path import format_path
from leadline.model.resource import Origin, Resource, resource_of
from leadline.model.unread import Unread
from leadline.sbom.dockerfile.instructions import RefusedError
from leadline.sources.manifests.applied_texts import written_objects
from leadline.sources.manifests.deployers import inline_objects
from leadline.sources.manifests.dockerfiles import (
    dockerfile_object,
    is_dockerfile_text,
    may_be_dockerfile,
    unread_dockerfile,
)
from leadline.sources.manifests.files import (
    CHART_FILE,
    STDIN,
    FileListing,
    ManifestFile,
    has_dockerfile_name_alone,
    list_files,
)
from leadline.sources.manifests.kubernetes_text import may_hold_objects, may_hold_objects_far_down
from leadline.sources.manifests.marks_of_others import scanners_of
from leadline.sources.regular_file import open_regular, read_most, read_regular
from leadline.sources.yaml.errors import HELM_HINT, HELM_WHY, YamlProblem
from leadline.sources.yaml.json import looks_like_json, parse_json, without_comments
from leadline.sources.yaml.parser import (
    LIMITS,
    Document,
    Limits,
    Memory,
    decode,
    documents_in,
    parse_documents,
    too_large,
)

_DATABASE = b"SQLite format 3\0"
_LIST_DEPTH = 8
"""Lists within lists; the API serves one level."""
_UNREAD_TOLD = 100
"""Of one file; the others are counted."""
_TEMPLATE_BYTES = 1 << 20
_HAS_TYPE = re.compile(rb"^[ \t]*['\"]?apiVersion['\"]?[ \t]*:", re.MULTILINE)
_HAS_KIND = re.compile(rb"^[ \t]*['\"]?kind['\"]?[ \t]*:", re.MULTILINE)
_LIST_FIELDS = frozenset({"apiVersion", "kind", "metadata", "items"})
_NOT_JUDGED_GROUP = "kustomize.config.k8s.io/"


class DuplicateKey(Struct, frozen=True):
    """A key that a file writes twice in one mapping; the last one counts."""

    path: str
    line: int
    key: str


class Manifests(Struct, frozen=True):
    """What the files of a target hold."""

    root: str
    """The folder that paths are relative to, as the user named it; empty for standard input."""
    resources: tuple[Resource, ...]
    """In the order of reading."""
    unread: tuple[Unread, ...] = ()
    not_kubernetes: int = 0
    """Documents that hold something else than Kubernetes objects."""
    files: int = 0
    """Files that objects were read from."""
    ignored: int = 0
    left_out: tuple[Unread, ...] = ()
    duplicates: tuple[DuplicateKey, ...] = ()
    charts: tuple[str, ...] = ()
    """Folders of Helm charts, relative to ``root``."""
    kustomizations: tuple[str, ...] = ()
    """Folders of kustomizations, relative to ``root``."""


class Contents(Struct):
    """What one text holds, gathered while it is read."""

    resources: list[Resource] = msgspec.field(default_factory=list)
    unread: list[Unread] = msgspec.field(default_factory=list)
    duplicates: list[DuplicateKey] = msgspec.field(default_factory=list)
    not_kubernetes: int = 0
    left_out: list[Unread] = msgspec.field(default_factory=list)


def read_manifests(
    targets: Sequence[str],
    *,
    limits: Limits = LIMITS,
    ignore: Sequence[str] = (),
    claimed: Collection[str] = frozenset(),
    stdin: BinaryIO | None = None,
) -> Manifests:
    """Every object in ``targets``: folders, files, globs such as ``deploy/**/*.yaml``, or ``-`` for ``stdin``.

    A folder is walked with everything below it but folders that tools fill and what ``.leadlineignore``,
    ``.kubescapeignore`` and ``ignore`` name. ``claimed``: absolute paths that another source reads.

    Raises: ``ManifestError`` for a target that does not exist or cannot be read as a whole.
    """
    return read_listing(list_files(targets, ignore, claimed), limits=limits, stdin=stdin)


def read_listing(
    listing: FileListing, *, limits: Limits = LIMITS, stdin: BinaryIO | None = None
) -> Manifests:
    """Every object in the files of ``listing``, read one after the other."""
    whole = Contents(unread=list(listing.unread))
    memory = Memory()
    files = 0
    for file in listing.files:
        before = len(whole.resources)
        read_file(whole, file, listing.root, limits, memory, stdin)
        files += len(whole.resources) > before
    whole.unread += _templates(listing)
    return Manifests(
        listing.root,
        tuple(whole.resources),
        tuple(whole.unread),
        whole.not_kubernetes,
        files,
        listing.ignored,
        (*listing.left_out, *whole.left_out),
        tuple(whole.duplicates),
        listing.charts,
        listing.kustomizations,
    )


def read_file(
    whole: Contents,
    file: ManifestFile,
    root: str,
    limits: Limits,
    memory: Memory,
    stdin: BinaryIO | None = None,
    *,
    text: bytes | None = None,
) -> None:
    """Adds what ``file`` holds to ``whole``; ``text`` is what counts in its place. Never raises."""
    content = _content(file, limits, stdin) if text is None else text
    if isinstance(content, Unread):
        whole.unread.append(content)
    elif content is None:
        whole.not_kubernetes += 1
    elif is_dockerfile_text(name := file.path.rpartition("/")[2], content):
        _add_dockerfile(
            whole,
            content,
            Origin(path=file.path, root=root),
            is_sure=file.is_named or has_dockerfile_name_alone(name),
        )
    else:
        before = len(whole.resources)
        origin = Origin(path=file.path, root=root)
        add_contents(whole, content, origin, limits, memory, may_be_anything=not file.is_named)
        if len(whole.resources) > before and (scanners := scanners_of(content)):
            why = f"ignores of {', '.join(scanners)} inside, which change nothing here; leadline migrate takes them over"
            whole.left_out.append(Unread(file.path, why, "left out"))


def _add_dockerfile(whole: Contents, content: bytes, origin: Origin, *, is_sure: bool) -> None:
    if not is_sure and not may_be_dockerfile(content):
        whole.not_kubernetes += 1
        return
    try:
        whole.resources.append(resource_of(dockerfile_object(content, origin.path), origin))
    except RefusedError as error:
        whole.unread.append(unread_dockerfile(error, origin.path))


def _templates(listing: FileListing) -> Iterator[Unread]:
    """Those that would make objects."""
    for file in listing.templates:
        try:
            content = read_regular(file.real, _TEMPLATE_BYTES)
        except OSError:
            continue
        if _HAS_TYPE.search(content) and _HAS_KIND.search(content):
            why = "a template of Kubernetes objects that nothing here fills in"
            yield Unread(file.path, why, "unsupported", hint="fill it in and scan the result")


def read_text(content: bytes, origin: Origin, limits: Limits = LIMITS) -> Contents:
    """Every object in one text, such as the output of a renderer; ``origin`` says where it came from."""
    contents = Contents()
    add_contents(contents, content, origin, limits, Memory())
    return contents


def add_contents(
    whole: Contents,
    content: bytes,
    origin: Origin,
    limits: Limits,
    memory: Memory,
    *,
    may_be_anything: bool = False,
) -> None:
    """Adds what ``content`` holds to ``whole``. Never raises: what cannot be read is ``unread``.

    With ``may_be_anything``, what cannot be read and names no type is not Kubernetes: no one said that it holds objects.
    """
    documents = documents_of(content, origin.path, limits, memory)
    add_documents(whole, content, documents, origin, may_be_anything=may_be_anything)


def add_documents(
    whole: Contents,
    content: bytes,
    documents: Iterable[Document],
    origin: Origin,
    *,
    may_be_anything: bool = False,
) -> None:
    """The same of the ``documents`` of ``content``, as ``documents_of`` gives them."""
    has_template = False
    told_before = len(whole.unread)
    for document in documents:
        problem = document.problem
        if problem is None:
            place = msgspec.structs.replace(origin, document=document.index)
            _add_document(whole, document, place)
            whole.duplicates += [DuplicateKey(origin.path, d.line, d.key) for d in document.duplicates]
        elif may_be_anything and not _may_hold_objects(content, origin.path):
            whole.not_kubernetes += 1
        elif not (problem.is_template and has_template):
            may_be_anything = False
            has_template |= problem.is_template
            whole.unread.append(_unread(origin.path, problem, origin.root))
    more = len(whole.unread) - told_before - _UNREAD_TOLD
    if more > 0:
        del whole.unread[told_before + _UNREAD_TOLD :]
        whole.unread.append(Unread(origin.path, f"{more} more of its parts could not be read", "incomplete"))


def _may_hold_objects(content: bytes, path: str) -> bool:
    return may_hold_objects(content, is_template="templates" in path.split("/"))


def documents_of(content: bytes, path: str, limits: Limits, memory: Memory) -> list[Document]:
    """The documents of a YAML or JSON text; which of the two it is follows from the text, as with kubectl."""
    if len(content) > limits.size_bytes:
        return [Document(0, 1, problem=too_large(limits))]
    try:
        text = decode(content)
    except UnicodeDecodeError:
        return parse_documents(content, limits, memory)
    if content.startswith(_DATABASE):
        why = "a database, not a manifest; a store of results is read with --from-store FILE"
        return [Document(0, 1, problem=YamlProblem(why, "malformed"))]
    if b"\0" in text:
        return [Document(0, 1, problem=YamlProblem("binary content, no text", "malformed"))]
    if not looks_like_json(text):
        return documents_in(text, limits, memory)
    from_json = parse_json(text, limits)
    problems = [document.problem for document in from_json if document.problem]
    if not problems or problems[-1].is_limit:
        return from_json
    from_yaml = documents_in(text, limits, memory)
    if not any(d.problem for d in from_yaml):
        return from_yaml
    from_settings = parse_json(without_comments(text), limits)
    if not any(document.problem for document in from_settings):
        return from_settings
    if any(d.problem and d.problem.is_template for d in from_yaml):
        return from_yaml
    is_json = path.lower().endswith(".json") or len(from_json) > len(from_yaml)
    return from_json if is_json and b"\n---" not in text else from_yaml


def _content(file: ManifestFile, limits: Limits, stdin: BinaryIO | None) -> bytes | Unread | None:
    """``None`` where it is too large and holds no object."""
    if file.real == STDIN:
        content = stdin.read(limits.size_bytes + 1) if stdin else b""
        if len(content) > limits.size_bytes:
            return _unread(STDIN, too_large(limits))
        return content
    try:
        # What the walk found may have been swapped since.
        with open_regular(file.real) as stream:
            if os.fstat(stream.fileno()).st_size > limits.size_bytes:
                is_kubernetes = file.is_named or may_hold_objects_far_down(stream)
                return _unread(file.path, too_large(limits)) if is_kubernetes else None
            return read_most(stream, limits.size_bytes + 1)
    except PermissionError:
        return Unread(file.path, "no permission to read it", "forbidden")
    except OSError as error:
        return Unread(file.path, f"cannot be read: {(error.strerror or str(error)).lower()}", "unreachable")


def _unread(path: str, problem: YamlProblem, root: str = "") -> Unread:
    if problem.is_template:
        chart = _chart_above(Path(root, path))
        if chart:
            hint = f"scan {chart}, which holds its {CHART_FILE}"
            return Unread(path, HELM_WHY, "not rendered", problem.line, problem.column, hint, kind="template")
        if "templates" in path.split("/"):
            return Unread(
                path, HELM_WHY, "not rendered", problem.line, problem.column, HELM_HINT, kind="template"
            )
    return Unread(path, problem.why, problem.reason, problem.line, problem.column, problem.hint)


def _chart_above(file: Path) -> str:
    """The nearest folder above ``file`` that holds a chart's description; empty where none does."""
    for folder in islice(file.absolute().parents, _FOLDERS_ABOVE):
        if (folder / CHART_FILE).is_file():
            return str(folder)
    return ""


_FOLDERS_ABOVE = 8


def _add_document(whole: Contents, document: Document, origin: Origin) -> None:
    body = document.body
    if body is None:
        return
    if isinstance(body, list) and any(
        isinstance(i, dict) and "kind" in i and "apiVersion" in i for i in body
    ):
        for number, item in enumerate(body):
            place = msgspec.structs.replace(origin, inside=f"[{number}].")
            _add_body(whole, item, place, document.line, 0)
    else:
        _add_body(whole, body, origin, document.line, 0)


def _add_body(whole: Contents, body: Any, origin: Origin, line: int, depth: int) -> None:
    if not is_object_like(body):
        if origin.inside:
            whole.unread.append(
                Unread(origin.path, f"{origin.inside[:-1]} is not a Kubernetes object", "malformed", line, 1)
            )
        else:
            whole.not_kubernetes += 1
        return
    if _is_list(body, is_outermost=depth == 0):
        if depth == _LIST_DEPTH:
            whole.unread.append(
                Unread(origin.path, f"lists nested deeper than {_LIST_DEPTH} levels", "too large", line, 1)
            )
            return
        for number, item in enumerate(_items(body)):
            place = msgspec.structs.replace(origin, inside=f"{origin.inside}items[{number}].")
            _add_body(whole, item, place, line, depth + 1)
        if str(body.get("kind")).endswith("List") or body.keys() <= _LIST_FIELDS:
            return
    if fault := _fault(body):
        why, hint = fault
        whole.unread.append(Unread(origin.path, f"{origin.inside}{why}", "malformed", line, 1, hint))
    elif body["apiVersion"].startswith(_NOT_JUDGED_GROUP):
        whole.not_kubernetes += 1
    else:
        whole.resources.append(resource_of(body, origin))
        if depth < _LIST_DEPTH:
            for keys, inner in inline_objects(body):
                place = msgspec.structs.replace(origin, inside=f"{origin.inside}{format_path(keys)}.")
                _add_body(whole, inner, place, line, depth + 1)
            for keys, bodies, why in written_objects(body):
                place = msgspec.structs.replace(origin, inside=f"{origin.inside}{format_path(keys)}.")
                for inner in bodies:
                    _add_body(whole, inner, place, line, depth + 1)
                if why:
                    said = f"{origin.inside}{format_path(keys)} is created and cannot be read: {why}"
                    whole.unread.append(Unread(origin.path, said, "malformed", line, 1))


def is_object_like(body: Any) -> bool:
    """Whether a document means to be a Kubernetes object, be it a faulty one.

    A word ``kind`` alone is in values of charts and settings of other programs as well.
    """
    if not isinstance(body, dict):
        return False
    has_parts = isinstance(body.get("metadata"), dict)
    if "apiVersion" in body:
        return "kind" in body or has_parts
    has_parts = has_parts or isinstance(body.get("spec"), dict) or isinstance(body.get("items"), list)
    return isinstance(body.get("kind"), str) and has_parts


_QUOTE = "quote it"


def _fault(body: Mapping[str, Any]) -> tuple[str, str] | None:
    """What keeps an object from being one, and what to do about it where one word says it."""
    for field in ("apiVersion", "kind"):
        if body.get(field) is None or body[field] == "":
            return f"{field} is missing", ""
        if not isinstance(body[field], str):
            return f"{field} must be text", _QUOTE
    metadata = body.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        return "metadata must be a mapping", ""
    for field in ("name", "namespace", "generateName"):
        if metadata and not isinstance(metadata.get(field), str | None):
            return f"metadata.{field} must be text", _QUOTE
    if body["kind"] == "List" and not isinstance(body.get("items"), list | None):
        return "items must be a list", ""
    return None


def _is_list(body: Mapping[str, Any], *, is_outermost: bool) -> bool:
    """Whether kubectl sends the items: to it every object with ``items`` is a list, a Pod as well.

    What has more than that and is not a list by its kind is an object too, for programs other than kubectl. One of a custom kind may hold
    something else than objects in its items, which kubectl refuses.
    """
    items = body.get("items")
    if not isinstance(items, list):
        return is_outermost and body.get("kind") == "List" and "items" in body and items is None
    if any(
        isinstance(item, dict) and (is_object_like(item) or "metadata" in item or "items" in item)
        for item in items
    ):
        return True
    metadata = body.get("metadata")
    is_named = isinstance(metadata, dict) and bool(metadata.get("name"))
    return str(body.get("kind")).endswith("List") and not is_named


def _items(body: Mapping[str, Any]) -> Iterator[Any]:
    """Items of a typed list lack the type that the list names."""
    kind, version = body.get("kind"), body.get("apiVersion")
    for item in body.get("items") or ():
        if isinstance(item, dict) and kind and version and not (item.get("kind") or item.get("apiVersion")):
            yield {**item, "apiVersion": version, "kind": str(kind).removesuffix("List")}
        else:
            yield item
