"""Whether network policies keep a workload from the metadata service of the machine it runs on."""

from leadline.kube.reachability import End, Port, Side, connection_between
from leadline.posture.inventory import Inventory
from leadline.posture.reach import end_of
from leadline.posture.subject import Workload

_SERVICE = End(address="169.254.169.254")
_PORT = Port(80)


def metadata_connection(workload: Workload, inventory: Inventory) -> Side:
    """What the policies that select the pods say of a connection to port 80 of 169.254.169.254."""
    selecting = tuple(inventory.policies_of(workload))
    return connection_between((selecting, ()), end_of(workload, inventory), _SERVICE, _PORT).egress
