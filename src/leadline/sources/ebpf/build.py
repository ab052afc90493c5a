"""Compiles the probes to one object per architecture; needs clang, llvm-strip and libbpf-dev, which nothing else of ours does.

``python -m leadline.sources.ebpf.build`` writes the objects that are part of the package; a test builds them again and
compares. Every file in ``probes`` is taken: to add a probe is to add a file.
"""

import lzma
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
ARCHITECTURES = {"x86_64": "x86", "aarch64": "arm64"}
"""As ``uname -m`` says it, and as libbpf's headers do."""


def build(architecture: str, target: Path) -> None:
    """Raises: ``subprocess.CalledProcessError`` where the compiler refuses."""
    probes = sorted((HERE / "probes").glob("*.bpf.c"))
    lines = ['#include "shared.h"', *(f'#include "{path.name}"' for path in probes)]
    # A program under a licence that the kernel calls compatible may read kernel memory.
    lines.append('char LICENSE[] SEC("license") = "Dual BSD/GPL";')
    words = f"clang -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_{ARCHITECTURES[architecture]} -Wall -Werror"
    flags = "-Wno-unused-function -Wno-pass-failed -fdebug-prefix-map=.=. -x c - -c -o"
    places = [f"-I{HERE / name}" for name in ("kernel", "probes")]
    headers = Path("/usr/include/x86_64-linux-gnu")  # Debian keeps asm/types.h there; it is the same for all
    command = [*words.split(), *places, f"-idirafter{headers}", *flags.split(), str(target)]
    subprocess.run(command, input="\n".join(lines), text=True, check=True, timeout=300)
    subprocess.run(["llvm-strip", "-g", str(target)], check=True, timeout=60)


def main() -> None:
    (HERE / "objects").mkdir(exist_ok=True)
    for architecture in ARCHITECTURES:
        with TemporaryDirectory() as folder:
            path = Path(folder, f"{architecture}.bpf.o")
            build(architecture, path)
            packed = lzma.compress(path.read_bytes(), preset=9)
        (HERE / "objects" / f"{architecture}.bpf.o.xz").write_bytes(packed)


if __name__ == "__main__":
    main()
