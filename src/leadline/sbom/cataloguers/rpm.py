"""Packages that rpm installed, in Red Hat, SUSE, Amazon, Oracle, Photon, Azure Linux and their kin.

The database is a bag of RPM headers in one of three files: SQLite, ndb or Berkeley DB. Which one it is
shows in its first bytes. Azure Linux's distroless images have a list in text instead.
"""

from msgspec.structs import replace

from leadline.model.package import Distro, Package
from leadline.packages.file import File, Unreadable
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, Tree, cataloguer
from leadline.sbom.identity.distro import distro_qualifiers
from leadline.sbom.licences.expressions import spdx_all
from leadline.sbom.parsers import rpm_header
from leadline.sbom.parsers.capabilities import required_packages
from leadline.sbom.parsers.rpm_database import RPM_ERRORS, rpm_blobs
from leadline.sbom.parsers.rpm_header import HeaderError, RpmHeader, read_header

FOLDERS = ("var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm")
"""Where rpm keeps its database: everywhere, in SUSE and newer Fedora, in systems made by rpm-ostree."""
NAMES = ("rpmdb.sqlite", "Packages.db", "Packages")
MANIFEST = "var/lib/rpmmanifest/container-manifest-2"

_SOURCE = late_pattern(r"(?P<name>.+)-(?P<version>[^-]+-[^-]+)\.(?:no)?src\.rpm")
_NONE = ("", "(none)")
_NAMESPACES = {"rhel": "redhat", "opensuse-leap": "opensuse", "opensuse-tumbleweed": "opensuse"}
_KEYS = "gpg-pubkey"
"""Name of the entries that hold signing keys and are not packages."""


@cataloguer(
    "rpm",
    paths=(*(f"{folder}/{name}" for folder in FOLDERS for name in NAMES), MANIFEST),
    beside=tuple(f"{folder}/rpmdb.sqlite-wal" for folder in FOLDERS),
)
def rpm(database: File, tree: Tree) -> Packages:
    if database.path == MANIFEST:
        yield from _manifest(database, tree.distro)
        return
    packages: list[Package] = []
    provider: dict[str, str] = {}
    fault = ""
    damaged = 0
    try:
        log = tree.get(f"{database.path}-wal")
        for blob in rpm_blobs(database.data, log.data if log else b""):
            header = _header(blob)
            if header is None:
                damaged += 1
            elif header.text(rpm_header.NAME) != _KEYS:
                package = _package(header, database, tree.distro)
                packages.append(package)
                for provided in header.texts(rpm_header.PROVIDE_NAME):
                    provider.setdefault(provided, package.name)
    except Unreadable:
        raise
    except RPM_ERRORS as error:
        fault = f"the rpm database {error}"
    yield from _with_packages_required(packages, provider)
    if damaged:
        fault = f"{fault}; " * bool(fault) + f"entries that are not package headers: {damaged}"
    if fault:
        raise Unreadable(fault)


def _header(blob: bytes) -> RpmHeader | None:
    try:
        header = read_header(blob)
    except HeaderError:
        return None
    return header if header.text(rpm_header.NAME) and header.text(rpm_header.VERSION) else None


def _package(header: RpmHeader, database: File, distro: Distro) -> Package:
    name, release = header.text(rpm_header.NAME), header.text(rpm_header.RELEASE)
    version = header.text(rpm_header.VERSION)
    epoch = next(iter(header.numbers(rpm_header.EPOCH)), 0)
    module = header.text(rpm_header.MODULARITY_LABEL)
    source_file = header.text(rpm_header.SOURCE_RPM)
    full_version = _with_epoch(f"{version}-{release}" if release else version, epoch)
    source, source_version = _source(source_file, epoch)
    if (source, source_version) == (name, full_version):
        source = source_version = ""
    qualifiers = (
        ("epoch", str(epoch) if epoch else ""),
        ("modularitylabel", "" if module in _NONE else module),
        ("upstream", "" if source_file in _NONE else source_file),
    )
    vendor = header.text(rpm_header.VENDOR)
    home = header.text(rpm_header.URL)
    return Package(
        type="rpm",
        name=name,
        version=full_version,
        namespace=_namespace(distro),
        arch=header.text(rpm_header.ARCH),
        source=source,
        source_version=source_version,
        licenses=spdx_all((header.text(rpm_header.LICENSE),)),
        found_in=(database.path,),
        qualifiers=tuple(pair for pair in qualifiers if pair[1]) + distro_qualifiers(distro),
        supplier="" if vendor in _NONE else vendor,
        home="" if home in _NONE else home,
        description=header.text(rpm_header.SUMMARY),
        depends=tuple(dict.fromkeys(header.texts(rpm_header.REQUIRE_NAME))),
        files=header.files(),
    )


def _with_epoch(version: str, epoch: int) -> str:
    return f"{epoch}:{version}" if epoch else version


def _source(file_name: str, epoch: int) -> tuple[str, str]:
    """Name and version of the source package; its epoch is nowhere said, and is its packages' own."""
    match = _SOURCE.fullmatch(file_name)
    return (match["name"], _with_epoch(match["version"], epoch)) if match else ("", "")


def _namespace(distro: Distro) -> str:
    return _NAMESPACES.get(distro.id, distro.id)


def _with_packages_required(packages: list[Package], provider: dict[str, str]) -> Packages:
    """Puts packages' names in place of the capabilities and files that headers require."""
    provider.update((package.name, package.name) for package in packages)
    wanted = {need[1:] for package in packages for need in package.depends if need.startswith("/")}
    for package in packages:
        provider.update((f"/{path}", package.name) for path in package.files if path in wanted)
    for package in packages:
        yield replace(package, depends=required_packages(package.depends, provider, itself=package.name))


def _manifest(listing: File, distro: Distro) -> Packages:
    """Ten columns with tabs between: name, version-release, two times, vendor, epoch, size, arch, epoch, source."""
    damaged = 0
    for line in listing.text.splitlines():
        columns = line.split("\t")
        if len(columns) < 10 or not columns[0] or not columns[1]:
            damaged += bool(line.strip())
            continue
        name, version, _, _, vendor, _, _, arch, epoch_text, source_file = columns[:10]
        epoch = (
            int(epoch_text) if epoch_text.isascii() and epoch_text.isdigit() and len(epoch_text) < 11 else 0
        )
        full_version = _with_epoch(version, epoch)
        source, source_version = _source(source_file.strip(), epoch)
        facts = (("epoch", str(epoch) if epoch else ""), ("upstream", source_file.strip() if source else ""))
        if (source, source_version) == (name, full_version):
            source = source_version = ""
        yield Package(
            type="rpm",
            name=name,
            version=full_version,
            namespace=_namespace(distro),
            arch="" if arch in _NONE else arch,
            source=source,
            source_version=source_version,
            found_in=(listing.path,),
            qualifiers=tuple(pair for pair in facts if pair[1]) + distro_qualifiers(distro),
            supplier="" if vendor in _NONE else vendor,
        )
    if damaged:
        raise Unreadable(f"lines without the ten columns of a package: {damaged}")
