"""``leadline lsp``: the verdicts of a scan in an editor, over the Language Server Protocol. What it says is worked out in
``scans/workspace``; here are the words of the protocol alone.

https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/
"""
