"""Fixed documents: discovery and OpenAPI."""
