"""Controls about this part of a cluster."""
