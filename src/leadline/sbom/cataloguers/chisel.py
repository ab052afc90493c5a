"""Packages of which Chisel cut slices: Ubuntu images without dpkg."""

from leadline.model.package import Digest, Package
from leadline.packages.file import File, Unreadable
from leadline.sbom.cataloguer import Packages, Tree, cataloguer
from leadline.sbom.identity.distro import distro_qualifiers
from leadline.sbom.parsers.chisel_manifest import Line, chisel_lines


@cataloguer("chisel", folders=("var/lib/chisel",))
def chisel(manifest: File, tree: Tree) -> Packages:
    if manifest.name != "manifest.wall":
        return
    packages: list[Line] = []
    files: dict[str, list[str]] = {}
    damaged = 0
    for line in chisel_lines(manifest.data):
        if line is None or (line.kind == "package" and not (line.name and line.version)):
            damaged += 1
        elif line.kind == "package":
            packages.append(line)
        elif line.kind == "path" and not line.path.endswith("/"):
            for owner in {one.partition("_")[0] for one in line.slices}:
                files.setdefault(owner, []).append(line.path.lstrip("/"))
    for line in packages:
        yield Package(
            type="deb",
            name=line.name,
            version=line.version,
            namespace=tree.distro.id or "ubuntu",
            arch=line.arch,
            found_in=(manifest.path,),
            qualifiers=distro_qualifiers(tree.distro),
            digests=(Digest("sha256", line.sha256),) if line.sha256 else (),
            files=tuple(files.get(line.name, ())),
        )
    if damaged:
        raise Unreadable(f"entries that make no sense or are missing: at least {damaged}")
