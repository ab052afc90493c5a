"""The parts of ``leadline scan``: what is read, by which controls, with which gates, written where."""
