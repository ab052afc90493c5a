"""Texts of a redacted report with their names back."""

import json
from html import escape

from leadline.outputs.pseudonyms.names import PSEUDONYM, Names

_MARKUP = (b"<!doctype", b"<?xml", b"<html")


def revealed(content: str, names: Names) -> str:
    """``content`` with the text for each pseudonym that ``names`` knows, escaped as the file's own form asks for."""
    head = content.lstrip()[:16].lower().encode("utf-8", "replace")
    is_json, is_markup = head[:1] in (b"{", b"["), head.startswith(_MARKUP)

    def text(pseudonym: str) -> str:
        found = names.texts.get(pseudonym)
        if found is None:
            return pseudonym
        if is_json:
            return json.dumps(found, ensure_ascii=False)[1:-1]
        return escape(found) if is_markup else found

    return PSEUDONYM.sub(lambda found: text(found[0]), content)
