"""Which probes each answer of the agent needs, so that it can be said what a kernel makes it blind for."""

from collections.abc import Collection, Iterator

CAPABILITIES = "capabilities to drop"
NEEDS = {
    "profiles of programs": ("exec",),
    "packages in use": ("exec", "open", "map"),
    "writable folders": ("exec", "open", "remove", "alter"),
    CAPABILITIES: ("exec", "capability"),
    "seccomp profiles": ("exec", "syscalls"),
    "network policies": ("exec", "socket", "traffic"),
}
ADMISSION = "admission"
"""What rules need that the webhook feeds, not a probe: ``admission.sessions`` of the chart."""


def blind(working: Collection[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each answer that cannot be given in full, with the probes that it lacks."""
    for answer, needed in NEEDS.items():
        missing = tuple(name for name in needed if name not in working)
        if missing:
            yield answer, missing
