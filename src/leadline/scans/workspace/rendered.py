"""Charts and kustomizations of a folder: rendered as they are on disk, by programs that go on running, and shown where edits go."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from msgspec import Struct
from msgspec.structs import replace

from leadline.model.finding import Finding, Place
from leadline.model.resource import Origin, Resource, joined
from leadline.model.unread import Unread
from leadline.outputs.rows.place import Places
from leadline.scans.fixing.spots import Given, LineChange, NoSpotError, Spot, spots_of
from leadline.scans.fixing.wanted_edits import WantedEdit, wanted_edits
from leadline.scans.options import PostureOptions
from leadline.scans.posture.file_source import ignore_files_of, render_options_of
from leadline.scans.workspace.problems import Elsewhere, Problem
from leadline.sources.manifests.applied_texts import applied_texts
from leadline.sources.manifests.deployers import not_rendered
from leadline.sources.manifests.files import CHART_FILE, KUSTOMIZATION_FILES, FileListing, absolute
from leadline.sources.manifests.positions import FilePlaces
from leadline.sources.yaml.edit import RemoveAt

NOT_TRUSTED = "the workspace is not trusted: {} may run code of it"


class Renderings(Struct, frozen=True):
    """What charts and kustomizations came to."""

    resources: tuple[Resource, ...] = ()
    places: Places | None = None
    claimed: frozenset[str] = frozenset()
    """Absolute paths of files and folders that are not read as manifests."""
    unread: tuple[Unread, ...] = ()
    """Of single files, and what is left out; paths as an origin has them."""
    is_trusted: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether nothing was to be rendered."""
        return not (self.resources or self.claimed or self.unread)

    def unread_of(self, path: str) -> Iterator[Unread]:
        """What is to be said about a file, as an origin has it: of itself and of the chart that it is part of."""
        folder, _, name = path.rpartition("/")
        describes = name in (CHART_FILE, *KUSTOMIZATION_FILES)
        for one in self.unread:
            is_below = not self.is_trusted and path.startswith(f"{one.where}/")
            if path == one.where or (describes and folder == one.where) or is_below:
                yield one


class Renderer:
    """Renders the folder ``top`` again and again. Its programs end with ``close``."""

    def __init__(self, top: str, options: PostureOptions, *, is_trusted: bool) -> None:
        self._top = top
        self._options = options
        self._is_trusted = is_trusted
        self._kept: object = None

    def rendered(self, listing: FileListing, changed: Iterable[str]) -> Renderings:
        """What is on disk now; ``changed`` are the files, absolute, that are others than the time before."""
        if not (listing.charts or listing.kustomizations or listing.has_archives):
            return Renderings()
        return self._rendered(changed) if self._is_trusted else self._left_out(listing)

    def close(self) -> None:
        """Ends the programs that render."""
        from leadline.sources.rendering.plan.kept import KeptRenders

        if isinstance(self._kept, KeptRenders):
            self._kept.close()
            self._kept = None

    def _rendered(self, changed: Iterable[str]) -> Renderings:
        # Only who has charts waits for what renders them to be imported.
        from leadline.sources.rendering.locations import RenderedPlaces
        from leadline.sources.rendering.plan.kept import KeptRenders
        from leadline.sources.rendering.render import read_rendered, with_one_budget

        if not isinstance(self._kept, KeptRenders):
            self._kept = KeptRenders((self._top,))
        for file in changed:
            self._kept.forget(file)
        options = with_one_budget(render_options_of(replace(self._options, kept_renders=self._kept)))
        ignored = ignore_files_of(self._options)
        found = read_rendered(Path(self._top), options, self._options.exclude_paths, ignore_files=ignored)
        applied = applied_texts(found.resources)
        unread = (
            *found.unread,
            *not_rendered(one for one in found.resources if one.id not in applied.settled),
            *applied.unread,
            *(note for note in found.notes if note.reason == "left out"),
        )
        return Renderings(
            (*found.resources, *applied.resources),
            RenderedPlaces(found.texts, FilePlaces()),
            found.claimed,
            tuple(replace(one, where=joined(self._top, one.where)) for one in unread),
        )

    def _left_out(self, listing: FileListing) -> Renderings:
        """Charts are not read at all; what a kustomization builds on is judged as it is written."""
        why = NOT_TRUSTED.format("rendering a chart")
        charts = [
            Unread(
                joined(self._top, one), why, "left out", hint="trust the workspace to judge it", kind="chart"
            )
            for one in listing.charts
            if not any(str(above) in listing.charts for above in PurePosixPath(one).parents if one != ".")
        ]
        why = NOT_TRUSTED.format("building a kustomization")
        hint = "its files are judged as they are written"
        builds = [
            Unread(joined(joined(self._top, one), name), why, "left out", hint=hint, kind="kustomization")
            for one in listing.kustomizations
            for name in KUSTOMIZATION_FILES
            if Path(self._top, one, name).is_file()
        ]
        claimed = frozenset(absolute(one.where) for one in charts)
        return Renderings((), None, claimed, (*charts, *builds), is_trusted=False)


def where_edits_go(
    problem: Problem, objects: Callable[[str], Resource | None], places: Places, rank: Mapping[str, int]
) -> Problem:
    """``problem`` of a rendered object at the line that its edit would change, with the line of the template as related."""
    spot = next((spot for _, spot in spots_for(problem.findings[:1], objects, places, rank)), None)
    holder = objects(problem.findings[0].on)
    if spot is None and holder is not None:
        place = places.find(holder, problem.findings[0].path)
        spot = _steering(holder, place)
    if spot is None or holder is None or spot.file == problem.file or not Path(spot.file).is_file():
        return problem
    found = place_of(spot)
    if found is None:
        return problem
    there = Elsewhere(problem.file, problem.line, f"where {holder.title} is written"[:200])
    return replace(
        problem,
        file=spot.file,
        line=found.line,
        column=found.column,
        is_exact=found.exact,
        related=(there, *problem.related),
    )


def spots_for(
    findings: Sequence[Finding],
    objects: Callable[[str], Resource | None],
    places: Places,
    rank: Mapping[str, int],
) -> Iterator[tuple[WantedEdit, Spot]]:
    """The best way to make each edit of the findings that there is a way for."""
    known = {id: one for f in findings for id in (f.resource, f.on) if (one := objects(id)) is not None}
    usable = [f for f in findings if f.on in known and f.resource in known]
    for edit in wanted_edits(usable, known, rank).edits:
        try:
            spot = next(iter(spots_of(edit, known[edit.on], places, Given())), None)
        except NoSpotError:
            spot = None
        if spot is not None:
            yield edit, spot


def _steering(holder: Resource, place: Place | None) -> Spot | None:
    """The key of the chart's values that decides, for a person to look at."""
    if place is None or not place.steered_by or holder.origin.kind != "helm":
        return None
    values = (*holder.origin.values[-1:], "values.yaml")[0]
    return Spot(
        str(Path(holder.origin.root, holder.origin.rendered_from, values)), RemoveAt(place.steered_by)
    )


def place_of(spot: Spot) -> Place | None:
    """The line of a spot in its file; ``None`` where it cannot be read."""
    change = spot.change
    if isinstance(change, LineChange):
        return Place(spot.file, change.line, 1)
    folder, name = str(Path(spot.file).parent), Path(spot.file).name
    holder = Resource("", "", "", "", {}, Origin(path=name, root=folder, document=change.document), "spot")
    return FilePlaces().find(holder, change.path)
