"""Attack tracks: trees of steps, each opened by controls that fail.

The names, the steps and the controls of each are those of https://github.com/kubescape/regolibrary (attack-tracks).
"""

from collections.abc import Collection, Iterator

from msgspec import Struct


class TrackStep(Struct, frozen=True):
    name: str
    controls: tuple[str, ...] = ()
    """Each of them opens the step by failing."""
    by_vulnerabilities: bool = False
    """Whether vulnerable packages of the image open it."""
    next: tuple["TrackStep", ...] = ()


class AttackTrack(Struct, frozen=True):
    name: str
    first: TrackStep


_OUTSIDE = ("C-0256", "C-0266")

TRACKS = (
    AttackTrack(
        "external-workload-with-cluster-takeover-roles",
        TrackStep("Initial Access", _OUTSIDE, next=(TrackStep("Cluster Access", ("C-0267",)),)),
    ),
    AttackTrack(
        "workload-unauthenticated-service",
        TrackStep("Initial Access", _OUTSIDE, next=(TrackStep("Execution", ("C-0274",)),)),
    ),
    AttackTrack(
        "workload-external-track",
        TrackStep(
            "Initial Access",
            _OUTSIDE,
            next=(
                TrackStep(
                    "Execution (Vulnerable Image)",
                    by_vulnerabilities=True,
                    next=(
                        TrackStep("Data Collection", ("C-0257", "C-0258")),
                        TrackStep("Secret Access", ("C-0255",)),
                        TrackStep("Credential access", ("C-0259", "C-0261")),
                        TrackStep("Privilege Escalation (Node)", ("C-0045", "C-0046", "C-0048", "C-0211")),
                        TrackStep("Persistence", ("C-0017",)),
                        TrackStep("Lateral Movement (Network)", ("C-0041", "C-0260")),
                    ),
                ),
            ),
        ),
    ),
    AttackTrack(
        "service-destruction",
        TrackStep("Initial Access", _OUTSIDE, next=(TrackStep("Denial of service", ("C-0270", "C-0271")),)),
    ),
    AttackTrack(
        "external-database-without-authentication",
        TrackStep("Initial Access", ("C-0256",), next=(TrackStep("Unauthenticated Access"),)),
    ),
)


def open_tracks(failed: Collection[str], *, is_vulnerable: bool) -> tuple[str, ...]:
    """The tracks of which a way from the first step to a last one is open, where these controls fail."""
    return tuple(track.name for track in TRACKS if any(_open_ways(track.first, failed, is_vulnerable)))


def _open_ways(step: TrackStep, failed: Collection[str], is_vulnerable: bool) -> Iterator[bool]:
    if not (any(id in failed for id in step.controls) or (step.by_vulnerabilities and is_vulnerable)):
        return
    if not step.next:
        yield True
    for below in step.next:
        yield from _open_ways(below, failed, is_vulnerable)
