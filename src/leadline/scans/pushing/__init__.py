"""What a provider knows, as other products take it. Held against their documented fields; not tried against the products."""
