"""What rendering gives: objects, what could not be rendered, and the texts that positions are found in."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from leadline.model.resource import Origin, Resource
from leadline.model.unread import Unread
from leadline.sources.child_process import Limits
from leadline.sources.confinement import Modes
from leadline.sources.manifests.reader import Contents, add_documents, documents_of
from leadline.sources.rendering.plan.budget import Budget
from leadline.sources.rendering.plan.file_owner import Owner
from leadline.sources.rendering.plan.kept import KeptRenders
from leadline.sources.yaml.parser import LIMITS, Document, Memory


class ChartValues(Struct, frozen=True):
    """One rendering that is asked of a chart."""

    chart: str
    """Its folder or archive, absolute."""
    values: tuple[str, ...] = ()
    """Files, absolute; before those of all charts."""
    adds: bool = False
    """Whether the chart is rendered with its own values alone as well."""


class HelmOptions(Struct, frozen=True):
    """As for ``helm template``: the later value wins, files before ``sets`` before ``set_strings``."""

    values: tuple[str, ...] = ()
    """Files, absolute or relative to the current folder; for every chart the same."""
    sets: tuple[str, ...] = ()
    set_strings: tuple[str, ...] = ()
    kube_version: str = ""
    """``1.33`` or ``v1.33.0``; empty for the engine's own."""
    api_versions: tuple[str, ...] = ()
    release_name: str = "release-name"
    namespace: str = "default"
    renderings: tuple[ChartValues, ...] = ()
    """For some charts, one rendering for each."""
    with_tests: bool = False
    """Whether hooks that run for ``helm test`` alone are objects as well."""


class RenderOptions(Struct, frozen=True):
    environment: Mapping[str, str] = {}
    """Where ``helm``, ``kustomize``, ``kubectl`` and ``git`` are looked for (``PATH``), and ``HOME``."""
    is_allowed: bool = True
    """Whether anything may be rendered; what is not is named as unread."""
    helm: HelmOptions = HelmOptions()
    network: bool = False
    """Whether remote bases may be fetched."""
    workers: int = 2
    limits: Limits = Limits()
    modes: Modes | None = None
    """How renderers are confined; ``None`` for what the kernel offers."""
    total_s: float = 600.0
    """For all that one scan renders."""
    total_bytes: int = 256 << 20
    """Of rendered text, likewise. Its objects take some 13 times as much memory (measured on small Pods)."""
    budget: Budget | None = None
    """What is left of these two; ``None`` where nothing else is rendered in this scan."""
    kept: KeptRenders | None = None
    """What was rendered before; ``None`` where nothing is read twice."""
    texts_bytes: int = 64 << 20
    """How much rendered text is kept to find positions in."""


NOT_ALLOWED = "charts and kustomizations are rendered only where the folder is trusted"


class Rendered(Struct, frozen=True):
    """Paths are relative to the root, with forward slashes."""

    resources: tuple[Resource, ...] = ()
    unread: tuple[Unread, ...] = ()
    notes: tuple[Unread, ...] = ()
    """What was left out for a good reason: library charts, subcharts that a condition turns off, …"""
    left_out: tuple[Unread, ...] = ()
    """Templates that values turn off, values that nothing used."""
    claimed: frozenset[str] = frozenset()
    """Absolute paths of the files that are judged nowhere else."""
    owners: Mapping[str, Owner] = {}
    """Of each claimed file."""
    charts: int = 0
    """Rendered, with or without objects."""
    kustomizations: int = 0
    """Built, with or without objects."""
    files: frozenset[str] = frozenset()
    """Files that objects came from."""
    test_files: frozenset[str] = frozenset()
    """Files of charts with hooks for ``helm test`` alone, which were left out."""
    failed: frozenset[str] = frozenset()
    """Charts and folders of kustomizations that were not rendered; why is in ``unread``."""
    rendered_charts: frozenset[str] = frozenset()
    """Those that were, libraries left out."""
    not_kubernetes: int = 0
    """Rendered documents that are not objects."""
    modes: Modes | None = None
    """How the renderers were confined; ``None`` where none was started."""
    renderers: tuple[str, ...] = ()
    """The programs that rendered, with their versions: ``helm v3.19.2``."""
    texts: Mapping[tuple[str, str], str] = {}
    """Rendered text by the origin's ``rendering`` and ``path``, as far as it was kept."""


class ParsedText(Struct, frozen=True):
    """A rendered text and the objects in it."""

    text: str
    size_bytes: int
    origin: Origin
    contents: Contents


class Collector:
    """Gathers what one renderer brings forth."""

    def __init__(self, root: str, texts_bytes: int) -> None:
        self.root = root
        self.resources: list[Resource] = []
        self.unread: list[Unread] = []
        self.notes: list[Unread] = []
        self.texts: dict[tuple[str, str], str] = {}
        self.not_kubernetes = 0
        self._left_bytes = texts_bytes
        self._memory = Memory()
        self._documents: dict[tuple[str, bool], list[Document]] = {}
        """By text, and whether its file is called JSON: a template renders to the same in most settings."""
        self._left_documents_bytes = texts_bytes

    def parsed(self, text: str, origin: Origin) -> "ParsedText":
        """What ``text`` holds; nothing is gathered yet."""
        contents = Contents()
        content = text.encode("utf-8", "surrogatepass")
        question = text, origin.path.lower().endswith(".json")
        documents = self._documents.get(question)
        if documents is None:
            documents = documents_of(content, origin.path, LIMITS, self._memory)
            if len(content) <= self._left_documents_bytes:
                self._left_documents_bytes -= len(content)
                self._documents[question] = documents
        add_documents(contents, content, documents, origin)
        return ParsedText(text, len(content), origin, contents)

    def add(self, parsed: "ParsedText") -> int:
        """The number of objects."""
        contents, origin = parsed.contents, parsed.origin
        self.resources += contents.resources
        self.not_kubernetes += contents.not_kubernetes
        for unread in contents.unread:
            line = f" (line {unread.line} of the rendered text)" if unread.line else ""
            self.unread.append(
                Unread(unread.where, f"what it renders to cannot be read: {unread.why}{line}", unread.reason)
            )
        if contents.resources and parsed.size_bytes <= self._left_bytes:
            self._left_bytes -= parsed.size_bytes
            self.texts[origin.rendering, origin.path] = parsed.text
        return len(contents.resources)


def all_of(parts: Iterable[Rendered]) -> Rendered:
    """The sum of several renderers' results."""
    rows = tuple(parts)
    return Rendered(
        resources=tuple(r for part in rows for r in part.resources),
        unread=tuple(u for part in rows for u in part.unread),
        notes=tuple(n for part in rows for n in part.notes),
        left_out=tuple(u for part in rows for u in part.left_out),
        claimed=frozenset().union(*(part.claimed for part in rows)),
        owners={path: owner for part in rows for path, owner in part.owners.items()},
        charts=sum(part.charts for part in rows),
        kustomizations=sum(part.kustomizations for part in rows),
        files=frozenset().union(*(part.files for part in rows)),
        test_files=frozenset().union(*(part.test_files for part in rows)),
        failed=frozenset().union(*(part.failed for part in rows)),
        rendered_charts=frozenset().union(*(part.rendered_charts for part in rows)),
        not_kubernetes=sum(part.not_kubernetes for part in rows),
        modes=next((part.modes for part in rows if part.modes), None),
        renderers=tuple(dict.fromkeys(name for part in rows for name in part.renderers)),
        texts={key: text for part in rows for key, text in part.texts.items()},
    )
