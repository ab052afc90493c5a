"""What the exporter is started with."""

from msgspec import Struct

KUBE = "kube"


class Settings(Struct, frozen=True):
    store: str = KUBE
    """``kube``, or the path of a file."""
    kube_context: str = ""
    kubeconfig: str = ""
    host: str = "::"
    port: int = 8080
    max_series: int = 5_000
    zeros: bool = True
    """Whether workloads with nothing wrong have series too, as other exporters have."""
    store_file: str = ""
    """The file of the server of results, to say how large it is; it is not opened."""
    alerts: str = ""
    """File of thresholds and receivers; empty where no alerts are sent."""
    alerts_state: str = ""
    """File in which it is remembered what has been sent."""
