"""How Kubernetes reads its own objects: pure functions over parsed bodies."""
