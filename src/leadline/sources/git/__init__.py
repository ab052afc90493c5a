"""Git repositories: addresses, and checkouts that are thrown away."""

PUBLIC_MODULES = ("address", "checkout", "revision")
