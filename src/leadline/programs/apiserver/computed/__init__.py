"""Objects that the server makes from others, or completes."""
