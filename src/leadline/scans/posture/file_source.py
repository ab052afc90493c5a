"""Objects from files: plain manifests, and what charts and kustomizations among them render to."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from leadline.model.report import Target, TargetKind
from leadline.model.resource import Resource, joined
from leadline.model.unread import Unread
from leadline.outputs.rows.place import Places
from leadline.outputs.text.plain import count
from leadline.scans.options import PostureOptions
from leadline.scans.posture.reading import STDIN, Reading
from leadline.sources.manifests.applied_texts import Applied, applied_texts
from leadline.sources.manifests.deployers import not_rendered
from leadline.sources.manifests.files import (
    ARCHIVE_ENDINGS,
    CHART_FILE,
    KUSTOMIZATION_FILES,
    FileListing,
    absolute,
    list_files,
)
from leadline.sources.manifests.ignore_files import IgnoreFiles, no_ignore_files, present_ignore_files
from leadline.sources.manifests.positions import FilePlaces
from leadline.sources.manifests.reader import read_listing
from leadline.sources.regular_file import read_regular

if TYPE_CHECKING:
    from leadline.sources.rendering.plan.result import RenderOptions


@contextmanager
def open_files(targets: Sequence[str], options: PostureOptions) -> Iterator[Reading]:
    """As ``read_files``."""
    yield read_files(targets, options)


def read_files(targets: Sequence[str], options: PostureOptions) -> Reading:
    """Everything in ``targets``, each file judged by one owner: its chart, its kustomization, or only itself.

    Raises: ``ManifestError`` for a target that does not exist.
    """
    targets = tuple(map(_folder_if_described, targets))
    archives = [target for target in targets if target.endswith(ARCHIVE_ENDINGS) and Path(target).is_file()]
    plain = [target for target in targets if target not in archives]
    text = options.standard_input if STDIN in plain else b""
    ignored = ignore_files_of(options)
    listing = list_files(plain, options.exclude_paths, ignore_files=ignored) if plain else None
    roots = [*archives, *(target for target in plain if listing is not None and _renders(target, listing))]
    if not roots:
        return _plain(targets, listing, text) if listing else _nothing(targets)
    return _with_rendered(targets, options, plain, roots)


def ignore_files_of(options: PostureOptions) -> IgnoreFiles:
    """Which lines of the ignore files in what is scanned count."""
    if not options.use_target_waivers:
        return no_ignore_files
    before = options.before_change
    return present_ignore_files if before is None or before.is_approved else before.ignore_lines


def _folder_if_described(target: str) -> str:
    """A file that says how a folder is rendered represents the folder; Flux calls an object of its own Kustomization."""
    path = Path(target)
    if path.name not in (CHART_FILE, *KUSTOMIZATION_FILES) or not path.is_file():
        return target
    try:
        head = read_regular(path, _HEAD_BYTES)
    except OSError:
        return target
    return target if b"kustomize.toolkit.fluxcd.io" in head else str(path.parent)


_HEAD_BYTES = 64 << 10


def _renders(target: str, listing: FileListing) -> bool:
    """Whether a chart or a kustomization lies at or below ``target``, or a packed file that may be a chart."""
    if target == STDIN or not (listing.charts or listing.kustomizations or listing.has_archives):
        return False
    return Path(target).is_dir() or Path(target).name.startswith(("kustomization", "Kustomization"))


def _plain(targets: Sequence[str], listing: FileListing, text: bytes) -> Reading:
    found = read_listing(listing, stdin=BytesIO(text))
    notes = tuple(
        f"{joined(found.root, twice.path)}:{twice.line}: {twice.key} is written twice; the last one counts"
        for twice in found.duplicates
    )
    if found.ignored:
        left_out = count(found.ignored, "file or folder", "files or folders")
        notes = (f"{left_out} left out by an ignore file or an excluded path", *notes)
    applied = applied_texts(found.resources)
    return Reading(
        target_of(targets, found.root),
        (*found.resources, *applied.resources),
        FilePlaces(text),
        (
            *_as_opened(found.root, found.unread),
            *_not_rendered(found.resources, applied),
        ),
        notes,
        found.not_kubernetes,
        found.files,
        found.ignored,
        tuple(_as_opened(found.root, found.left_out)),
    )


def _with_rendered(
    targets: Sequence[str], options: PostureOptions, plain: Sequence[str], roots: Sequence[str]
) -> Reading:
    from leadline.sources.rendering.locations import RenderedPlaces
    from leadline.sources.rendering.plan.result import all_of
    from leadline.sources.rendering.render import read_rendered, with_one_budget

    text = options.standard_input if STDIN in plain else b""
    rendering = with_one_budget(render_options_of(options))
    ignored = ignore_files_of(options)
    parts = [
        (root, read_rendered(Path(root), rendering, options.exclude_paths, ignore_files=ignored))
        for root in roots
    ]
    rendered = all_of(part for _, part in parts)
    claimed = {*rendered.claimed, *(absolute(root) for root in roots if root.endswith(ARCHIVE_ENDINGS))}
    listing = list_files(plain, options.exclude_paths, claimed, ignore_files=ignored) if plain else None
    base = _plain(targets, listing, text) if listing is not None else _nothing(targets)
    places: Places = RenderedPlaces(rendered.texts, FilePlaces(text))
    applied = applied_texts(rendered.resources)
    return msgspec.structs.replace(
        base,
        resources=(*base.resources, *rendered.resources, *applied.resources),
        places=places,
        unread=(
            *base.unread,
            *(u for root, part in parts for u in _as_opened(_top(root), part.unread)),
            *_not_rendered(rendered.resources, applied),
        ),
        left_out=(
            *base.left_out,
            *(
                u
                for root, part in parts
                for u in _as_opened(_top(root), (*part.left_out, *_by_choice(part.notes)))
            ),
        ),
        rendering=rendered.modes.text if rendered.modes else "",
        renderers=rendered.renderers,
        notes=(*base.notes, *(_note(root, note) for root, part in parts for note in part.notes)),
        not_kubernetes=base.not_kubernetes + rendered.not_kubernetes,
        files=base.files + len(rendered.files),
        charts=rendered.charts,
        kustomizations=rendered.kustomizations,
    )


def _not_rendered(resources: Sequence[Resource], applied: Applied) -> Iterator[Unread]:
    yield from not_rendered(one for one in resources if one.id not in applied.settled)
    yield from not_rendered(applied.resources)
    yield from applied.unread


def render_options_of(options: PostureOptions) -> "RenderOptions":
    """What renderers are asked with."""
    from leadline.sources.rendering.plan.result import ChartValues, HelmOptions, RenderOptions

    return RenderOptions(
        environment=options.environ,
        is_allowed=options.renders,
        kept=options.kept_renders,
        helm=HelmOptions(
            values=options.charts.values,
            renderings=tuple(
                ChartValues(one.chart, one.values, one.adds) for one in options.charts.renderings
            ),
            sets=options.charts.set,
            set_strings=options.charts.set_string,
            kube_version=options.charts.kube_version,
            api_versions=options.charts.api_versions,
            with_tests=options.charts.with_tests,
        ),
    )


def _by_choice(notes: Iterable[Unread]) -> Iterator[Unread]:
    """What of a renderer's remarks is about something that was not judged."""
    return (note for note in notes if note.reason == "left out")


def _nothing(targets: Sequence[str]) -> Reading:
    return Reading(target_of(targets, ""), (), FilePlaces())


def _note(root: str, note: Unread) -> str:
    return f"{joined(_top(root), note.where)}: {note.why}"


def _top(root: str) -> str:
    return root if Path(root).is_dir() else str(Path(root).parent)


def target_of(targets: Sequence[str], root: str) -> Target:
    """What was scanned, as the user named it."""
    return Target(_kind(targets), " ".join(targets), root=str(Path(root).absolute()) if root else "")


def _kind(targets: Sequence[str]) -> TargetKind:
    if tuple(targets) == (STDIN,):
        return "stdin"
    return "file" if len(targets) == 1 and Path(targets[0]).is_file() else "directory"


def _as_opened(root: str, unread: Iterable[Unread]) -> Iterator[Unread]:
    for part in unread:
        yield msgspec.structs.replace(part, where=joined(root, part.where))
