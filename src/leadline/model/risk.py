"""How much is at stake with a workload, and how an attacker gets there."""

from typing import Literal

from msgspec import Struct

StepKind = Literal["start", "way", "workload", "token", "node", "secrets", "vulnerability"]
"""``start``: where the attacker is; ``way``: what leads on; ``workload``: the pods; the rest is what they open."""


class AttackStep(Struct, frozen=True):
    """One step of the way from the attacker to what is at stake."""

    kind: StepKind
    text: str
    """``internet``, ``Ingress shop``, ``web``, ``token reads every Secret``."""
    object: str = ""
    """The id of the object that it is about, where there is one."""
    details: tuple[str, ...] = ()
    """What makes it easier: ``root``, ``writable /``."""
    controls: tuple[str, ...] = ()
    """The ids of the controls that it follows from."""


class WorkloadRisk(Struct, frozen=True):
    """The rank of one workload among the others."""

    resource: str
    """The id of the workload."""
    score: float
    """0 to 100; how it is worked out: ``docs/decisions/risk.md``."""
    reach: float
    """How near an attacker is: 1 for the open internet, less behind a login, inside the cluster, behind a policy."""
    impact: float
    """What is won by taking it over, 0 to 10."""
    ease: float
    """How easily it is taken over, 0 to 1."""
    sentence: str
    """``reachable from the internet through Ingress shop, token reads every Secret, runs as root``."""
    path: tuple[AttackStep, ...]
    """From the attacker on; steps after the workload are beside each other, worst first."""
    tracks: tuple[str, ...] = ()
    """The attack tracks of which every step from the first to a last one has a failed control."""


class ImageFacts(Struct, frozen=True):
    """What is known of the images of a workload."""

    exploited: int = 0
    """Vulnerabilities that are known to be exploited."""
    critical: int = 0
    """Others of the severity critical."""
    loaded_exploited: int = 0
    """Of the exploited ones those in files that are loaded at run time, where that is known."""
    fixable: int = 0
    """Of all these those with a fixed version: what the fix changed can be read."""
