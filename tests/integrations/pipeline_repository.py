"""A repository as a build server checks it out: a pull request merged into its base, and nothing older."""

import os
import subprocess
from pathlib import Path

IDENTITY = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
}
POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: {name}
  namespace: shop
spec:
  hostPID: true
  containers:
  - name: web
    image: registry.example/web:1
"""
PLANTED = "hostPID: true"
"""The finding that the pull request adds, in line 7 of its file."""


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=folder, check=True, capture_output=True, text=True, env=os.environ | IDENTITY
    )
    return done.stdout.strip()


def add(folder: Path, path: str, text: str) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def commit(folder: Path, message: str) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def merged_pull_request(folder: Path, changes: dict[str, str]) -> Path:
    """A repository at the merge of ``changes``, paths to texts, into a base with an old finding."""
    origin = folder / "origin"
    origin.mkdir(parents=True)
    git(origin, "init", "-q", "-b", "main")
    add(origin, "deploy/old.yaml", POD.format(name="old"))
    commit(origin, "base")
    git(origin, "checkout", "-q", "-b", "change")
    for path, text in changes.items():
        add(origin, path, text)
    commit(origin, "change")
    git(origin, "checkout", "-q", "main")
    add(origin, "README.md", "main went on\n")
    commit(origin, "other")
    git(origin, "merge", "-q", "--no-ff", "-m", "merge", "change")
    return origin


def clone(origin: Path, to: Path, depth: int) -> Path:
    git(origin, "clone", "-q", f"--depth={depth}", origin.as_uri(), str(to))
    return to
