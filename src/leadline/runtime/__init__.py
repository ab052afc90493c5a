"""Engine 3: what containers do, from their events. Pure: no input, no output, no clock."""
