"""What existing clients read, byte for byte: fixed documents, lists, tables and whole objects of an older store file.

``wire.jsonl.zst`` was written by the version that wrote the file; what is in it of findings, since they can be watched.
"""

import asyncio
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard
from asgi import METADATA_LIST, TABLE, AllOpen, Client, Everybody
from msgspec.structs import replace

from leadline.api.carriers.local import LocalStore
from leadline.api.catalogue import KINDS
from leadline.api.kinds.scans import ScanOutcome
from leadline.api.protocol import Entry, Paging
from leadline.api.selection import Selection
from leadline.api.wire_type import schema
from leadline.programs.apiserver.app import App
from leadline.programs.apiserver.encoding import wire
from leadline.programs.apiserver.encoding.forms import serve
from leadline.version import __version__

GOLDENS = Path(__file__).parent / "goldens"
STORE = GOLDENS / "store-of-an-older-version.db"
WIRE = GOLDENS / "wire.jsonl.zst"
AGES = re.compile(rb'"(\d+[smhdy])+"')
"""Of dates that a table shows as the time since."""
HASH = re.compile(rb"hash=[0-9A-F]{64}")
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
LATER = frozenset(
    {
        "findinghistories",
        "imagefindings",
        "namespacehistories",
        "runtimealerts",
        "suggestions",
        "workloadrisks",
    }
)
"""Plurals of kinds that the older version did not serve."""
DESCRIPTION = re.compile(rb'"description":"(?:[^"\\]|\\.)*",?')
"""The one thing that may change in a document."""
TRAILING = re.compile(rb",(?=\})")
ADDED = re.compile(rb',"(?:shortNames|categories)":\[[^\]]*\]')
"""What discovery says of a kind since; clients that do not know it pass over it."""
SERVED = {kind.plural: serve(kind) for kind in KINDS if kind.plural not in LATER}
THEN = [one.kind for one in SERVED.values()]
WRITTEN = [kind.plural for kind in THEN if not kind.is_computed]


def requests() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Path, accepted form and query of each."""
    json = "application/json"
    for path in ("/apis", "/version", "/openapi/v2", "/openapi/v3"):
        yield path, json, {}
    for version in ("v2", "v2beta1"):
        yield "/apis", AGGREGATED.format(version), {}
    for api_version in dict.fromkeys(kind.api_version for kind in THEN):
        yield f"/apis/{api_version.partition('/')[0]}", json, {}
        yield f"/apis/{api_version}", json, {}
        yield f"/openapi/v3/apis/{api_version}", json, {}
    for kind in THEN:
        root = f"/apis/{kind.api_version}/{kind.plural}"
        yield root, json, {}
        yield root, json, {"resourceVersion": "fullSpec"}
        yield root, METADATA_LIST, {}
        yield root, TABLE, {}


async def answers(folder: Path) -> list[bytes]:
    shutil.copy(STORE, folder / "results.db")
    store = LocalStore(folder / "results.db")
    client = Client()
    client.app = App(store, THEN, Everybody(), AllOpen())
    lines = []
    for path, accept, query in requests():
        answer = await client.ask("GET", path, query=query, headers={"accept": accept})
        content = answer.content.replace(__version__.encode(), b"VERSION")
        if "Table" in accept:
            content = AGES.sub(b'"AGE"', content)
        head = f"{path} {accept} {orjson.dumps(query).decode()} {answer.code} "
        lines.append(head.encode() + (ADDED.sub(b"", content) if "apis" in path else content))
    for kind in THEN:
        listed = await client.ask("GET", f"/apis/{kind.api_version}/{kind.plural}")
        for item in listed.json["items"]:
            space = item["metadata"].get("namespace")
            where = f"/namespaces/{space}" if space else ""
            path = f"/apis/{kind.api_version}{where}/{kind.plural}/{item['metadata']['name']}"
            lines.append(f"{path} ".encode() + (await client.ask("GET", path)).content)
    await store.close()
    return lines


def plain(line: bytes) -> bytes:
    """Without what may be another in every version."""
    without = _bare(HASH.sub(b"hash=HASH", line))
    for field in FIELDS_SINCE:
        without = without.replace(field, b"")
    return without


def _bare(text: bytes) -> bytes:
    return TRAILING.sub(b"", DESCRIPTION.sub(b"", text))


FIELDS_SINCE = (
    _bare(b',"admins":' + orjson.dumps(schema(ScanOutcome)["properties"]["admins"])),
    # Of a match: whether its package was loaded.
    b',"relevant":{"type":"boolean"}',
)
"""In schemas: what objects are written without where it says nothing."""


NO_ZEROS_SINCE = {b"[null,null,0,0,0,0,0,0,0,null]": orjson.dumps([None] * 10)}
"""Cells of a scan that was ordered and has not begun: what is not known yet is no longer shown as nothing found."""


async def entries(folder: Path) -> list[Entry]:
    shutil.copy(STORE, folder / "results.db")
    store = LocalStore(folder / "results.db")
    found = [
        entry
        for plural in SERVED
        for entry in (await store.list(Selection(plural), Paging(max_bytes=2**30))).entries
    ]
    await store.close()
    return found


def test_clients_read_the_same_bytes_from_a_file_of_an_older_version(tmp_path: Path):
    wanted = zstandard.ZstdDecompressor().decompress(WIRE.read_bytes()).splitlines()
    found = asyncio.run(answers(tmp_path))
    assert len(found) == len(wanted)
    for line, golden in zip(found, wanted, strict=True):
        assert plain(line) == plain(golden)


def test_an_object_that_is_written_again_is_stored_with_the_same_bytes(tmp_path: Path):
    stored = asyncio.run(entries(tmp_path))
    assert {entry.key.plural for entry in stored} == {kind.plural for kind in THEN if not kind.is_view}
    for entry in stored:
        served = SERVED[entry.key.plural]
        again = wire.content_of(served, wire.object_of(served, entry))
        columns = NO_ZEROS_SINCE.get(entry.content.columns, entry.content.columns)
        assert replace(again, metadata=entry.content.metadata) == replace(entry.content, columns=columns)


@pytest.mark.parametrize("plural", WRITTEN)
def test_a_described_field_takes_its_type_and_null_alone(plural: str, tmp_path: Path):
    stored = {(entry.key.plural, entry.key.name): entry for entry in asyncio.run(entries(tmp_path))}
    full = stored[plural, "full"]
    served = SERVED[plural]
    body = orjson.loads(full.content.body)
    assert not served.strict.problem(orjson.dumps(body))
    assert not served.strict.problem(orjson.dumps(dict.fromkeys(body)))
    described = 0
    for path, value in leaves(body):
        wrong = 1 if isinstance(value, str) else "wrong"
        if served.lenient.problem(orjson.dumps(changed(body, path, wrong))):
            described += 1
            assert not served.strict.problem(orjson.dumps(changed(body, path, None)))
        else:
            assert "any" in path or "open" in path
    assert described
    assert served.strict.problem(orjson.dumps({**body, "unknown": 1}))
    assert not served.lenient.problem(orjson.dumps({**body, "unknown": 1}))


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    members: Any = ()
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    else:
        yield path, value
    for name, member in members:
        yield from leaves(member, (*path, name))


def changed(body: Any, path: tuple[str | int, ...], value: Any) -> Any:
    copy = orjson.loads(orjson.dumps(body))
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return copy
