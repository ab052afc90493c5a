"""API versions that Kubernetes has removed, by kind."""

from leadline.kube.kinds import REMOVED_KINDS, removal_of

__all__ = ["REMOVED_KINDS", "removal_of"]
