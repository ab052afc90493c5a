"""Engine 1: controls over resources. No input, no output, no clock."""
