"""What package managers fetched and left in the layers of an image: one file of it shows that a step of the build did not clean up.

The layers are asked and not the history of the build, which leaves out what was mounted for a step. What a later step removed is in its
layer all the same.
"""

from collections.abc import Iterable, Iterator

from leadline.model.package import ImageFile
from leadline.sbom.layers.facts import FILE, LayerFacts
from leadline.sbom.run_rules import CACHE, CACHE_FOLDERS, HOMES, keeper_of_cache

_ENDINGS = {
    "apt": ("_Packages", "_Sources", "Release", ".lz4", ".gz", ".xz", ".deb"),
    "apk": (".apk", ".tar.gz"),
    "dnf": (".rpm", ".solv", ".solvx", ".sqlite", ".bz2", ".gz", ".xz", ".zst", ".zck"),
    "zypper": (".rpm", ".solv", ".gz", ".xz", ".zst"),
    "pip": ("",),
}
"""How the names of what was fetched end: settings and locks lie there too."""


def package_caches(layers: Iterable[tuple[str, LayerFacts]]) -> Iterator[ImageFile]:
    """One for each such folder of each layer. ``layers``: digest and content, bottom first."""
    for digest, layer in layers:
        homes = (
            [path for path in layer.entries if path.startswith(HOMES) and keeper_of_cache(path)]
            if "home" in layer.entries
            else ()
        )
        for folder in (*CACHE_FOLDERS, *homes):
            if folder in layer.entries:
                manager = keeper_of_cache(folder)
                start = f"{folder}/"
                number = sum(
                    kind == FILE and path.startswith(start) and path.endswith(_ENDINGS[manager])
                    for path, kind in layer.entries.items()
                )
                if number:
                    files = "1 file" if number == 1 else f"{number:,} files"
                    yield ImageFile(folder, CACHE, f"{files} that {manager} fetched", layer=digest)
