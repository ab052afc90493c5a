"""What the server asks of the cluster that it serves in, and says there."""
