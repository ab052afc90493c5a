"""The use cases: targets and options in, a report out. Every program calls these, and so does the library.

Nothing here prints, exits, reads the environment or touches process-wide state; what a scan has to say while it
runs goes to the callbacks in its options. Scans may run in several threads at once.
"""
