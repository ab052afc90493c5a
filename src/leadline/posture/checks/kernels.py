"""Whether a kernel has the fix of a flaw, by the version that a node reports."""

import re
from collections.abc import Mapping

from leadline.model.control import NotJudged

Release = tuple[int, int]
_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})(?:\.(\d{1,5}))?(?:-(\d{1,6})[\d.]*-([a-z]+))?", re.ASCII)


def has_fix(
    version: str,
    since: Release,
    patches: Mapping[Release, int],
    builds: Mapping[tuple[Release, str], int],
) -> bool:
    """``version`` is ``5.15.0-1051-azure``; ``since`` the first release with the flaw.

    ``patches`` holds the first fixed patch of each release that got one, ``builds`` the first fixed build of a
    distribution's flavour. Raises: ``NotJudged`` where only the distribution knows.
    """
    read = _VERSION.match(version)
    if read is None:
        raise NotJudged("the node reports no version of its kernel")
    release, patch = (int(read[1]), int(read[2])), int(read[3] or 0)
    if ".el" in version:
        raise NotJudged(
            f"{version[:60]} has parts of later kernels; whether it has the fix, Red Hat's security notices say"
        )
    if release < since or release > max(patches):
        return True
    build = builds.get((release, read[5] or ""))
    if build is not None and patch == 0:
        return int(read[4]) >= build
    if patch == 0 and "-" in version:
        raise NotJudged(
            f"whether the build {version[:60]} has the fix, its distribution's security notices say"
        )
    return patch >= patches.get(release, 1 << 20)
