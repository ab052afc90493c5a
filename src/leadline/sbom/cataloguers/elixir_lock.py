"""Elixir and Erlang packages that a project pins: ``mix.lock`` and ``rebar.lock``.

Each is a term of its language, one package a line; older releases of Mix begin the first with ``%{``
(https://hexdocs.pm/mix/Mix.Tasks.Deps.html, https://rebar3.org/docs/configuration/dependencies/).
What comes out of a repository has its commit for a version.
"""

import re

from leadline.model.package import Package
from leadline.packages.file import File, Unreadable
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.identity.address import public_address
from leadline.sbom.parsers.checksum import hexadecimal

FILE_BYTES = 16 << 20

_MIX = late_pattern(
    r'^(?:%\{)?[ \t]*+"(?P<key>[\w-]++)":\s*\{:hex,\s*:"?(?P<name>\w++)"?,\s*"(?P<version>[^"\n]++)",\s*"(?P<sum>\w*+)"',
    re.M,
)
_MIX_GIT = late_pattern(
    r'^(?:%\{)?[ \t]*+"(?P<name>[\w-]++)":\s*\{:git,\s*"(?P<address>[^"\n]++)",\s*"(?P<commit>\w++)"', re.M
)
_REBAR_GIT = late_pattern(
    r'\{<<"(?P<name>[\w-]++)">>,\s*\{git,\s*"(?P<address>[^"\n]++)",\s*\{ref,\s*"(?P<commit>\w++)"'
)
_REBAR = late_pattern(r'\{<<"[\w-]++">>,\s*\{pkg,<<"(?P<name>[\w-]++)">>,<<"(?P<version>[^">\n]++)">>')


@cataloguer("elixir", names=("mix.lock",), lock=True, version=3)
def elixir(lock: File) -> Packages:
    text = _text(lock)
    for found in _MIX.finditer(text):
        digests = hexadecimal("sha256", found["sum"])
        yield Package("hex", found["name"], found["version"], digests=digests)
    yield from map(_of_repository, _MIX_GIT.finditer(text))
    _check_ends(text, "%{", "}")


@cataloguer("erlang-lock", names=("rebar.lock",), lock=True, version=2)
def erlang_lock(lock: File) -> Packages:
    text = _text(lock)
    for found in _REBAR.finditer(text):
        yield Package("hex", found["name"], found["version"])
    yield from map(_of_repository, _REBAR_GIT.finditer(text))
    _check_ends(text, ("{", "["), ".")


def _check_ends(text: str, start: str | tuple[str, ...], end: str) -> None:
    """Raises ``Unreadable`` where ``text`` is no whole term."""
    lines = (line for line in text.split("\n") if not line.lstrip().startswith(("#", "%%")))
    term = "\n".join(lines).strip()
    if term and not (term.startswith(start) and term.endswith(end)):
        raise Unreadable("not a valid Elixir term, or truncated")


def _of_repository(found: re.Match[str]) -> Package:
    origin = f"git+{public_address(found['address'])}@{found['commit']}"
    return Package("hex", found["name"], found["commit"], qualifiers=(("vcs_url", origin),))


def _text(lock: File) -> str:
    if len(lock.data) > FILE_BYTES:
        raise Unreadable(f"larger than {FILE_BYTES >> 20} MiB")
    return lock.text
