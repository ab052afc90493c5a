"""What package managers fetched and left in the layers of an image: one file of it shows that a step of the build did not clean up.

The layers are asked and not the history of the build, which leaves out what was mounted for a step. What a later step removed is in its
layer all the same.
"""

from collections.abc import Iterable, Iterator

from leadline.model.package import ImageFile
from leadline.sbom.layers.facts import FILE, LayerFacts
from leadline.sbom.run_rules import CACHE

_FOLDERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("apt", "var/lib/apt/lists", ("_Packages", "_Sources", "Release", ".lz4", ".gz", ".xz")),
    ("apt", "var/cache/apt/archives", (".deb",)),
    ("apk", "var/cache/apk", (".apk", ".tar.gz")),
    ("apk", "etc/apk/cache", (".apk", ".tar.gz")),
    ("dnf", "var/cache/dnf", (".rpm", ".solv", ".solvx", ".gz", ".xz", ".zst", ".zck")),
    ("dnf", "var/cache/yum", (".rpm", ".sqlite", ".bz2", ".gz", ".xz", ".zst")),
    ("dnf", "var/cache/libdnf5", (".rpm", ".solv", ".solvx", ".gz", ".xz", ".zst", ".zck")),
    ("zypper", "var/cache/zypp", (".rpm", ".solv", ".gz", ".xz", ".zst")),
    ("pip", "root/.cache/pip", ("",)),
)
"""Package manager, where it keeps what it fetched, and how the names of that end: settings and locks lie there too."""


def package_caches(layers: Iterable[tuple[str, LayerFacts]]) -> Iterator[ImageFile]:
    """One for each such folder of each layer. ``layers``: digest and content, bottom first."""
    for digest, layer in layers:
        for manager, folder, endings in _FOLDERS:
            if folder in layer.entries:
                start = f"{folder}/"
                number = sum(
                    kind == FILE and path.startswith(start) and path.endswith(endings)
                    for path, kind in layer.entries.items()
                )
                if number:
                    files = "1 file" if number == 1 else f"{number:,} files"
                    yield ImageFile(folder, CACHE, f"{files} that {manager} fetched", layer=digest)
