"""From what a package asks for to the packages that give it.

Distribution packages require capabilities (``so:libc.musl-x86_64.so.1``, ``mail-transport-agent``,
``libc.so.6()(64bit)``) as often as packages; their databases also say who provides what.
"""

from collections.abc import Iterable, Mapping


def required_packages(
    wanted: Iterable[str], provider: Mapping[str, str], itself: str = ""
) -> tuple[str, ...]:
    """Names of packages for ``wanted``, in order, once, without ``itself``.

    ``provider`` gives the package for a name or capability; a requirement that nothing installed
    fulfils is left out where it is a capability and kept where it may be a package's name.
    """
    found = dict.fromkeys(provider.get(name, name) for name in wanted)
    return tuple(name for name in found if name and name != itself and not _is_capability(name))


def _is_capability(name: str) -> bool:
    return ":" in name or "/" in name or "(" in name or ".so" in name
