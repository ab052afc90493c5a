"""What enforces NetworkPolicies in the cluster of the tests: the controller of kube-network-policies.

Its own rules of nftables need ``CONFIG_NFT_QUEUE``, which not every kernel has; iptables stands in. It looks at the first
packet of a connection, once an address of a Service has become that of a pod or of kube-apiserver.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from binaries import policies
from service_cluster import ServiceCluster
from whole_cluster import NODE

API_PORT = 8443
"""Of our pods. What the node sends there is judged as well, as if kube-apiserver ran elsewhere."""
QUEUES = "/proc/net/netfilter/nfnetlink_queue"
QUEUE = "100"


@contextmanager
def enforcing(cluster: ServiceCluster) -> Iterator[None]:
    """While it lasts, policies hold between pods, and between them and the rest of the world.

    Not for other ports of the pods that the node asks: kubelets may always probe.
    Raises: ``MissingError`` where there is no agent; ``NotReadyError``, with its log, where it does not start;
    ``RuntimeError`` where the kernel takes none of its rules.
    """
    agent = cluster.run_inside("policies", [str(policies()), "enforce", cluster.admin(), NODE])
    agent.wait_until(lambda: QUEUE in _inside(cluster, "cat", QUEUES).split())
    rules = (
        ("FORWARD",),
        ("INPUT", "--source", cluster.pod_addresses),
        ("OUTPUT", "--destination", cluster.pod_addresses, "--protocol", "tcp", "--dport", str(API_PORT)),
    )
    new = ("--match", "conntrack", "--ctstate", "NEW", "--jump", "NFQUEUE", "--queue-num", QUEUE)
    try:
        for rule in rules:
            _inside(cluster, "iptables", "--wait", "--table", "mangle", "--append", *rule, *new)
        yield
        agent.check_running()
    finally:
        _inside(cluster, "iptables", "--wait", "--table", "mangle", "--flush")
        cluster.end(agent)


def _inside(cluster: ServiceCluster, *command: str) -> str:
    run = subprocess.run([*cluster.inside, *command], check=False, capture_output=True, text=True, timeout=60)
    if run.returncode:
        # A kernel without queues, say.
        raise RuntimeError(f"{' '.join(command)}: {run.stderr.strip()}")
    return run.stdout
