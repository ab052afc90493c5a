"""What the server is started with: from flags; a pod's own place in the cluster is the default."""

from pathlib import Path

from msgspec import Struct

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
IN_CLUSTER = "https://kubernetes.default.svc"


class Settings(Struct, frozen=True):
    database: str
    """The path of a file; or an address that begins with ``postgresql://``."""
    certificate: Path
    key: Path
    host: str = "::"
    port: int = 8443
    kube: str = IN_CLUSTER
    kube_ca: Path = ACCOUNT / "ca.crt"
    token_file: Path = ACCOUNT / "token"
    history: int = 10_000
    """Revisions that watches can start from."""
