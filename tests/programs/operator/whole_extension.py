"""A Kubernetes of one node whose pods really run, with our server of results in it."""

from extension import Extension
from whole_cluster import WholeCluster


class WholeExtension(Extension, WholeCluster):
    def _start_controllers(self) -> None:
        """The node's control plane has its own."""
