"""What the agent is started with."""

from msgspec import Struct


class Settings(Struct, frozen=True):
    json: bool = False
    """Every event as a line on standard output."""
    alerts: bool = True
    """Judge by rules, and print alerts as lines on standard output."""
    rule: tuple[str, ...] = ()
    """Rules that are off by themselves."""
    without_rule: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    """Files of rules of one's own."""
    waivers: tuple[str, ...] = ()
    """Files of waivers, by which alerts are accepted too."""
    profiles: str = ""
    """File of the profiles: those in it are continued, and it is written once a minute and at the end."""
    every: bool = False
    """Everything, not only what a container does for the first time."""
    processes: bool = False
    host: bool = False
    others: bool = False
    seconds: float = 0.0
    """0: until it is asked to end."""
    environment: tuple[str, ...] = ()
    ring_bytes: int = 8 << 20
    file_budget: int = 400
    cri: str = "auto"
    """Socket of the container runtime, ``auto`` for the usual places, ``none``."""
    node: str = ""
    """Name of this node in a cluster; empty outside of one."""
    store: str = ""
    """``kube``: profiles go to the store of the cluster; empty: to none."""
    learning_hours: float = 24.0
    port: int = 0
    """For metrics and probes; 0 for none."""
