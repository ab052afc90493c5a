"""Why something is as it is, in sentences that follow from evidence: one function for each thing that is explained.

The same sentences are in the command line, in pages and in answers to assistants. A sentence ends with a full stop and may
quote names of what was scanned: who shows it makes it plain first.
"""
