"""A tool searched for private keys, passwords or credentials of a cloud.

What is found opens the next door: other machines, the account of the cloud, the cluster.

First:
- Treat every credential that the container can read as found, and replace them.
- Look at the chain: who started the search.
- Give the workload no more volumes and rights than it needs.

False positives: scanners for secrets that run within the container.

See: https://attack.mitre.org/techniques/T1552/001/
"""

import re

from leadline.model.event import Executed
from leadline.runtime.names import line_of
from leadline.runtime.rule import Actor, rule

_TOOLS = frozenset(
    {
        "find",
        "grep",
        "egrep",
        "fgrep",
        "rg",
        "ag",
        "locate",
        "mlocate",
        "trufflehog",
        "gitleaks",
        "linpeas.sh",
        "ls",
    }
)
_WORDS = re.compile(
    r"id_rsa|id_dsa|id_ed25519|id_ecdsa|BEGIN.{0,20}PRIVATE|\.pem\b|\.p12\b|\.pfx\b|\.kdbx\b|passw(?:or)?d|secret|aws_access_key|"
    r"aws_secret|\.aws/credentials|\.aws\b|accessTokens|gcloud|AKIA|\.kube/config|kubeconfig|api[_-]?key|\.npmrc|\.netrc|\.git-credentials|token",
    re.IGNORECASE,
)


@rule(
    "RL011",
    "Search for keys and passwords",
    score=5,
    needs=("exec",),
    tools=_TOOLS,
    mitre=("TA0006", "T1552.001"),
    falco=("Search Private Keys or Passwords", "Find AWS Credentials"),
    on_nodes=True,
)
def keys_searched(event: Executed, actor: Actor) -> str | None:
    if len(event.arguments) < 2:
        return None
    searched = " ".join(event.arguments[1:])
    return f"a search for credentials: {line_of(event.arguments)}" if _WORDS.search(searched) else None
