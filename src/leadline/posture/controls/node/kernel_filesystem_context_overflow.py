"""A node runs a kernel in which a container can become root of the node.

A number that wraps around in the file system context (CVE-2022-0185) lets anyone who may make user namespaces
write beyond a buffer.

Fix: upgrade the kernel to 5.16.2 or a build of your distribution that has the fix.

Example::

    apiVersion: v1
    kind: Node
    metadata: {name: n1}
    status:
      nodeInfo: {kernelVersion: 5.13.0-25-generic, operatingSystem: linux, osImage: "Ubuntu 20.04.3 LTS"}

Cannot see: fixes that a distribution puts into an older version, save for those of Ubuntu; whether pods may make user namespaces
where no settings of the kernel were read.

See: https://nvd.nist.gov/vuln/detail/CVE-2022-0185
"""

import re
from collections.abc import Mapping

from leadline.model.control import NotJudged
from leadline.posture.control import Inventory, Resource, Review, Violations, control, mapping, mappings, text

VARIABLES = "LinuxKernelVariables.hostdata.kubescape.cloud"
FIXED = ((5, 1), {(5, 4): 173, (5, 10): 93, (5, 15): 16, (5, 16): 2})
"""The first release with the flaw, and by long-lived release the first patch without it; 5.17 and later have the fix."""
FIXED_BUILDS = {((5, 4), "generic"): 96, ((5, 13), "generic"): 27, ((5, 4), "azure"): 1067}
"""The first builds of Ubuntu with the fix, whose versions end in ``.0``: https://ubuntu.com/security/notices/USN-5240-1."""


@control(
    "C-0079",
    "CVE-2022-0185-linux-kernel-container-escape",
    problem="Kernel with a known container escape",
    consequence="node escape",
    score=7.0,
    reference_score=4.0,
    category="Workload",
    kinds=("Node",),
    reads=(VARIABLES,),
)
def kernel_filesystem_context_overflow(node: Resource, inventory: Inventory) -> Violations:
    seen = mapping(mapping(node.body.get("status")).get("nodeInfo"))
    if seen.get("operatingSystem", "linux") != "linux":
        return
    if has_fix(text(seen.get("kernelVersion")), *FIXED, FIXED_BUILDS):
        return
    variables = inventory.get(VARIABLES, "", node.name)
    body = variables.body if variables else {}
    for _, variable in mappings(mapping(body.get("spec")).get("kernelVariables") or body.get("data")):
        if variable.get("key") == "unprivileged_userns_clone" and text(variable.get("value")).strip() == "0":
            inventory.rest_on(variables)  # type: ignore[arg-type]
            return
    yield Review("status.nodeInfo.kernelVersion")


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
