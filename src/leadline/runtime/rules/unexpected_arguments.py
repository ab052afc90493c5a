"""A known program ran with arguments that it never had while the container was learned.

The tools of an image are an attacker's tools too: the same shell, with other words.

First:
- Read the arguments, and look at who started it.
- Compare with the profile of the container.
- Accept the program in a waiver where its arguments vary.

False positives: programs whose arguments hold dates or ids and that ran seldom while they were learned.

See: https://attack.mitre.org/techniques/T1059/
"""

from leadline.model.event import COLLAPSED, CUT, Executed
from leadline.runtime.names import line_of
from leadline.runtime.rule import Actor, Baseline, rule


@rule("R0040", "Unexpected process arguments", score=3, needs=("exec",), mitre=("TA0002", "T1059"))
def unexpected_arguments(event: Executed, actor: Actor, known: Baseline) -> str | None:
    if event.flags & (COLLAPSED | CUT) or not known.ran(event.path) or known.ran_so(event):
        return None
    return f"{event.path} ran with other arguments than before: {line_of(event.arguments)}"
