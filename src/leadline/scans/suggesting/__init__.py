"""What a workload could be held to, as a stored object: made from its record, shown, and followed until it is verified."""
