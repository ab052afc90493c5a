"""Objects from a git repository, fetched for the time of the scan."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from leadline.model.finding import Place
from leadline.model.report import Target
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.outputs.rows.place import Places
from leadline.scans.options import ChartRendering, PostureOptions
from leadline.scans.posture.file_source import read_files
from leadline.scans.posture.reading import Reading
from leadline.sources.git.checkout import checked_out
from leadline.sources.regular_file import is_regular


@contextmanager
def read_repository(address: str, options: PostureOptions) -> Iterator[Reading]:
    """What lies at ``address``, read as files are; paths are those in the repository.

    Raises: ``SourceError`` where it cannot be fetched, ``UsageError`` where it is not an address.
    """
    options.say(f"fetching {address}")
    with checked_out(address, options.environ) as checkout:
        options.say(f"scanning {checkout.shown}")
        top = str(checkout.top)
        charts = msgspec.structs.replace(
            options.charts, renderings=tuple(_renderings_in(top, options.charts.renderings))
        )
        reading = read_files((str(checkout.path),), msgspec.structs.replace(options, charts=charts))
        yield msgspec.structs.replace(
            reading,
            target=Target(
                "git",
                checkout.shown,
                branch=checkout.branch,
                commit=checkout.commit,
                committed_at=checkout.committed_at,
            ),
            resources=tuple(_within(resource, top) for resource in reading.resources),
            rendering="; ".join(filter(None, (checkout.confinement, reading.rendering))),
            places=_RepositoryPlaces(reading.places, top),
            checkout=top,
            left_out=tuple(_named_within(part, top) for part in reading.left_out),
            unread=(*(_named_within(part, top) for part in reading.unread), *checkout.unread),
            notes=tuple(note.replace(f"{top}/", "") for note in reading.notes),
        )


def _renderings_in(top: str, asked: Iterable[ChartRendering]) -> Iterator[ChartRendering]:
    """Those of ``asked`` whose files were in the repository then."""
    for one in asked:
        values = tuple(str(Path(top, file)) for file in one.values)
        if all(map(is_regular, values)):
            yield msgspec.structs.replace(one, chart=str(Path(top, one.chart)), values=values)


class _RepositoryPlaces:
    """Finds places in the checkout for objects that only know their path in the repository."""

    def __init__(self, places: Places, top: str) -> None:
        self._places = places
        self._top = top

    def find(self, resource: Resource, path: str) -> Place | None:
        return self._places.find(self._on_disk(resource), path)

    def lines(self, resource: Resource, first: int, last: int) -> list[str]:
        return self._places.lines(self._on_disk(resource), first, last)

    def _on_disk(self, resource: Resource) -> Resource:
        root = str(Path(self._top) / resource.origin.root)
        return _with_root(resource, root)


def _within(resource: Resource, top: str) -> Resource:
    root = os.path.relpath(resource.origin.root or top, top)
    return _with_root(resource, "" if root == "." else root)


def _with_root(resource: Resource, root: str) -> Resource:
    return msgspec.structs.replace(resource, origin=msgspec.structs.replace(resource.origin, root=root))


def _named_within(part: Unread, top: str) -> Unread:
    return msgspec.structs.replace(part, where=part.where.removeprefix(f"{top}/"))
