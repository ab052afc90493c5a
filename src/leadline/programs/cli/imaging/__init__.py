"""The parts of ``leadline image``: where an image is looked for, how it is catalogued, what is written."""
