"""Elixir and Erlang packages that a project pins: ``mix.lock`` and ``rebar.lock``.

Each is a term of its language, one package a line
(https://hexdocs.pm/mix/Mix.Tasks.Deps.html, https://rebar3.org/docs/configuration/dependencies/).
"""

import re

from leadline.image.cataloguer import File, Package, Packages, Unreadable, cataloguer
from leadline.image.checksum import hexadecimal

FILE_BYTES = 16 << 20

_MIX = re.compile(
    r'^[ \t]*+"(?P<key>[\w-]++)":\s*\{:hex,\s*:"?(?P<name>\w++)"?,\s*"(?P<version>[^"\n]++)",\s*"(?P<sum>\w*+)"',
    re.M,
)
_REBAR = re.compile(r'\{<<"[\w-]++">>,\s*\{pkg,<<"(?P<name>[\w-]++)">>,<<"(?P<version>[^">\n]++)">>')


@cataloguer("elixir", names=("mix.lock",), lock=True)
def elixir(lock: File) -> Packages:
    for found in _MIX.finditer(_text(lock)):
        digests = hexadecimal("sha256", found["sum"])
        yield Package("hex", found["name"], found["version"], digests=digests)


@cataloguer("erlang-lock", names=("rebar.lock",), lock=True)
def erlang_lock(lock: File) -> Packages:
    for found in _REBAR.finditer(_text(lock)):
        yield Package("hex", found["name"], found["version"])


def _text(lock: File) -> str:
    if len(lock.data) > FILE_BYTES:
        raise Unreadable(f"larger than {FILE_BYTES >> 20} MiB")
    return lock.text
