"""API versions that Kubernetes has removed, by kind."""
