"""What this kernel allows, and what the agent is blind for on it."""

from msgspec import Struct

from leadline.runtime.catalogue import blind_rules
from leadline.runtime.needs import blind
from leadline.sources.ebpf.kernel_check import ProbeState, check_kernel


class Check(Struct, frozen=True, rename="camel"):
    problem: str
    """Why nothing works; empty where something does."""
    probes: tuple[ProbeState, ...]
    blind: dict[str, tuple[str, ...]]
    """Answers that cannot be given in full, with the probes that are missing."""
    blind_rules: dict[str, tuple[str, ...]]
    """The same of rules, by id; of those that nothing sends events to, these events."""

    def lines(self) -> list[str]:
        """For people."""
        found = [f"nothing works: {self.problem}", ""] if self.problem else []
        width = max(len(one.name) for one in self.probes)
        for one in self.probes:
            state = "no" if not one.works else "in part" if one.off else "yes"
            found.append(f"{one.name:{width}}  {state:7}  {one.gives}")
            reasons: dict[str, list[str]] = {}
            for program, why in one.off.items():
                reasons.setdefault(why, []).append(program.removeprefix("enter_").removeprefix("on_"))
            found += [f"{'':{width}}           {', '.join(names)}: {why}" for why, names in reasons.items()]
        found.append("")
        if not self.blind and not self.blind_rules:
            found.append("nothing is blind")
        found += [f"blind for {answer}: no {', '.join(names)}" for answer, names in self.blind.items()]
        by_probes: dict[tuple[str, ...], list[str]] = {}
        for id, names in self.blind_rules.items():
            by_probes.setdefault(names, []).append(id)
        found += [f"blind rules, no {', '.join(names)}: {', '.join(ids)}" for names, ids in by_probes.items()]
        return found


def check_node() -> Check:
    """Loads and attaches every probe once. Needs root, as the agent itself."""
    result = check_kernel()
    working = [one.name for one in result.probes if one.works and not result.problem]
    return Check(result.problem, result.probes, dict(blind(working)), blind_rules(working))
