"""Use cases that set accepted findings apart."""
