"""Profiles out of the files that the agent writes, or that a cluster stores."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

from leadline.api.carriers.remote import RemoteStore
from leadline.errors import SourceError
from leadline.kube.reachability import End
from leadline.model.profile import Profile
from leadline.model.unread import Unread
from leadline.scans.options import PostureOptions
from leadline.scans.rehearsing.stored_profiles import stored_profiles
from leadline.scans.stored.behaviour import StoredRecord, stored_records
from leadline.sources.cluster.connection import async_client
from leadline.sources.regular_file import open_regular

LONGEST_LINE = 64 << 20
LARGEST_DOCUMENT = 256 << 20
MOST_PROFILES = 50_000
_OURS = b'{"container":'
_DECODER = msgspec.json.Decoder(Profile)
KUBE = "kube"
HINT = "name a file of profiles that the agent wrote"


class Recording(Struct, frozen=True):
    profiles: tuple[Profile, ...]
    """Of containers."""
    unread: tuple[Unread, ...]
    """Lines that hold none."""
    ends: Mapping[str, End] = {}
    """Pods that stored profiles know by their labels, by what takes the place of the address of a peer."""


def read_recording(names: Sequence[str], options: PostureOptions) -> Recording:
    """``names`` are of files as ``read_profiles`` takes them, or ``kube``: what is stored in the cluster.

    Raises: ``SourceError``, ``StoreError`` where nothing can be read.
    """
    files = tuple(name for name in names if name != KUBE)
    if len(files) == len(names):
        return read_profiles(files)
    stored = _of_cluster(options)
    if not stored and not files:
        hint = "the agent stores profiles once a minute where the chart's capabilities.nodeAgent is on"
        raise SourceError("no profile is stored in the cluster", hint=hint)
    read = read_profiles(files) if files else Recording((), ())
    return Recording((*stored, *read.profiles), read.unread, read.ends)


def _of_cluster(options: PostureOptions) -> tuple[Profile, ...]:
    async def read() -> list[StoredRecord]:
        store = RemoteStore(async_client(options.kube_context, options.kubeconfig, environ=options.environ))
        try:
            return await stored_records(store)
        finally:
            await store.close()

    return tuple(one.record.profile for one in asyncio.run(read()))


def read_profiles(files: Iterable[str]) -> Recording:
    """Profiles as the agent writes them, one in each line, or objects of a cluster as ``kubectl`` prints them.

    Raises: ``SourceError`` where a file cannot be opened, or no profile is in any.
    """
    found: list[Profile] = []
    unread: list[Unread] = []
    ends: dict[str, End] = {}
    names = tuple(files)
    for name in names:
        try:
            with open_regular(name) as file:
                stored = _stored(file)
                if stored is not None:
                    profiles, more = stored_profiles(stored)
                    found += profiles
                    ends |= more
                else:
                    file.seek(0)
                    _take_lines(name, file, found, unread)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise SourceError(f"{name}: cannot be read ({why})", hint=HINT) from error
    if not found:
        raise SourceError(f"no profile in {', '.join(names)}", hint=HINT)
    return Recording(tuple(one for one in found if not one.container.is_host), tuple(unread), ends)


def _stored(file: BinaryIO) -> Any:
    """The document that the file is; ``None`` where it holds lines of the agent, or something else."""
    if file.read(len(_OURS)) == _OURS:
        return None
    file.seek(0)
    content = file.read(LARGEST_DOCUMENT + 1)
    if len(content) > LARGEST_DOCUMENT:
        return None
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return document if isinstance(document, dict) and "kind" in document else None


def _take_lines(name: str, file: BinaryIO, found: list[Profile], unread: list[Unread]) -> None:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            why = f"the line is longer than {LONGEST_LINE >> 20} MiB"
            unread.append(Unread(name, why, "too large", number))
            return
        if len(found) >= MOST_PROFILES:
            unread.append(Unread(name, f"more than {MOST_PROFILES:,} profiles", "too large", number))
            return
        if line.strip():
            _take(name, number, line, found, unread)


def _take(name: str, number: int, line: bytes, found: list[Profile], unread: list[Unread]) -> None:
    try:
        found.append(_DECODER.decode(line))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        unread.append(
            Unread(name, "the line holds no profile of a container", "malformed", number, hint=HINT)
        )
