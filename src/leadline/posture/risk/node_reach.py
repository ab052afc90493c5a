"""What an attacker in a pod gets of its node: the root user in one step or in several, files or processes, the network.

The order is that of ``docs/decisions/risk.md``. What a failed control opens counts as far as the container's user and
capabilities can use it: a process that is not root and cannot become it sees the node and changes little.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct

from leadline.model.control import Control
from leadline.posture.subject import Container, Workload, mapping, sequence

ROOT_AT_ONCE, ROOT_BY_FILES, ROOT_IN_STEPS, PROCESSES, NETWORK, MEMORY = 9.0, 8.8, 7.5, 5.5, 4.0, 3.0
"""What each is worth, 0 to 10."""
_DANGERS: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        "C-0057": ("power", ROOT_AT_ONCE),
        "C-0046": ("capability", ROOT_IN_STEPS),
        "C-0074": ("files", ROOT_BY_FILES),
        "L-0006": ("files", ROOT_BY_FILES),
        "C-0045": ("files", PROCESSES),
        "C-0048": ("files", NETWORK),
        "C-0038": ("processes", PROCESSES),
        "C-0275": ("processes", PROCESSES),
        "C-0041": ("network", NETWORK),
        "C-0276": ("memory", MEMORY),
        "L-0010": ("windows", ROOT_IN_STEPS),
    }
)
"""By control: which danger it speaks of, and what that is worth. Several that speak of one danger count once."""
_ESCAPING = frozenset(
    {"SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO", "SYS_PTRACE", "SYS_BOOT", "DAC_READ_SEARCH", "BPF", "ALL"}
)
AS_ROOT, MAY_BECOME_ROOT, NEVER_ROOT = 1.0, 0.8, 0.3
"""How much of it a process can use."""


class NodeGain(Struct, frozen=True):
    control: Control
    worth: float
    """0 to 10; 0 where another one speaks of the same danger."""


def node_gains(workload: Workload, failed: Iterable[Control]) -> list[NodeGain]:
    """What the failed controls open of the node."""
    power = max(map(_power, workload.containers), default=NEVER_ROOT)
    found: dict[str, list[tuple[float, int, Control]]] = {}
    for control in failed:
        danger, worth = _danger_of(control, workload)
        if worth:
            said = len(control.problem or control.title)
            found.setdefault(danger, []).append((worth, said, control))
    gains: list[NodeGain] = []
    for rows in found.values():
        rows.sort(key=lambda row: row[:2], reverse=True)
        gains += (
            NodeGain(control, round(worth * power, 2) if number == 0 else 0.0)
            for number, (worth, _, control) in enumerate(rows)
        )
    return gains


def _danger_of(control: Control, workload: Workload) -> tuple[str, float]:
    """Of other controls about the node, such as a user's own, the grave ones count by their score."""
    danger, worth = _DANGERS.get(control.id, (control.id, 0.0))
    match control.id:
        case "C-0057" if not any(
            one.security_context.get("privileged") is True for one in workload.containers
        ):
            return "capability", ROOT_IN_STEPS
        case "C-0038" if workload.pod.get("hostPID") is not True:
            return "memory", MEMORY
        case "C-0046" if not any(_may_escape(one) for one in workload.containers):
            return danger, NETWORK
    if not worth and control.consequence == "node escape" and control.severity in ("critical", "high"):
        return danger, control.score
    return danger, worth


def _may_escape(container: Container) -> bool:
    return any(name.removeprefix("CAP_") in _ESCAPING for _, name in container.added_capabilities)


def _power(container: Container) -> float:
    """Of one container; of several the strongest counts, since the control does not say which one has it."""
    context = container.security_context
    if context.get("privileged") is True:
        return AS_ROOT if _is_root(container) else MAY_BECOME_ROOT
    if _is_root(container):
        return AS_ROOT
    adds: Sequence[object] = sequence(mapping(context.get("capabilities")).get("add"))
    is_shut = context.get("allowPrivilegeEscalation") is False and not adds
    return NEVER_ROOT if is_shut else MAY_BECOME_ROOT


def _is_root(container: Container) -> bool:
    """What is not written may be root: the image decides."""
    user, non_root = container.effective("runAsUser"), container.effective("runAsNonRoot")
    return not (isinstance(user, int) and user > 0) and non_root is not True
