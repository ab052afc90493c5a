"""Packages that were loaded in real containers, by what each language says of itself and the linker of its programs.

As root, on a kernel that allows BPF, with runc, apt-get, npm, javac, gcc, go, and a network for packages.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from debian_root import JACKSON, make_root
from kernel_access import needs_kernel

from leadline.model.package import Package, Sbom
from leadline.model.profile import Profile
from leadline.packages.code_files import is_code
from leadline.packages.loaded import Loaded
from leadline.scans.images.lazy_sbom import open_sbom
from leadline.scans.images.loaded import is_loading_complete
from leadline.scans.options import ImageOptions
from leadline.scans.rehearsing.profiles import read_profiles

pytestmark = [pytest.mark.nightly("relevancy"), pytest.mark.kernel, needs_kernel]
HERE = Path(__file__).parent
PYTHON = "/usr/bin/python3.11"
CASES: dict[str, tuple[list[str], list[str]]] = {
    "flask": (["python3", "/srv/py.py", "flask", "yaml"], [PYTHON]),
    "numpy": (["python3", "/srv/py.py", "numpy"], [PYTHON]),
    "fastapi": (["python3", "/srv/py.py", "fastapi", "requests"], [PYTHON]),
    "pandas": (["python3", "/srv/py.py", "pandas"], [PYTHON]),
    "python": (["python3", "/srv/py.py"], [PYTHON]),
    "pip-list": (["python3", "/srv/py.py", "-m", "pip", "list"], [PYTHON]),
    "express": (["node", "/app/js.cjs", "express", "moment"], ["/usr/bin/node"]),
    "lodash": (["node", "/app/js.cjs", "lodash"], ["/usr/bin/node"]),
    "rack": (["ruby", "/srv/rb.rb", "rack"], ["/usr/bin/ruby3.1"]),
    "sinatra": (["ruby", "/srv/rb.rb", "sinatra/base"], ["/usr/bin/ruby3.1"]),
    "twig": (["php", "/srv/x.php", "Twig/autoload.php", "Psr/Log/LoggerInterface.php"], ["/usr/bin/php8.2"]),
    "lwp": (["perl", "/srv/p.pl", "LWP::UserAgent"], ["/usr/bin/perl"]),
    "jackson": (["java", "-cp", f"{JACKSON}:/srv", "Main"], ["/usr/lib/jvm/java-17-openjdk-amd64/bin/java"]),
    "go": (["/srv/with-go"], ["/srv/with-go"]),
    "musl": (["/srv/with-musl"], ["/srv/with-musl"]),
    "curl": (["bash", "-c", "curl --version; openssl version"], ["/usr/bin/bash", "/usr/bin/curl", "/usr/bin/openssl"]),
    "git": (["bash", "-c", "git --version; true"], ["/usr/bin/bash", "/usr/bin/git"]),
    "cat": (["bash", "-c", "find / -xdev -type f -exec cat {} + | wc -c"], ["/usr/bin/bash", "/usr/bin/find", "/usr/bin/cat", "/usr/bin/wc"]),
    "backup": (["bash", "-c", "tar -cf - /usr /app /srv | wc -c"], ["/usr/bin/bash", "/usr/bin/tar", "/usr/bin/wc"]),
    "scanner": (["bash", "-c", "grep -rc needle /usr/lib /usr/share /app | wc -c"], ["/usr/bin/bash", "/usr/bin/grep", "/usr/bin/wc"]),
}  # fmt: skip
"""What is run, and the programs that this executes."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Two gigabytes, which are not kept."""
    with TemporaryDirectory() as path:
        yield Path(path)


def test_loaded_and_not_loaded_are_both_right(folder: Path):
    root = make_root(folder, HERE / "loading_programs")
    (folder / "any").write_text("/any\n")
    with open_sbom(str(root), ImageOptions(loaded=str(folder / "any"))) as opened:
        sbom = opened.sbom()
    said, counted = run_all(root, folder), Counter[tuple[bool, bool | None]]()
    wrong: list[str] = []
    for name, (profile, own_words) in said.items():
        loaded = Loaded(profile.loaded, is_complete=is_loading_complete(profile))
        true = truly_loaded(root, own_words, CASES[name][1])
        for package, is_true in judged(root, sbom, true):
            found = loaded.is_loaded(package)
            counted[is_true, found] += 1
            if found is not is_true:
                wrong.append(f"{name}: {package.type} {package.name} is {is_true}, said {found}")
    rows = {is_true: sum(n for (one, _), n in counted.items() if one is is_true) for is_true in (True, False)}
    rates = {one: counted[one, one] / rows[one] for one in rows}
    print(f"\nloaded {rates[True]:.2%} of {rows[True]}, not loaded {rates[False]:.2%} of {rows[False]}")
    print("\n".join(wrong))
    assert min(rates.values()) >= 0.98
    assert counted[True, False] == 0


def run_all(root: Path, folder: Path) -> dict[str, tuple[Profile, list[str]]]:
    agent = [
        sys.executable,
        "-m",
        "leadline.programs.cli.main",
        "agent",
        "--cri",
        "none",
        "--profiles",
        str(folder / "profiles"),
    ]
    said: dict[str, list[str]] = {}
    with subprocess.Popen(agent, stderr=subprocess.PIPE, text=True) as child:
        try:
            assert child.stderr is not None
            assert any("watching" in line for line in child.stderr)
            for name, (words, _) in CASES.items():
                said[name] = run_one(root, folder / f"bundle-{name}", name, words)
        finally:
            child.terminate()
            child.communicate(timeout=120)
    profiles = read_profiles([str(folder / "profiles")]).profiles
    found = {one.container.id.removeprefix("relevancy-"): one for one in profiles}
    return {name: (found[name], words) for name, words in said.items()}


def run_one(root: Path, bundle: Path, name: str, words: list[str]) -> list[str]:
    """What the container prints that it loaded; nothing where it does not say."""
    bundle.mkdir()
    subprocess.run(["runc", "spec"], cwd=bundle, check=True)
    config = json.loads((bundle / "config.json").read_text())
    config["root"] = {"path": str(root), "readonly": True}
    config["process"] |= {"terminal": False, "args": words}
    config["process"]["env"] = ["PATH=/usr/sbin:/usr/bin", "HOME=/root", "PYTHONDONTWRITEBYTECODE=1"]
    (bundle / "config.json").write_text(json.dumps(config))
    command = ["runc", "run", f"relevancy-{name}"]
    ran = subprocess.run(command, cwd=bundle, capture_output=True, text=True, timeout=600, check=False)
    assert ran.returncode == 0, f"{name}: {ran.stderr[-2000:]}"
    last = ran.stdout.strip().splitlines()[-1] if ran.stdout.strip() else ""
    return list(json.loads(last)) if last.startswith("[") else []


def truly_loaded(root: Path, own_words: list[str], executed: list[str]) -> set[str]:
    """Without a leading slash, links followed."""
    paths = [*own_words, *executed]
    for program in executed:
        linker = ["chroot", str(root), "/lib64/ld-linux-x86-64.so.2", "--list", program]
        listed = subprocess.run(linker, capture_output=True, text=True, check=False).stdout
        paths += [word for word in listed.split() if word.startswith("/")]
    if any(path.endswith("musl") for path in executed):
        paths.append("/lib/ld-musl-x86_64.so.1")
    return {within(root, path) for path in paths}


def within(root: Path, path: str) -> str:
    return os.path.realpath(f"{root}/{path.lstrip('/')}").removeprefix(f"{root}/")


def judged(root: Path, sbom: Sbom, true: set[str]) -> list[tuple[Package, bool]]:
    """Packages of which something can be said, with whether they were loaded."""
    found = []
    for package in sbom.packages:
        place = package.found_in[0].partition(":")[0] if package.found_in else ""
        folder = folder_of(package, place)
        if folder:
            inner = [path.removeprefix(folder) for path in true if path.startswith(folder)]
            found.append((package, any("node_modules/" not in path for path in inner)))
        elif package.type in ("deb", "pypi"):
            own = {path for path in package.files if is_code(path) and not (root / path).is_symlink()}
            if own:
                found.append((package, not true.isdisjoint(within(root, path) for path in own)))
        elif package.type in ("golang", "maven", "generic"):
            found.append((package, within(root, place) in true))
    return found


def folder_of(package: Package, place: str) -> str:
    if package.type == "npm":
        return place.rpartition("/")[0] + "/"
    head, is_gem, file = place.partition("/specifications/")
    return f"{head}/gems/{file.removesuffix('.gemspec')}/" if is_gem and "/" not in file else ""
