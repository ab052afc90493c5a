"""Use cases over stored results: writing, following and reading them."""
