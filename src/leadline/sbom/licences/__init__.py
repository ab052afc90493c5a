"""Licence texts and names as SPDX expressions."""
