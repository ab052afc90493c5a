"""Label selectors, compiled."""
