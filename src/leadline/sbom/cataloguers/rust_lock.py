"""Rust crates that a project pins: ``Cargo.lock`` (https://doc.rust-lang.org/cargo/reference/resolver.html)."""

from leadline.model.package import Package
from leadline.packages.documents import entries, fields, read_toml, word, words
from leadline.packages.file import File, Unreadable
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.identity.address import public_address
from leadline.sbom.parsers.checksum import hexadecimal


@cataloguer("rust-lock", names=("Cargo.lock",), lock=True)
def rust_lock(lock: File) -> Packages:
    for entry in entries(read_toml(lock).get("package")):
        crate = fields(entry)
        name, version = word(crate.get("name")), word(crate.get("version"))
        if not name or not version:
            raise Unreadable("lists a crate without name or version")
        checksum, source = word(crate.get("checksum")), word(crate.get("source"))
        needs = (need.partition(" ")[0] for need in words(crate.get("dependencies")))
        yield Package(
            "cargo",
            name,
            version,
            digests=hexadecimal("sha256", checksum),
            qualifiers=(("vcs_url", public_address(source)),) if source.startswith("git+") else (),
            depends=tuple(needs),
        )
