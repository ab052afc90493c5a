"""What a container could be held to, by what it did. Only from complete profiles: what was not seen may be needed."""
