"""A live cluster: connection, listing, and what of its objects is kept."""
