"""What clouds say of their clusters, as their command lines print it."""

PUBLIC_MODULES = ("descriptions",)
