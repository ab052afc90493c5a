"""Answers about access as text, JSON, CSV and pictures."""

PUBLIC_MODULES = ("answer_text",)
