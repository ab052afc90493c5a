"""Packages that Root.io built again with fixes put in, and under which names others know them.

They are called as before, or with a mark in front (``rootio-openssl``, ``@rootio/semver``, Maven's ``io.root.``), and their
versions say it as well: ``1.5.2-6+deb12u1.root.io.4``, ``5.7.1-root.io.1``, and for Alpine a build of five digits,
``3.1.8-r00073``. Facts: https://api.root.io/external/osv and https://api.root.io/external/cve_feed.
"""

from msgspec.structs import replace

from leadline.model.package import Package
from leadline.packages.late_pattern import late_pattern

CHANNEL = "root.io"
"""What its advisories are filed under, beside those of the distribution or ecosystem."""
_MARK = "root.io."
_ALPINE_BUILD = late_pattern(r"-r\d{5}$")
_PREFIX = late_pattern(r"rootio[-_]")
_SCOPE = "rootio"
_GROUP = "io.root."


def is_of_root_io(package: Package) -> bool:
    """Whether name or version says that Root.io built it."""
    if _MARK in package.version or package.name.startswith(("rootio-", "rootio_")):
        return True
    match package.type:
        case "apk":
            return _ALPINE_BUILD.search(package.version) is not None
        case "npm":
            return package.namespace == f"@{_SCOPE}"
        case "maven":
            return package.namespace.startswith(_GROUP)
    return False


def known_as(package: Package) -> Package:
    """``package`` under the names that everybody else has for it."""
    namespace, name = package.namespace, _PREFIX.sub("", package.name)
    if package.type == "npm" and namespace == f"@{_SCOPE}":
        scope, mark, rest = name.partition("__")
        namespace, name = (f"@{scope}", rest) if mark and scope else ("", name)
    if package.type == "maven":
        namespace = namespace.removeprefix(_GROUP)
    return replace(package, namespace=namespace, name=name, source=_PREFIX.sub("", package.source))


def advised_name(ecosystem: str, name: str) -> str:
    """A name in an advisory of Root.io as other publishers write it."""
    if ecosystem == "npm" and name.startswith(f"@{_SCOPE}/"):
        bare = name.removeprefix(f"@{_SCOPE}/")
        scope, mark, rest = bare.partition("__")
        return f"@{scope}/{rest}" if mark and scope else bare
    return name.removeprefix(_GROUP) if ecosystem == "Maven" else _PREFIX.sub("", name, count=1)
