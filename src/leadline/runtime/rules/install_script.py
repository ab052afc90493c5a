"""The script of a package that was being installed started a tool that installations do not need.

A package is someone else's code, and runs as you while it is installed.

First:
- Find the package: the chain shows the script; take it out and look up its reports.
- Replace every credential that the installation could read: tokens of registries, clouds and repositories.
- Install with `--ignore-scripts`, and with versions pinned by hash.

False positives: packages that fetch a program for their platform in a script.

See: https://attack.mitre.org/techniques/T1195/002/
"""

from leadline.model.event import Executed
from leadline.runtime.names import BUILD_TOOLS, DOWNLOADERS, NETWORK_TOOLS, line_of
from leadline.runtime.rule import Actor, Baseline, rule

_TOOLS = (
    DOWNLOADERS
    | NETWORK_TOOLS
    | {
        "base64",
        "env",
        "printenv",
        "whoami",
        "id",
        "hostname",
        "nslookup",
        "dig",
        "host",
        "crontab",
        "chmod",
        "ssh",
        "scp",
        "gpg",
        "xxd",
    }
)


@rule(
    "RL039",
    "Tool started by a package's script",
    score=7,
    needs=("exec",),
    tools=_TOOLS,
    mitre=("TA0001", "T1195.002"),
    on_nodes=True,
)
def install_script(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    if known is not None and known.ran_so(event):
        return None
    for one in actor.above[:6]:
        names = {word.rpartition("/")[2].removesuffix("-cli.js") for word in (one.path, *one.arguments[:3])}
        if names & BUILD_TOOLS or "setup.py" in names or "postinstall.js" in names:
            return f"{line_of(event.arguments) or event.path} ran while packages were installed"
    return None
