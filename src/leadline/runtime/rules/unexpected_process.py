"""A program ran that the container did not run while it was learned.

A container does the same few things all its life. What it starts for the first time is an operation by a person, a rare job, or an attacker.

First:
- Look at the chain: did a person or the container's own server start it?
- Compare with the profile: `leadline get applicationprofiles` shows what it used to run.
- If it is wanted, accept it in a waiver; if not, isolate the pod by a NetworkPolicy.

False positives: jobs that run less often than the learning lasts. What enters through the runtime, such as a probe or `kubectl exec`, is left out.

See: https://attack.mitre.org/techniques/T1059/
"""

from leadline.model.event import Executed
from leadline.runtime.rule import Actor, Baseline, rule


@rule("R0001", "Unexpected process launched", score=1, needs=("exec",), mitre=("TA0002", "T1059"))
def unexpected_process(event: Executed, actor: Actor, known: Baseline) -> str | None:
    return None if known.ran(event.path) else f"{event.path} ran for the first time"
