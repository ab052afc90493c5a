"""A program read a token of a service account that has no reason to.

With the token anyone is the workload towards the API server, from anywhere.

First:
- Delete the pod, so that its token ends, and look up in the audit log what the account did since.
- Look at the chain: a shell or `cat` in it is a person or an attacker, no client library.
- Set `automountServiceAccountToken: false` where the API is not used, and take rights away from the account.

False positives: start scripts that read the token with `cat`.

See: https://attack.mitre.org/techniques/T1528/
"""

from leadline.model.event import Opened
from leadline.runtime.names import READERS, is_token, is_written
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "R0006",
    "Unexpected service account token access",
    score=5,
    needs=("exec", "open"),
    mitre=("TA0006", "T1528"),
)
def token_access(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    path = event.path
    if not path.endswith("/token") or not is_token(path) or is_written(event):
        return None
    if known is not None:
        if known.opened_like("/token") or actor.has_entered:
            return None
        return f"{actor.tool} read the token {path} for the first time"
    return f"{actor.tool} read the token {path}" if actor.tool in READERS else None
