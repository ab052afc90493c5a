"""Recorded behaviour against policies that were not there when it was recorded. What is not certain is ``unknown``."""
