"""JavaScript packages as lock files write them: ``@scope/name@1.2.3``, addresses in place of versions, checksums."""

from collections.abc import Mapping

from leadline.model.package import Package
from leadline.packages.documents import fields, word
from leadline.packages.file import File
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.identity.address import public_address
from leadline.sbom.licences.expressions import spdx_all
from leadline.sbom.parsers.checksum import subresource_integrity

_VERSION_IN_ADDRESS = late_pattern(r"-v?(\d+\.\d+\.\d[\w.+-]*?)\.(?:tgz|tar\.gz)$")


def npm_package(name: str, version: str, entry: Mapping[str, object], is_dev: bool) -> Package:
    """``version`` may be an address, for what comes from a repository or an archive.

    The version is then the commit, or what the archive is called by; the address itself where neither is known.
    """
    namespace, _, base_name = name.rpartition("/")
    qualifiers: tuple[tuple[str, str], ...] = ()
    if ":" in version:
        kind = "download_url" if version.startswith(("http:", "https:", "file:")) else "vcs_url"
        address, (plain, _, commit) = public_address(version), version.partition("#")
        named = _VERSION_IN_ADDRESS.search(plain)
        qualifiers, version = ((kind, address),), commit or (named[1] if named else address)
    needs = fields(entry.get("dependencies")) or fields(entry.get("requires"))
    license = entry.get("license")
    return Package(
        "npm",
        base_name,
        version,
        namespace=namespace,
        licenses=spdx_all((license,)) if isinstance(license, str) else (),
        qualifiers=qualifiers,
        digests=subresource_integrity(word(entry.get("integrity"))),
        depends=tuple(needs),
        is_dev=is_dev,
    )


def split_name(written: str) -> tuple[str, str]:
    """``@scope/name@1.2.3`` → ``("@scope/name", "1.2.3")``."""
    at = written.find("@", 1)
    name, version = (written[:at], written[at + 1 :]) if at > 0 else (written, "")
    return name.strip("/"), version


def is_of_dependency(lock: File) -> bool:
    """Whether ``lock`` came with an installed package: it pins what that one's authors build with, and it is never installed."""
    return "/node_modules/" in f"/{lock.path}"
