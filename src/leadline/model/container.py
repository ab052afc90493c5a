"""Who a container is: its id from the kernel, its names from the container runtime and the cluster."""

from msgspec import Struct


class Container(Struct, frozen=True, rename="camel", omit_defaults=True):
    """``id`` is what its control group is called; everything else may be unknown."""

    id: str
    name: str = ""
    image: str = ""
    image_id: str = ""
    pod: str = ""
    pod_uid: str = ""
    namespace: str = ""
    workload_kind: str = ""
    workload: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    """Of its pod."""
    mounts: tuple[str, ...] = ()
    """Folders in it that are volumes; those of the pod's specification alone."""
    is_host: bool = False
    """The node itself, where that is watched too."""
    revision: str = ""
    """Of its workload: the hash of the template by its controller, else of what the containers of the pod run."""


HOST = Container("host", name="host", is_host=True)
