"""Objects as clients write and read them, and who owns their fields."""
