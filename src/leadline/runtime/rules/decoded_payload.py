"""Something encoded was decoded by a tool, as hidden commands are.

Encoded commands pass filters for words and look harmless in logs.

First:
- Decode it yourself: the arguments of the shell above hold it.
- Look at what ran right after.
- Look at the chain: how the text came into the container.

False positives: start scripts that decode certificates; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1140/
"""

import re

from leadline.model.event import Executed
from leadline.runtime.names import INTERPRETERS, SHELLS, line_of
from leadline.runtime.rule import Actor, Baseline, rule

_IN_SHELL = re.compile(
    r"base(?:64|32)\s+(?:-\w*[dD]|--decode)[^|]*\|\s*(?:\S*/)?(?:ba|da|a|z|k)?sh\b|xxd\s+-r[^|]*\|\s*(?:\S*/)?(?:ba|da|z)?sh\b|openssl\s+enc[^|]*-d[^|]*\|"
)
_IN_CODE = re.compile(
    r"(?:exec|eval)\s*\(?.{0,60}(?:b64decode|base64_decode|fromhex|decode\(.(?:base64|hex)|atob\()|Buffer\.from\(.{0,400}base64",
    re.DOTALL,
)


@rule(
    "RL042",
    "Hidden commands decoded",
    score=6,
    needs=("exec",),
    tools=(*SHELLS, *INTERPRETERS),
    mitre=("TA0005", "T1140"),
    falco=("Decoding Payload in Container",),
    on_nodes=True,
)
def decoded_payload(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    if len(event.arguments) < 2 or (known is not None and known.ran_so(event)):
        return None
    line = actor.line
    if (
        "base" not in line
        and "xxd" not in line
        and "openssl" not in line
        and "hex" not in line
        and "ato" not in line
    ):
        return None
    words = _IN_SHELL if actor.tool in SHELLS else _IN_CODE
    if not words.search(line):
        return None
    return f"{actor.tool} decoded what it ran: {line_of(event.arguments)}"
