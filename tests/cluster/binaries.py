"""Finds the programs that a Kubernetes is made of, or builds them.

Kubernetes' own, in this order: ``KUBEBUILDER_ASSETS``, a kept build, a build from the Go modules that ``go.mod`` pins.
A build is kept in ``LEADLINE_CLUSTER_BINARIES``, by default below ``~/.cache/leadline``. Everything else comes from
``PATH``: etcd, containerd, runc, ctr, kubectl.
"""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
OLDER = HERE / "kubernetes-1.32"
"""The module of an older kube-apiserver."""
CONTROL_PLANE = ("kube-apiserver",)
WHOLE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet")
SERVICES = ("kube-proxy",)
"""What makes addresses of Services reachable, for clusters into which a chart is installed."""
MAX_BUILD_S = 3600


class MissingError(Exception):
    """A program that is needed is not there, and cannot be built."""


def version(module: Path = HERE) -> str:
    """``1.36.3``, as pinned."""
    found = re.search(
        r"^require k8s\.io/kubernetes v(\S+)|^\s+k8s\.io/kubernetes v(\S+)",
        (module / "go.mod").read_text(),
        re.M,
    )
    if found is None:
        raise MissingError("go.mod names no k8s.io/kubernetes")
    return found[1] or found[2]


def kept_folder(module: Path = HERE) -> Path:
    named = os.environ.get("LEADLINE_CLUSTER_BINARIES") if module == HERE else ""
    return Path(named) if named else Path.home() / ".cache" / "leadline" / f"kubernetes-{version(module)}"


def kubernetes(programs: tuple[str, ...], module: Path = HERE) -> Path:
    """The folder that holds ``programs``.

    Raises: ``MissingError``.
    """
    assets = os.environ.get("KUBEBUILDER_ASSETS", "") if module == HERE else ""
    for folder in (Path(assets) if assets else None, kept_folder(module)):
        if folder is not None and all(os.access(folder / program, os.X_OK) for program in programs):
            return folder
    build(programs, module)
    return kept_folder(module)


def build(programs: tuple[str, ...] = WHOLE, module: Path = HERE) -> None:
    """Builds what the kept folder lacks; about 5 minutes on 2 cores with empty caches, seconds with full ones."""
    if shutil.which("go") is None:
        raise MissingError("Kubernetes is not built and there is no Go")
    folder, built = kept_folder(module), version(module)
    folder.mkdir(parents=True, exist_ok=True)
    numbers = built.split(".")
    names = "k8s.io/component-base/version"
    flags = f"-s -w -X {names}.gitVersion=v{built} -X {names}.gitMajor={numbers[0]} -X {names}.gitMinor={numbers[1]}"
    for program in programs:
        if os.access(folder / program, os.X_OK):
            continue
        unfinished = folder / f"{program}.{os.getpid()}"
        command = [
            "go",
            "build",
            "-trimpath",
            "-ldflags",
            flags,
            "-o",
            str(unfinished),
            f"k8s.io/kubernetes/cmd/{program}",
        ]
        _run_go(command, unfinished, module)
        unfinished.rename(folder / program)


def reflector() -> Path:
    """The program in ``reflector``, built where it is not kept: client-go's caches over kinds of one's choice.

    Raises: ``MissingError``.
    """
    source = (HERE / "reflector" / "main.go").read_bytes()
    return _kept(kept_folder() / f"reflector-{hashlib.sha256(source).hexdigest()[:12]}", HERE, "./reflector")


def policies() -> Path:
    """The program in ``policies``, built where it is not kept: what judges and enforces NetworkPolicies.

    Raises: ``MissingError``.
    """
    folder = HERE / "policies"
    source = b"".join((folder / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))
    name = f"policies-{hashlib.sha256(source).hexdigest()[:12]}"
    return _kept(Path.home() / ".cache" / "leadline" / name / "policies", folder, ".")


def _kept(kept: Path, module: Path, package: str) -> Path:
    if os.access(kept, os.X_OK):
        return kept
    if shutil.which("go") is None:
        raise MissingError(f"{kept.name} is not built and there is no Go")
    kept.parent.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_name(f"{kept.name}.{os.getpid()}")
    command = ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", str(unfinished), package]
    _run_go(command, unfinished, module)
    unfinished.rename(kept)
    return kept


def _run_go(command: list[str], unfinished: Path, module: Path = HERE) -> None:
    run = subprocess.run(
        command,
        cwd=module,
        env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false -mod=readonly"},
        capture_output=True,
        text=True,
        timeout=MAX_BUILD_S,
        check=False,
    )
    if run.returncode:
        unfinished.unlink(missing_ok=True)
        raise MissingError(f"{' '.join(command[:2])} of {command[-1]} failed: {run.stderr.strip()[-500:]}")


def on_path(*programs: str) -> None:
    """Raises: ``MissingError`` for the first program that is not there."""
    for program in programs:
        if shutil.which(program) is None:
            raise MissingError(f"{program} is not installed")
