"""Where what is found in images is kept between runs."""

from collections.abc import Mapping


def cache_folder(environ: Mapping[str, str]) -> str:
    """Empty where the user has no place for it (https://specifications.freedesktop.org/basedir-spec/latest/)."""
    named = environ.get("XDG_CACHE_HOME", "")
    home = environ.get("HOME", "")
    if named.startswith("/"):
        return f"{named}/leadline/layers"
    return f"{home}/.cache/leadline/layers" if home.startswith("/") else ""
