"""What a server in a cluster asks of it: who someone is, what they may do, and to be reached through it."""
