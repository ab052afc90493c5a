"""What renders to manifests: charts and kustomizations, always in a child process with limits."""
