"""What rules ask of programs, paths and addresses: lists of names, each in one place, and how they are compared."""

import ipaddress
from functools import lru_cache

from leadline.model.event import Opened

SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "csh", "tcsh", "fish", "busybox sh"})
INTERPRETERS = ("python", "perl", "ruby", "php", "node", "lua", "tclsh", "awk", "gawk", "mawk")
DOWNLOADERS = frozenset({"curl", "wget", "fetch", "aria2c", "axel", "lwp-download", "ftp", "tftp", "lftp"})
COPIERS = frozenset({"scp", "sftp", "rsync", "rcp", "ftp", "tftp", "lftp", "croc", "rclone"})
NETCATS = frozenset({"nc", "ncat", "netcat", "nc.openbsd", "nc.traditional", "socat"})
NETWORK_TOOLS = NETCATS | {
    "nmap", "masscan", "zmap", "tcpdump", "tshark", "ngrep", "dsniff", "ettercap", "arpspoof", "hping3", "telnet",
    "proxychains", "proxychains4", "chisel", "frpc", "gost", "iodine", "dnscat", "dnscat2", "ptunnel", "nuclei", "ffuf",
    "gobuster", "hydra", "sqlmap", "kube-hunter", "peirates", "cdk", "deepce", "amicontained", "responder", "bettercap",
}  # fmt: skip
PACKAGE_MANAGERS = frozenset(
    {
        "apt", "apt-get", "aptitude", "dpkg", "apk", "yum", "dnf", "microdnf", "rpm", "zypper", "pacman", "snap", "opkg",
        "pip", "pip3", "conda", "gem", "npm", "yarn", "pnpm",
    }
)  # fmt: skip
BUILD_TOOLS = frozenset(
    {"npm", "yarn", "pnpm", "npx", "pip", "pip3", "gem", "composer", "bundle", "poetry", "uv"}
)
"""Those that run scripts of the packages that they install."""
READERS = frozenset(
    {
        "cat", "head", "tail", "less", "more", "cp", "mv", "dd", "base64", "base32", "xxd", "od", "hexdump", "strings", "grep",
        "egrep", "fgrep", "rg", "sed", "awk", "gawk", "mawk", "cut", "sort", "tee", "tar", "zip", "gzip", "nl", "tac", "rev",
        "vi", "vim", "nano", "diff", "jq", "openssl", "scp", "rsync", "find", "xargs", "install", "cpio", "ln",
    }
) | SHELLS | DOWNLOADERS | NETCATS  # fmt: skip
"""Tools for any file: a program that owns a credential seldom reads it with one of them."""
ACCOUNT_TOOLS = frozenset(
    {
        "useradd", "usermod", "userdel", "groupadd", "groupmod", "groupdel", "adduser", "addgroup", "deluser", "delgroup",
        "chpasswd", "chgpasswd", "passwd", "chage", "chsh", "chfn", "vipw", "vigr", "gpasswd", "newusers", "pwconv", "grpconv",
        "pwunconv", "grpunconv", "shadowconfig",
    }
)  # fmt: skip
LOGIN_PROGRAMS = ACCOUNT_TOOLS | {
    "sshd", "login", "su", "sudo", "cron", "crond", "unix_chkpwd", "systemd", "systemd-sysusers", "systemd-userdbd", "doas",
    "dovecot", "vsftpd", "proftpd", "dpkg", "dpkg-statoverride", "rpm", "apk", "polkitd", "accounts-daemon", "nscd", "sssd",
    "newgrp", "atd", "lightdm", "gdm", "samba", "smbd", "pwck", "grpck", "sshd-session",
}  # fmt: skip
SERVERS = ("nginx", "apache2", "httpd", "php-fpm", "lighttpd", "caddy", "traefik", "haproxy", "envoy", "tomcat", "catalina", "unit", "frankenphp", "uwsgi", "gunicorn")  # fmt: skip
DATABASES = ("mysqld", "mariadbd", "postgres", "mongod", "redis-server", "valkey-server", "sqlservr", "clickhouse", "cassandra", "elasticsearch", "memcached", "oracle")  # fmt: skip
CLUSTER_TOOLS = frozenset(
    {"kubectl", "oc", "helm", "k9s", "kubeadm", "kubelogin", "kustomize", "argocd", "flux"}
)
RUNTIME_TOOLS = frozenset(
    {"docker", "podman", "ctr", "crictl", "nerdctl", "runc", "crun", "containerd", "buildah", "skopeo"}
)
RUNTIME_SOCKETS = (
    "docker.sock",
    "containerd.sock",
    "crio.sock",
    "podman.sock",
    "cri-dockerd.sock",
    "dockershim.sock",
)
MINERS = frozenset(
    {
        "xmrig", "xmr-stak", "minerd", "cpuminer", "ethminer", "cgminer", "bfgminer", "nbminer", "t-rex", "lolminer", "phoenixminer",
        "gminer", "teamredminer", "srbminer-multi", "nanominer", "xmrig-notls", "kdevtmpfsi", "kinsing", "cpuminer-multi", "wildrig",
        "claymore", "ccminer", "sgminer", "xmrigdaemon", "minergate", "verusminer", "ccminer-verus",
    }
)  # fmt: skip
POOLS = (
    "supportxmr.com", "nanopool.org", "minexmr.com", "moneroocean.stream", "hashvault.pro", "monerohash.com", "xmrpool.eu",
    "2miners.com", "f2pool.com", "ethermine.org", "flypool.org", "herominers.com", "nicehash.com", "minergate.com", "monero.us",
    "xmr.pt", "dwarfpool.com", "c3pool.com", "c3pool.org", "unmineable.com", "prohashing.com", "antpool.com", "slushpool.com",
    "braiins.com", "viabtc.com", "poolin.com", "miningpoolhub.com", "zpool.ca", "zergpool.com", "luckpool.net", "kryptex.network",
    "p2pool.io", "xmrvsbeast.com", "rplant.xyz", "woolypooly.com", "sparkpool.com", "ezil.me", "crypto-pool.fr", "monerop.com",
    "ppxxmr.com", "usxmrpool.com", "xmrfast.com", "mining-help.com", "hiveon.net", "hashcity.org", "cruxpool.com", "k1pool.com",
    "aeon-pool.com", "cryptonight.net", "graft.hashvault.pro", "mine.moneropool.com", "minercircle.com", "bohemianpool.com",
    "semipool.com", "pool.ntpmining.com", "solopool.org", "whalesburg.com", "ravenminer.com", "mining-dutch.nl", "nicehash.eu",
    "skypool.org", "sumokoin.hashvault.pro", "gntl.co.uk", "fairpool.xyz", "pool.xmr.pt", "coinotron.com", "suprnova.cc",
)  # fmt: skip
"""Domains of mining pools, as they name themselves; what is below one counts."""
POOL_PORTS = frozenset({3333, 3334, 4444, 5555, 7777, 9999, 14433, 14444, 45560, 45700})
SURE_POOL_PORTS = frozenset({3333, 14444, 45700})
METADATA_ADDRESSES = frozenset(
    {
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "fd00:ec2::254",
        "100.100.100.200",
        "168.63.129.16",
    }
)
METADATA_NAMES = frozenset({"metadata.google.internal", "instance-data", "instance-data.ec2.internal"})
SHARED_LIBRARY_HOOKS = ("LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "GLIBC_TUNABLES")
SHELL_HISTORIES = (".bash_history", ".zsh_history", ".ash_history", ".sh_history", ".history", "fish_history", ".python_history", ".mysql_history", ".psql_history")  # fmt: skip
SHELL_SETTINGS = (".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".profile", ".zshrc", ".zprofile", ".zshenv", ".zlogin", ".cshrc", ".tcshrc", ".login", ".inputrc", "/etc/profile", "/etc/bash.bashrc", "/etc/bashrc", "/etc/environment")  # fmt: skip
BINARY_FOLDERS = ("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/")
SENSITIVE_FILES = ("/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/shadow-", "/etc/gshadow-", "/etc/pam.conf", "/etc/security/pwquality.conf", "/etc/master.passwd")  # fmt: skip
_SENSITIVE_FOLDERS = ("/etc/sudoers.d/", "/etc/pam.d/")
_PRIVATE_KEYS = ("/id_rsa", "/id_dsa", "/id_ecdsa", "/id_ed25519")
_CLOUD_CREDENTIALS = ("/.aws/credentials", "/.aws/config", "/.azure/accessTokens.json", "/.azure/msal_token_cache.json", "/.config/gcloud/credentials.db", "/.config/gcloud/application_default_credentials.json", "/.boto", "/.s3cfg")  # fmt: skip
_NODE_CREDENTIALS = ("/etc/kubernetes/admin.conf", "/etc/kubernetes/super-admin.conf", "/etc/kubernetes/kubelet.conf", "/var/lib/kubelet/kubeconfig", "/.kube/config", "/etc/kubernetes/controller-manager.conf", "/etc/kubernetes/scheduler.conf")  # fmt: skip

OF_PACKAGES = (
    "/.npmrc",
    "/.pypirc",
    "/.netrc",
    "/.git-credentials",
    "/.docker/config.json",
    "/.gem/credentials",
    "/.cargo/credentials.toml",
    "/.m2/settings.xml",
    "/.config/gh/hosts.yml",
    "/.vault-token",
    "/.pgpass",
    "/.my.cnf",
)
"""Credentials for registries and repositories."""
CREDENTIAL_NAMES = frozenset(
    path.rpartition("/")[2] for path in (*_CLOUD_CREDENTIALS, *_NODE_CREDENTIALS, *OF_PACKAGES)
)
"""What such files are called: most files are not called so, which is quickly seen."""


def is_written(event: Opened) -> bool:
    """Whether it was opened to be written, created or emptied: O_WRONLY, O_RDWR, O_CREAT, O_TRUNC."""
    return bool(event.open_flags & 0o1103)


def is_one_of(tool: str, names: tuple[str, ...]) -> bool:
    """Whether it is called so, with a version behind it or not: ``python3.11``, ``php-fpm8.2``."""
    return tool.startswith(names) and tool.rstrip("0123456789.-") in names


def is_shell(tool: str) -> bool:
    return tool in SHELLS


def is_sensitive(path: str) -> bool:
    """Files of passwords and rights, also those of the node where its root is mounted somewhere."""
    return path.endswith(SENSITIVE_FILES) or any(folder in path for folder in _SENSITIVE_FOLDERS)


def is_private_key(path: str) -> bool:
    return path.endswith(_PRIVATE_KEYS) or ("/etc/ssh/ssh_host_" in path and path.endswith("_key"))


def is_cloud_credential(path: str) -> bool:
    return path.endswith(_CLOUD_CREDENTIALS)


def is_node_credential(path: str) -> bool:
    """Credentials of the control plane, the kubelet or a person for a cluster."""
    return (
        path.endswith(_NODE_CREDENTIALS)
        or (path.endswith(".key") and ("/etc/kubernetes/pki/" in path or "/var/lib/kubelet/pki/" in path))
        or path.endswith("/var/lib/kubelet/pki/kubelet-client-current.pem")
    )


def is_token(path: str) -> bool:
    """A token of a service account, of Kubernetes or of a cloud."""
    return path.endswith("/token") and (
        "/serviceaccount/" in path or "/azure-identity/" in path or "/kubernetes.io~projected/" in path
    )


@lru_cache(maxsize=4096)
def is_public(address: str) -> bool:
    """Whether an address is of the internet."""
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


@lru_cache(maxsize=4096)
def pool_of(name: str) -> str:
    """The mining pool that a DNS name belongs to; empty for none."""
    name = name.rstrip(".").lower()
    return next((pool for pool in POOLS if name == pool or name.endswith(f".{pool}")), "")


def line_of(arguments: tuple[str, ...], most: int = 200) -> str:
    """A command for a message."""
    text = " ".join(arguments)
    return text if len(text) <= most else f"{text[: most - 1]}…"
