"""The plugin ``kubectl leadline`` as krew installs it: ``python deploy/krew.py VERSION ADDRESS [FOLDER]``.

Writes an archive and its manifest; ``ADDRESS`` is where the archive will be found. The release writes both as well.
https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/
"""

import gzip
import hashlib
import io
import sys
import tarfile
from pathlib import Path
from string import Template

ROOT = Path(__file__).resolve().parents[1]


def krew(source: Path, version: str, address: str, moment: int) -> dict[str, bytes]:
    """The two files by name, of what lies in ``source``; ``moment`` is how old they are, in seconds."""
    plugin = source / "integrations" / "krew"
    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", mtime=moment, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w") as archive,
    ):
        for path, mode in ((source / "LICENSE", 0o644), (plugin / "kubectl-leadline", 0o755)):
            content = path.read_bytes()
            member = tarfile.TarInfo(path.name)
            member.size, member.mode, member.mtime = len(content), mode, moment
            archive.addfile(member, io.BytesIO(content))
    manifest = Template((plugin / "leadline.yaml").read_text("utf-8")).substitute(
        VERSION=version,
        ADDRESS=address.rstrip("/"),
        SHA256=hashlib.sha256(out.getvalue()).hexdigest(),
    )
    return {
        f"leadline-{version}-krew.tar.gz": out.getvalue(),
        f"leadline-{version}-krew.yaml": manifest.partition("\n")[2].encode(),
    }


def main() -> int:
    version, address, *folder = sys.argv[1:]
    for name, content in krew(ROOT, version, address, 0).items():
        (Path(*folder) / name).write_bytes(content)
        sys.stdout.write(f"written: {Path(*folder) / name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
