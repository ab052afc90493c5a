"""What a scan does with each byte of a layer: nothing twice, and no checksum that nobody asks for."""

import json
import subprocess
import sys
import zlib
from hashlib import md5
from pathlib import Path

from go_executables import SECTION, elf, inline

from image_archives import Blobs, layer, write_files
from leadline.sbom.parsers.executable_excerpt import SMALLEST

COUNTED = """
import collections, hashlib, json, sys
from isal import igzip_lib

count = collections.Counter()


def summed(name):
    real = getattr(hashlib, name)

    class Counted:
        def __init__(self, content=b"", **how):
            self.made = real(**how)
            self.update(content)

        def update(self, content):
            count[name] += len(content)
            self.made.update(content)

        def __getattr__(self, wanted):
            return getattr(self.made, wanted)

    setattr(hashlib, name, Counted)


class Unpacking:
    def __init__(self, real=igzip_lib.IgzipDecompressor, **how):
        self.made = real(**how)

    def decompress(self, *given):
        content = self.made.decompress(*given)
        count["unpacked"] += len(content)
        return content

    def __getattr__(self, wanted):
        return getattr(self.made, wanted)


igzip_lib.IgzipDecompressor = Unpacking
for name in ("md5", "sha1", "sha256"):
    summed(name)
hashlib.new = lambda name, *given: getattr(hashlib, name)(*given)

from leadline.scans.images.image_scan import image_scan
from leadline.scans.options import ImageOptions

sbom = image_scan(sys.argv[1], ImageOptions()).sbom
packages = sorted([one.type, one.name, one.owned_by] for one in sbom.packages)
print(json.dumps([count, packages, [path for _, path in sbom.unlisted]]))
"""
NOTE = b"\x04\0\0\0\x04\0\0\0\x04\0\0\0Go\0\0abcd"
RUST_HEAD = b"\0_Unwind_GetLanguageSpecificData\0"
CRATES = zlib.compress(b'{"packages":[{"name":"victim","version":"1.0.0","source":"crates.io"}]}')


def large(sections: dict[str, bytes]) -> bytes:
    """A program that is taken without its code, since what is loaded of it is read-only."""
    content = elf({**sections, ".rest": bytes(SMALLEST)})
    return content[:68] + b"\4\0\0\0" + content[72:]


PACKAGE = b'{"name":"victim","version":"1.0.0"}'.ljust(1 << 16)
LISTED = {
    "usr/bin/victim": large({SECTION: inline("path\tvictim\nmod\tvictim\tv1.0.0\t\n"), ".note": NOTE}),
    "usr/bin/small": elf({SECTION: inline("path\tsmall\nmod\tsmall\tv1.0.0\t\n"), ".rest": bytes(1 << 20)}),
    "usr/bin/rust": large({".dynstr": RUST_HEAD, ".dep-v0": CRATES}),
    "usr/bin/unlisted": large({".dynstr": RUST_HEAD, ".comment": b"rustc version 1.63.0"}),
    "usr/share/nodejs/victim/package.json": PACKAGE,
}


def scanned(image: Path) -> tuple[dict[str, int], list[list[str]], list[str]]:
    done = subprocess.run([sys.executable, "-c", COUNTED, str(image)], capture_output=True, check=True)
    counted, packages, unlisted = json.loads(done.stdout)
    return counted, packages, unlisted


def test_each_byte_is_unpacked_once_and_summed_as_the_lists_of_the_image_ask(tmp_path: Path):
    status = (
        "Package: owner\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\nMaintainer: Debian\n"
    )
    files: dict[str, bytes | str | None] = {
        "etc/apt/sources.list": b"",
        **LISTED,
        "usr/lib/large.so": large({}),
        "var/lib/dpkg/info/owner.list": "".join(f"/{path}\n" for path in LISTED).encode(),
        "var/lib/dpkg/info/owner.md5sums": "".join(
            f"{md5(content).hexdigest()}  {path}\n" for path, content in LISTED.items()
        ).encode(),
        "var/lib/dpkg/status": status.encode(),
    }
    blobs = Blobs()
    plain = layer(files)
    manifest = blobs.image([plain])
    write_files(tmp_path / "image", blobs.files([manifest]))
    counted, packages, unlisted = scanned(tmp_path / "image")
    assert [one for one in packages if one[1] == "victim"] == [
        ["cargo", "victim", "owner"],
        ["golang", "victim", "owner"],
        ["npm", "victim", "owner"],
    ]
    assert unlisted == []
    size, stored = len(plain), sum(map(len, blobs.blobs.values()))
    assert counted["unpacked"] == size
    assert counted["sha256"] <= size + stored
    assert counted["md5"] == sum(map(len, LISTED.values()))
    assert counted.get("sha1", 0) == 0
