"""``leadline apiserver``: stored results as objects of the Kubernetes API, behind the cluster's aggregation layer."""
