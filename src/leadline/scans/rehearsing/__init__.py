"""Use cases over recorded profiles: what policies would have blocked, and what a workload could be held to."""
