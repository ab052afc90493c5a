"""Packs the extension: ``python build.py VERSION OUT.vsix``. It needs Node 18 and npm, and the same sources come out the same.

A vsix is a ZIP archive in the form of Open Packaging; what it has to hold is said by the editor's own packer,
https://github.com/microsoft/vscode-vsce.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from time import gmtime
from xml.sax.saxutils import escape, quoteattr

HERE = Path(__file__).resolve().parent
_TYPES = {
    ".json": "application/json",
    ".js": "application/javascript",
    ".md": "text/markdown",
    ".txt": "text/plain",
}
_EARLIEST = 315_532_800
"""Before 1980 no time can be written into a ZIP archive."""


def main(version: str, out: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="leadline-vscode-") as work:
        folder = Path(work, "extension")
        shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("node_modules", "dist", "build.py"))
        _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", cwd=folder)
        _run(
            "node_modules/.bin/esbuild",
            *("extension.js", "--bundle", "--platform=node", "--target=node18", "--external:vscode"),
            *("--minify", "--outfile=dist/extension.js", "--metafile=meta.json"),
            cwd=folder,
        )
        about = json.loads((folder / "package.json").read_text("utf-8"))
        for field in ("private", "dependencies", "devDependencies"):
            about.pop(field, None)
        about["version"] = version
        files = {
            "[Content_Types].xml": _types(),
            "extension.vsixmanifest": _manifest(about),
            "extension/LICENSE.txt": (HERE.parents[2] / "LICENSE").read_text("utf-8"),
            "extension/ThirdPartyNotices.txt": _notices(folder),
            "extension/dist/extension.js": (folder / "dist/extension.js").read_text("utf-8"),
            "extension/package.json": json.dumps(about, indent=2) + "\n",
            "extension/readme.md": (folder / "README.md").read_text("utf-8"),
        }
    moment = max(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), _EARLIEST)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, gmtime(moment)[:6])
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text, zipfile.ZIP_DEFLATED)


def _types() -> str:
    rows = "".join(f'<Default Extension="{end}" ContentType="{kind}"/>' for end, kind in _TYPES.items())
    rows += '<Default Extension=".vsixmanifest" ContentType="text/xml"/>'
    space = "http://schemas.openxmlformats.org/package/2006/content-types"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<Types xmlns="{space}">{rows}</Types>\n'


def _manifest(about: dict[str, object]) -> str:
    engine = about["engines"]["vscode"]  # type: ignore[index]
    kind = "workspace"
    properties = {
        "Microsoft.VisualStudio.Code.Engine": engine,
        "Microsoft.VisualStudio.Code.ExtensionKind": kind,
    }
    rows = "".join(f'<Property Id="{id}" Value={quoteattr(str(value))}/>' for id, value in properties.items())
    assets = {
        "Microsoft.VisualStudio.Code.Manifest": "extension/package.json",
        "Microsoft.VisualStudio.Services.Content.Details": "extension/readme.md",
        "Microsoft.VisualStudio.Services.Content.License": "extension/LICENSE.txt",
    }
    held = "".join(
        f'<Asset Type="{type}" Path="{path}" Addressable="true"/>' for type, path in assets.items()
    )
    names = {name: quoteattr(str(about[name])) for name in ("name", "version", "publisher")}
    tags = escape(",".join(about["keywords"]))  # type: ignore[arg-type]
    return f"""<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
<Metadata><Identity Language="en-US" Id={names["name"]} Version={names["version"]} Publisher={names["publisher"]}/>
<DisplayName>{escape(str(about["displayName"]))}</DisplayName>
<Description xml:space="preserve">{escape(str(about["description"]))}</Description>
<Tags>{tags}</Tags><Categories>{escape(",".join(about["categories"]))}</Categories>
<License>extension/LICENSE.txt</License><Properties>{rows}</Properties></Metadata>
<Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation><Dependencies/>
<Assets>{held}</Assets>
</PackageManifest>
"""


def _notices(folder: Path) -> str:
    """The licences of what is bundled."""
    inputs = json.loads((folder / "meta.json").read_text("utf-8"))["inputs"]
    names = {path.split("/")[1] for path in inputs if path.startswith("node_modules/")}
    texts = []
    for name in sorted(names):
        (licence,) = sorted(Path(folder, "node_modules", name).glob("[Ll][Ii][Cc][Ee][Nn]*"))[:1]
        texts.append(f"{name}\n\n{licence.read_text('utf-8').strip()}\n")
    return "\n\n".join(texts)


def _run(*words: str, cwd: Path) -> None:
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        sys.exit(f"build.py: {words[0]} failed: {said[-1] if said else done.returncode}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("build.py: name a version and a file to write: python build.py 1.2.0 leadline.vsix")
    main(sys.argv[1], Path(sys.argv[2]))
