"""A folder that is judged again at each change of a text in an editor. Knows no protocol.

What an editor shows counts before what is on disk. The verdicts are those of ``leadline scan`` of the folder, kept current by
the engine that follows files and clusters.
"""
