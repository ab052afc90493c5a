"""What other scanners are asked to leave out or accept in a folder, as settings and waivers of ours."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import msgspec
from msgspec import Struct

from leadline.errors import LeadlineError
from leadline.model.resource import Resource, joined
from leadline.outputs.text.json_text import json_text
from leadline.scans.posture.other_ids import other_check
from leadline.sources.manifests.files import ManifestFile, list_files
from leadline.sources.manifests.marks_of_others import scanners_of
from leadline.sources.manifests.reader import read_listing
from leadline.sources.regular_file import read_regular, read_whole
from leadline.sources.waivers.other_marks import marked_annotations, marked_comments, of_object
from leadline.sources.waivers.other_scanners import (
    LARGEST_BYTES,
    Accepted,
    Left,
    OtherSettings,
    read_other,
)
from leadline.sources.waivers.reader import LARGEST_BYTES as LARGEST_EXCEPTIONS
from leadline.sources.waivers.reader import read_waivers
from leadline.sources.waivers.schema import Entry, File, Match
from leadline.sources.yaml.dump import Layout, value_lines
from leadline.sources.yaml.parser import LIMITS, split_documents

SETTINGS_FILE = "leadline.toml"
WAIVERS_FILE = "leadline-waivers.yaml"
_EXCEPTIONS = b"postureExceptionPolicy"


class Migration(Struct, frozen=True):
    """What was found and what becomes of it."""

    read: tuple[str, ...]
    """The files of other scanners, and those with ignores of theirs inside."""
    settings: dict[str, Any]
    """By key of ``leadline.toml``."""
    waivers: tuple[Entry, ...]
    left: tuple[Left, ...]
    """What has no counterpart, each with its reason."""

    @property
    def settings_text(self) -> str:
        """The text of ``leadline.toml``; empty without settings."""
        lines = [f"{key} = {json_text(value)}" for key, value in self.settings.items()]
        return (
            "\n".join(("# Taken over from other scanners by leadline migrate.", *lines, "")) if lines else ""
        )

    @property
    def waivers_text(self) -> str:
        """The text of the file of waivers; empty without waivers."""
        if not self.waivers:
            return ""
        lines = value_lines(msgspec.to_builtins(File(list(self.waivers))), 0, Layout())
        head = "# Taken over from other scanners by leadline migrate. Give each an owner and an end."
        return f"{head}\n{dedent(chr(10).join(lines)).strip()}\n"


def migration_of(target: str) -> Migration:
    """What other scanners leave out or accept in the folder ``target`` and below.

    Raises: ``ManifestError`` where it cannot be read.
    """
    listing = list_files((target,))
    found = OtherSettings()
    read: list[str] = []
    for file in listing.of_others:
        where = joined(listing.root, file.path)
        read.append(where)
        try:
            found_here = read_other(Path(file.real).name, where, read_whole(file.real, LARGEST_BYTES))
        except OSError as error:
            found.left.append(
                Left(where, "the file", f"cannot be read: {(error.strerror or str(error)).lower()}")
            )
            continue
        _add(found, found_here)
    manifests = read_listing(listing)
    by_file: dict[str, list[Resource]] = defaultdict(list)
    for resource in manifests.resources:
        by_file[resource.origin.path].append(resource)
    exceptions: list[str] = []
    for file in listing.files:
        where, content = joined(listing.root, file.path), _content(file)
        if _EXCEPTIONS in content and file.path.endswith(".json") and len(content) <= LARGEST_EXCEPTIONS:
            read.append(where)
            try:
                read_waivers(file.real)
                exceptions.append(where)
            except LeadlineError as error:
                found.left.append(Left(where, "exceptions", str(error)))
        elif scanners_of(content):
            read.append(where)
            for one in _marked(found, where, content, by_file[file.path]):
                found.accepted.append(one)
    return _migration(read, found, exceptions)


def _add(found: OtherSettings, more: OtherSettings) -> None:
    found.skipped += more.skipped
    found.accepted += more.accepted
    found.left += more.left
    for key, value in more.settings.items():
        found.settings[key] = [*found.settings.get(key, []), *value] if isinstance(value, list) else value


def _content(file: ManifestFile) -> bytes:
    try:
        return read_regular(file.real, LIMITS.size_bytes)
    except OSError:
        return b""


def _marked(
    found: OtherSettings, where: str, content: bytes, resources: Sequence[Resource]
) -> Iterator[Accepted]:
    for resource in resources:
        yield from marked_annotations(resource)
    for part in split_documents(content):
        text = part.text.decode("utf-8", "replace")
        of_part = [one for one in resources if one.origin.document == part.index]
        for line, id, reason in marked_comments(text, part.line + 1):
            if not of_part:
                found.left.append(Left(f"{where}:{line}", id, "no object could be read there"))
            for resource in of_part:
                yield of_object(resource, (id,), reason, line)


def _migration(read: Sequence[str], found: OtherSettings, exceptions: Sequence[str]) -> Migration:
    left = list(found.left)
    skipped = [control for id, where in found.skipped for control in _controls(id, where, left)]
    waivers = tuple(_merged(list(_entries(found.accepted, left))))
    settings: dict[str, Any] = {}
    if skipped:
        settings["exclude-controls"] = list(dict.fromkeys(skipped))
    settings |= found.settings
    files = [*([WAIVERS_FILE] if waivers else []), *exceptions]
    if files:
        settings["waivers"] = files
    return Migration(tuple(dict.fromkeys(read)), settings, waivers, tuple(dict.fromkeys(left)))


def _controls(id: str, where: str, left: list[Left]) -> tuple[str, ...]:
    """Our controls that ask what ``id`` does; what has none is ``left``."""
    check = other_check(id)
    if check is None:
        left.append(Left(where, id, "it is not a check of Kubernetes that is known here"))
    elif check.why_none:
        left.append(Left(where, id, f"no control asks it: {check.why_none}"))
    elif not check.same:
        left.append(Left(where, id, f"it is only a part of {' and '.join(check.wider)}"))
    else:
        return check.same
    return ()


def _entries(accepted: Sequence[Accepted], left: list[Left]) -> Iterator[Entry]:
    for one in accepted:
        controls = tuple(control for id in one.ids for control in _controls(id, one.where, left))
        if one.ids and not controls:
            continue
        yield Entry(
            reason=one.reason or f"taken over from {one.where}",
            expires=one.expires,
            match=Match(
                controls=list(dict.fromkeys(controls)),
                vulnerabilities=list(one.vulnerabilities),
                packages=list(one.packages),
                paths=list(one.paths),
                kinds=list(one.kinds),
                names=list(one.names),
                namespaces=list(one.namespaces),
            ),
        )


def _merged(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Entries about the same objects with the same words as one with several controls."""
    together: dict[str, Entry] = {}
    for entry in entries:
        bare = msgspec.structs.replace(entry, match=msgspec.structs.replace(entry.match, controls=[]))
        key = json_text(msgspec.to_builtins(bare))
        same = together.get(key)
        if same is None or not entry.match.controls:
            together[key if same is None else f"{key}{len(together)}"] = entry
        else:
            controls = list(dict.fromkeys((*same.match.controls, *entry.match.controls)))
            together[key] = msgspec.structs.replace(
                same, match=msgspec.structs.replace(same.match, controls=controls)
            )
    yield from together.values()
