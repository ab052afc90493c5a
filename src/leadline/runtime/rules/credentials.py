"""Credentials that are read, searched or linked to."""

import re

from leadline.model.event import Executed, Linked, Opened
from leadline.runtime.names import (
    BINARY_FOLDERS,
    CREDENTIAL_NAMES,
    INTERPRETERS,
    LOGIN_PROGRAMS,
    OF_PACKAGES,
    READERS,
    is_cloud_credential,
    is_node_credential,
    is_one_of,
    is_private_key,
    is_sensitive,
    is_token,
    is_written,
    line_of,
)
from leadline.runtime.rule import Actor, Baseline, rule

_SEARCH_TOOLS = frozenset(
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
_KEYS_BY_NAME = re.compile(
    r"id_rsa|id_dsa|id_ed25519|id_ecdsa|BEGIN.{0,20}PRIVATE|\.pem\b|\.p12\b|\.pfx\b|\.kdbx\b|passw(?:or)?d|secret|aws_access_key|"
    r"aws_secret|\.aws/credentials|\.aws\b|accessTokens|gcloud|AKIA|\.kube/config|kubeconfig|api[_-]?key|\.npmrc|\.netrc|\.git-credentials|token",
    re.IGNORECASE,
)
_OF_SSH = ("ssh", "scp", "sftp", "git", "rsync", "ansible", "dropbear", "libvirtd")


@rule(
    "RL028",
    "Credentials of a cloud or node read",
    score=7,
    needs=("exec", "open"),
    mitre=("TA0006", "T1552.001"),
    on_nodes=True,
)
def credentials_read(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    """Credentials of a cloud, a cluster or a node were read by a tool for any file.

    These files hold keys that work from anywhere. A program of the application reads them by itself;
    `cat` and `cp` read them for someone.

    First:
    - Replace the credentials, and look up what was done with them: the audit log of the cluster or the cloud.
    - Look at the chain, and at what was sent out after.
    - Take the volume away that shows them to the container.

    False positives: start scripts that copy credentials.
    """
    path = event.path
    name = path[path.rfind("/") + 1 :]
    if name not in CREDENTIAL_NAMES and not name.endswith((".key", ".pem")):
        return None
    if not (is_cloud_credential(path) or is_node_credential(path) or path.endswith(OF_PACKAGES)):
        return None
    if known is not None and known.opened(path):
        return None
    if actor.tool not in READERS and not is_one_of(actor.tool, INTERPRETERS):
        return None
    return f"{actor.tool} opened {path}"


@rule(
    "RL011",
    "Search for keys and passwords",
    score=5,
    needs=("exec",),
    tools=_SEARCH_TOOLS,
    mitre=("TA0006", "T1552.001"),
    falco=("Search Private Keys or Passwords", "Find AWS Credentials"),
    on_nodes=True,
)
def keys_searched(event: Executed, actor: Actor) -> str | None:
    """A tool searched for private keys, passwords or credentials of a cloud.

    What is found opens the next door: other machines, the account of the cloud, the cluster.

    First:
    - Treat every credential that the container can read as found, and replace them.
    - Look at the chain: who started the search.
    - Give the workload no more volumes and rights than it needs.

    False positives: scanners for secrets that run within the container.
    """
    if len(event.arguments) < 2:
        return None
    searched = " ".join(event.arguments[1:])
    return f"a search for credentials: {line_of(event.arguments)}" if _KEYS_BY_NAME.search(searched) else None


@rule(
    "RL027",
    "Private key read",
    score=6,
    needs=("exec", "open"),
    mitre=("TA0006", "T1552.004"),
    falco=("Read ssh information",),
    on_nodes=True,
)
def ssh_keys_read(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    """A private key or a file of SSH was read by a program that is not SSH.

    With a private key an attacker signs in to other machines as its owner, and nothing there looks
    unusual.

    First:
    - Replace the key, and remove its public half wherever it is authorised.
    - Look at the chain, and at what was sent out after.
    - Mount keys for the one container that needs them, as files of mode 0400.

    False positives: tools that work with keys by themselves, such as Git libraries; a complete profile silences them.
    """
    path = event.path
    if "/.ssh/" not in path and "/id_" not in path and "_key" not in path:
        return None
    if not (
        is_private_key(path) or ("/.ssh/" in path and not path.endswith(("known_hosts", ".pub")))
    ) or is_written(event):
        return None
    if actor.tool.startswith(_OF_SSH) or (known is not None and known.opened(path)):
        return None
    return f"{actor.tool} read {path}"


@rule(
    "R0006",
    "Unexpected service account token access",
    score=5,
    needs=("exec", "open"),
    mitre=("TA0006", "T1528"),
)
def token_access(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    """A program read a token of a service account that has no reason to.

    With the token anyone is the workload towards the API server, from anywhere.

    First:
    - Delete the pod, so that its token ends, and look up in the audit log what the account did since.
    - Look at the chain: a shell or `cat` in it is a person or an attacker, no client library.
    - Set `automountServiceAccountToken: false` where the API is not used, and take rights away from the account.

    False positives: start scripts that read the token with `cat`.
    """
    path = event.path
    if not path.endswith("/token") or not is_token(path) or is_written(event):
        return None
    if known is not None:
        if known.opened_like("/token") or actor.has_entered:
            return None
        return f"{actor.tool} read the token {path} for the first time"
    return f"{actor.tool} read the token {path}" if actor.tool in READERS else None


@rule(
    "R0010",
    "Unexpected Sensitive File Access",
    score=5,
    needs=("exec", "open"),
    mitre=("TA0006", "T1005"),
    falco=(
        "Read sensitive file trusted after startup",
        "Read sensitive file untrusted",
        "Directory traversal monitored file read",
    ),
    on_nodes=True,
    see="https://attack.mitre.org/techniques/T1003/008/",
)
def sensitive_file(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    """A program read a file of passwords or rights.

    /etc/shadow and its like hold hashes of passwords, sudoers says who becomes root. Programs that sign people in read them; a shell, an interpreter or a web
    server has no reason to.

    First:
    - Look at the chain: who started the program, from which connection or session.
    - Change the passwords in the file, those of the node first where its root is mounted.
    - Run the container as a user that cannot read the file (`runAsNonRoot`), and take hostPath volumes away.

    False positives: configuration management, and backups within the container.
    """
    path = event.path
    if "/etc/" not in path or not is_sensitive(path) or (known is not None and known.opened(path)):
        return None
    is_of_logins = actor.path.startswith((*BINARY_FOLDERS, "/usr/lib")) and actor.tool in LOGIN_PROGRAMS
    return None if is_of_logins else f"{actor.tool} opened {path}"


@rule(
    "R1010",
    "Soft link created over sensitive file",
    score=5,
    needs=("link",),
    mitre=("TA0006", "T1005"),
    falco=("Create Symlink Over Sensitive Files",),
    on_nodes=True,
)
def soft_link_over_sensitive_file(event: Linked, actor: Actor, known: Baseline | None) -> str | None:
    """A soft link to a file of passwords or rights was made.

    A program with more rights that follows it reads or writes the file for the attacker.

    First:
    - Look where the link lies, and which program with more rights reads that folder.
    - Remove the link, and look at whether the file that it leads to was changed.
    - Set `readOnlyRootFilesystem: true` and take writable hostPath volumes away.

    False positives: packages that are installed within the container.
    """
    if not event.is_symbolic or not is_sensitive(event.target):
        return None
    if known is not None and known.changed(event.path):
        return None
    return f"{actor.tool} made the soft link {event.path} to {event.target}"


@rule(
    "R1012",
    "Hard link created over sensitive file",
    score=5,
    needs=("link",),
    mitre=("TA0006", "T1005"),
    falco=("Create Hardlink Over Sensitive Files",),
    on_nodes=True,
)
def hard_link_over_sensitive_file(event: Linked, actor: Actor, known: Baseline | None) -> str | None:
    """A hard link to a file of passwords or rights was made.

    Under another name the file is read or written where checks look at names alone.

    First:
    - Look where the link lies, and compare the file with its backup.
    - Set `fs.protected_hardlinks=1` on nodes.
    - Set `readOnlyRootFilesystem: true` and take writable hostPath volumes away.

    False positives: backups that are made of hard links, and packages that are installed within the container.
    """
    if event.is_symbolic or not is_sensitive(event.target) or actor.is_known_as(LOGIN_PROGRAMS):
        return None
    if known is not None and known.changed(event.path):
        return None
    return f"{actor.tool} made the hard link {event.path} to {event.target}"
