"""Licence texts and names as SPDX expressions."""

PUBLIC_MODULES = ("expressions",)
