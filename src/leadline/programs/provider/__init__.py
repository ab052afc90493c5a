"""Receives results from many clusters, pipelines and repositories, and keeps what they said before out of their reach."""
