"""What a pod is given of the cluster that it runs in."""

import os
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def own_namespace(account: Path = ACCOUNT) -> str:
    """The namespace that the account of this pod is in; empty outside of a cluster."""
    try:
        return (account / "namespace").read_text("utf-8").strip()
    except OSError:
        return ""


def kube_address() -> str:
    """The address of kube-apiserver that every pod has in its environment, and that needs no DNS."""
    host, port = (os.environ.get(f"KUBERNETES_SERVICE_{part}", "") for part in ("HOST", "PORT"))
    if not host:
        return "https://kubernetes.default.svc"
    return f"https://{f'[{host}]' if ':' in host else host}:{port or 443}"
