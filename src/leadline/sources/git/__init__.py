"""Git repositories: addresses, and checkouts that are thrown away."""
