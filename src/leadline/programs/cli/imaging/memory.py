"""Where what is found in images is kept between runs."""

from collections.abc import Mapping

from leadline.sources.images.cache import LayerCache

CACHE_BYTES = 512 << 20


def kept_results(environ: Mapping[str, str]) -> LayerCache | None:
    """``None`` where the user has no place for it (https://specifications.freedesktop.org/basedir-spec/latest/)."""
    named = environ.get("XDG_CACHE_HOME", "")
    home = environ.get("HOME", "")
    if named.startswith("/"):
        return LayerCache(f"{named}/leadline/layers", CACHE_BYTES)
    return LayerCache(f"{home}/.cache/leadline/layers", CACHE_BYTES) if home.startswith("/") else None
