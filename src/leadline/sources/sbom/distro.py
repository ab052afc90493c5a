"""The distribution that a SBOM is about, by the id that its own ``os-release`` gives it."""

from collections import Counter

from msgspec.structs import replace

from leadline.model.package import Distro, Package, Sbom

_IDS = {
    "alma": "almalinux",
    "alpine linux": "alpine",
    "amazon": "amzn",
    "cbl-mariner": "mariner",
    "debian gnu/linux": "debian",
    "opensuse.leap": "opensuse-leap",
    "opensuse.tumbleweed": "opensuse-tumbleweed",
    "oracle": "ol",
    "red hat enterprise linux": "rhel",
    "redhat": "rhel",
    "suse linux enterprise server": "sles",
}
"""What others call it: Trivy has words of its own, and people write the name for the id."""


def distro_of(sbom: Sbom) -> Distro:
    """What the document says, else what most of its packages say."""
    distro = sbom.distro if sbom.distro.id else _distro_of_packages(sbom.packages)
    folded = distro.id.lower()
    id = _IDS.get(folded, folded)
    if id == "amzn":
        # Trivy takes over its release file: "2 (Karoo)", "AMI release 2018.03".
        distro = replace(distro, version=distro.version.removeprefix("AMI release ").partition(" ")[0])
    return distro if id == distro.id else replace(distro, id=id, name=distro.name or distro.id)


def _distro_of_packages(packages: tuple[Package, ...]) -> Distro:
    """By the qualifier ``distro`` of their URLs: ``debian-12``, or a part of it beside the namespace."""
    named = Counter(
        (package.namespace, value)
        for package in packages
        for key, value in package.qualifiers
        if key == "distro" and value
    )
    if not named:
        return Distro()
    (namespace, value), _ = named.most_common(1)[0]
    id, _, version = value.rpartition("-")
    if id:
        return Distro(id, version)
    if value[0].isdigit():
        return Distro(namespace, value) if namespace else Distro()
    return Distro(namespace, codename=value) if namespace and namespace != value else Distro(value)
