"""A node runs a kernel in which a container can become root of the node.

A number that wraps around in the file system context (CVE-2022-0185) lets anyone who may make user namespaces
write beyond a buffer.

Fix: upgrade the kernel to 5.16.2 or a build of your distribution that carries the fix.

See: https://nvd.nist.gov/vuln/detail/CVE-2022-0185
"""

from leadline.posture.control import not_built

KERNEL_FILESYSTEM_CONTEXT_OVERFLOW = not_built(
    "C-0079",
    "CVE-2022-0185-linux-kernel-container-escape",
    problem="Kernel with a known container escape",
    consequence="node escape",
    score=7.0,
    reference_score=4.0,
    category="Workload",
    needs="files and settings of the nodes",
)
