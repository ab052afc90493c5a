"""YAML as Kubernetes reads it: parsing, marks in the source, edits that keep everything else."""
