"""The vulnerability database of the Grype project (schema 6), read as facts of feeds and never matched with directly."""
