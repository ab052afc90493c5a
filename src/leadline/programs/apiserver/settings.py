"""What the server is started with: from flags; a pod's own place in the cluster is the default."""

from pathlib import Path

from msgspec import Struct

from leadline.programs.serving.pod import ACCOUNT


class Settings(Struct, frozen=True):
    database: str
    """The path of a file; or an address that begins with ``postgresql://``."""
    certificate: Path | None = None
    key: Path | None = None
    own_certificate_for: str = ""
    """The name of our Service, ``leadline.security.svc``, in place of the two files."""
    register: str = ""
    """The ClusterRole by which we create our APIServices and with which they are deleted; empty where another creates them."""
    certificate_life_s: float = 90 * 86_400.0
    """Of the certificate that we make."""
    host: str = "::"
    port: int = 8443
    metrics_port: int = 0
    """Of /metrics, in plain HTTP; 0 for none."""
    kube: str = ""
    """Empty: the cluster that we run in."""
    kube_ca: Path = ACCOUNT / "ca.crt"
    token_file: Path = ACCOUNT / "token"
    history: int = 10_000
    """Revisions that watches can start from."""
