"""Files that decide verdicts, as they were before the change that is scanned.

A change that loosens the settings of a control, takes a control out of a framework or adds a signer to the policy of signatures
would pass its own gate. So these files come from the revision, where they are files of its repository.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from leadline.errors import UsageError
from leadline.scans.options import PostureOptions
from leadline.signatures.policy import PolicyError, read_policy
from leadline.sources.git.revision import OldFiles, files_at_revision
from leadline.sources.regular_file import read_regular
from leadline.sources.temporary_folder import temporary_folder
from leadline.sources.yaml.parser import parse_documents

LARGEST_BYTES = 8 << 20
MOST_FILES = 2_000
"""Of a folder of controls."""


@contextmanager
def settings_before(
    target: str, revision: str, options: PostureOptions
) -> Iterator[tuple[PostureOptions, tuple[str, ...]]]:
    """``options`` with copies of what the files were at ``revision``, and those that are not as they were.

    A file that was not there is left out; a policy of signatures that was not there asks for more than before, and counts.

    Raises: ``SourceError`` without a repository around ``target`` or such a revision, ``UsageError`` for too many files.
    """
    single = (options.settings_file, options.trust_policy, options.trusted_root)
    if not any((*single, *options.own_controls, *options.framework_files)):
        yield options, ()
        return
    files = files_at_revision(target, revision, options.environ)
    with temporary_folder() as folder:
        copies = _Copies(files, folder)
        policy = copies.of(options.trust_policy)
        if policy != options.trust_policy:
            copies.take_keys(options.trust_policy)
        yield (
            replace(
                options,
                settings_file=copies.of(options.settings_file),
                own_controls=tuple(filter(None, map(copies.of, options.own_controls))),
                framework_files=tuple(filter(None, map(copies.of, options.framework_files))),
                trust_policy=policy or options.trust_policy,
                trusted_root=copies.of(options.trusted_root),
            ),
            tuple(dict.fromkeys(copies.changed)),
        )


class _Copies:
    def __init__(self, files: OldFiles, folder: Path) -> None:
        self._files = files
        self._folder = folder
        self.changed: list[str] = []

    def of(self, path: str) -> str:
        """Where ``path`` is as it was: itself where nothing changed, empty where it was not there."""
        inside = self._files.inside(path) if path else None
        if inside is None:
            return path
        was = self._files.below(inside, MOST_FILES + 1)
        if len(was) > MOST_FILES:
            raise UsageError(
                f"{path} held more than {MOST_FILES:,} files at that revision", hint="name a smaller folder"
            )
        then = {one: self._files.content(one) or b"" for one in was}
        if then == self._present(path, inside) and not self._is_of_keys(path):
            return path
        self.changed.append(path)
        for one, content in then.items():
            copy = self._folder / one
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
        return str(self._folder / inside) if then else ""

    def take_keys(self, policy: str) -> None:
        """Copies the files of keys that the policy at ``policy`` named, for they are beside it."""
        for key in _keys_of(self._files.content(self._files.inside(policy) or "") or b""):
            inside = self._files.inside(str(Path(policy).parent / key))
            content = self._files.content(inside) if inside else None
            if inside and content is not None:
                copy = self._folder / inside
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(content)

    def _is_of_keys(self, path: str) -> bool:
        """Whether a policy names a key that is not as it was."""
        for key in _keys_of(_content(path)):
            beside = str(Path(path).parent / key)
            inside = self._files.inside(beside)
            if inside is not None and (self._files.content(inside) or b"") != _content(beside):
                return True
        return False

    def _present(self, path: str, inside: str) -> Mapping[str, bytes]:
        if not Path(path).is_dir():
            return {inside: _content(path)} if Path(path).is_file() else {}
        found = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
        return {
            os.path.normpath(os.path.join(inside, os.path.relpath(one, path))): _content(str(one))  # noqa: PTH118
            for one in found
            if "__pycache__" not in one.parts
        }


def _content(path: str) -> bytes:
    try:
        return read_regular(path, LARGEST_BYTES)
    except OSError:
        return b""


def _keys_of(content: bytes) -> list[str]:
    """Files that a policy of signatures names; none where it is not such a policy."""
    if b"policies" not in content:
        return []
    bodies = [one.body for one in parse_documents(content) if one.problem is None]
    try:
        rules = read_policy(bodies[0]).policies if len(bodies) == 1 else []
    except PolicyError:
        return []
    keys = (signer.key for rule in rules for signer in rule.signers)
    return [key for key in keys if key and "-----BEGIN" not in key]
