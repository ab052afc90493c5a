"""Objects as clients write them, and the three parts in which a store keeps them."""

import gc
import re
import uuid
from typing import Any

import orjson

from leadline.api.kind import Kind
from leadline.api.protocol import Content, Entry
from leadline.api.selection import Key
from leadline.programs.apiserver.encoding.forms import Served, Shown, now
from leadline.programs.serving.cluster import refusal

Object = dict[str, Any]
"""A whole object as JSON."""
Metadata = dict[str, Any]

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_LABEL_KEY = re.compile(
    r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
)
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_MAX_ANNOTATION_BYTES = 256 * 2**10
_MAX_LABELS = 1_000
"""They come along in every list, whatever part of the objects is asked for."""
_LARGE_BYTES = 2**20
MAX_MARKS = 2_000_000
"""Commas, colons and brackets in a body: parsed, each may represent a value many times as large."""
DEEPEST = 250
"""Nested lists and objects; call stacks in profiles nest deepest of what is real."""
_HEAD = frozenset({"kind", "apiVersion", "metadata"})
IDENTITY = ("uid", "creationTimestamp", "generation")
OURS = (*IDENTITY, "deletionTimestamp", "deletionGracePeriodSeconds")
"""Metadata that no client sets."""


def parse(content: bytes) -> Object:
    """Raises: ``Refusal`` for what is not JSON object, or too deep a one."""
    parsed = parse_any(content)
    if not isinstance(parsed, dict):
        raise refusal.bad_request("the body is not JSON object")
    return parsed


def parse_any(content: bytes) -> Any:
    """Raises: ``Refusal`` for what is not JSON, or nested too deeply to be worked on."""
    if len(content) > MAX_MARKS and sum(map(content.count, (b",", b":", b"[", b"{"))) > MAX_MARKS:
        raise refusal.too_large("the number of values in the body", MAX_MARKS)
    # Looked through for garbage again and again while it is made, a large one takes five times as long.
    is_large = len(content) > _LARGE_BYTES
    if is_large:
        gc.disable()
    try:
        parsed = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise refusal.bad_request(f"the body cannot be read: {error}") from error
    finally:
        if is_large:
            gc.enable()
    if content.count(b"[") + content.count(b"{") > DEEPEST:
        encoded(parsed)
    return parsed


def encoded(whole: Any) -> bytes:
    """Raises: ``Refusal`` for what is nested deeper than ``DEEPEST``, which is what orjson writes."""
    try:
        return orjson.dumps(whole)
    except orjson.JSONEncodeError as error:
        raise refusal.bad_request(f"the body is nested deeper than {DEEPEST} levels") from error


def object_of(served: Served, entry: Entry) -> Object:
    whole: Object = orjson.loads(Shown(served, "whole").one(entry))
    return whole


def content_of(served: Served, whole: Object) -> Content:
    """Brought into the form that clients rely on."""
    metadata: Metadata = whole["metadata"]
    metadata.pop("resourceVersion", None)
    body = {name: value for name, value in whole.items() if name not in _HEAD}
    served.kind.tidy(body)
    shown = {"metadata": metadata, **body}
    cells = [column.cell(shown) for column in served.kind.columns]
    return Content(orjson.dumps(metadata), orjson.dumps(cells), orjson.dumps(body))


def is_same(one: bytes, other: bytes) -> bool:
    """Whether JSON says the same, in whatever order clients write its members."""
    if one == other:
        return True
    return len(one) == len(other) and bool(orjson.loads(one) == orjson.loads(other))


def prepare(kind: Kind, whole: Object, namespace: str, name: str = "") -> Metadata:
    """The metadata of what a client sent, checked against the place it was sent to; ``name`` is empty for a new object.

    Raises: ``Refusal``.
    """
    if whole.get("apiVersion") != kind.api_version or whole.get("kind") != kind.name:
        sent = f"{whole.get('apiVersion')} {whole.get('kind')}"
        raise refusal.bad_request(f"the object is a {sent}, which this path does not take")
    metadata = whole.get("metadata")
    if not isinstance(metadata, dict):
        metadata = whole["metadata"] = {}
    for field, wanted in (("namespace", namespace), ("name", name)):
        sent = metadata.get(field) or ""
        if sent and wanted and sent != wanted:
            why = f"the {field} of the provided object does not match the {field} sent on the request"
            raise refusal.bad_request(why)
    metadata["namespace"] = namespace
    if not namespace:
        del metadata["namespace"]
    if name:
        metadata["name"] = name
    elif not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = f"{metadata['generateName']}{uuid.uuid4().hex[:5]}"
    for field in ("labels", "annotations"):
        # Null is not text: stored, it would break anyone who reads the labels of all.
        metadata[field] = {key: value or "" for key, value in (metadata.get(field) or {}).items()}
    check_metadata(kind, metadata)
    return metadata


def check_metadata(kind: Kind, metadata: Metadata) -> None:
    """Raises: ``Refusal``."""
    name = metadata.get("name") or ""
    if not _NAME.fullmatch(name):
        why = "Invalid value: a name consists of lower case letters, digits, '-' and '.', and begins and ends with a letter or digit"
        raise refusal.invalid(kind, name, "metadata.name", why)
    if len(metadata["labels"]) > _MAX_LABELS:
        why = f"Too many: must have at most {_MAX_LABELS} items"
        raise refusal.invalid(kind, name, "metadata.labels", why)
    for key, value in metadata["labels"].items():
        if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            raise refusal.invalid(kind, name, "metadata.labels", f'Invalid value: "{key}={value}"')
    size = sum(len(key) + len(value) for key, value in metadata["annotations"].items())
    if size > _MAX_ANNOTATION_BYTES:
        why = f"Too long: must have at most {_MAX_ANNOTATION_BYTES} bytes"
        raise refusal.invalid(kind, name, "metadata.annotations", why)


def make_new(metadata: Metadata) -> None:
    """What the server sets on creation."""
    for field in (*OURS, "resourceVersion", "selfLink"):
        metadata.pop(field, None)
    metadata.update(uid=str(uuid.uuid4()), creationTimestamp=now(), generation=1)


def key_of(kind: Kind, metadata: Metadata) -> Key:
    return Key(kind.plural, metadata.get("namespace", ""), metadata["name"])
