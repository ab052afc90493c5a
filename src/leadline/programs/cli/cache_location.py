"""Where what is found in images is kept between runs."""

from collections.abc import Mapping


def cache_folder(environ: Mapping[str, str]) -> str:
    """Empty where the user has no place for it (https://specifications.freedesktop.org/basedir-spec/latest/)."""
    named = environ.get("XDG_CACHE_HOME", "")
    home = environ.get("HOME", "")
    if named.startswith("/"):
        return f"{named}/leadline/layers"
    return f"{home}/.cache/leadline/layers" if home.startswith("/") else ""


def database_file(environ: Mapping[str, str]) -> str:
    """Where the vulnerability database is without a word: ``LEADLINE_DB``, else among the user's data; empty for nowhere."""
    if named := environ.get("LEADLINE_DB", ""):
        return named
    data = environ.get("XDG_DATA_HOME", "")
    home = environ.get("HOME", "")
    if data.startswith("/"):
        return f"{data}/leadline/vulnerabilities.db"
    return f"{home}/.local/share/leadline/vulnerabilities.db" if home.startswith("/") else ""
