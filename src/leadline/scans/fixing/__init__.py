"""Edits that findings ask for, made in a copy of the files, proven by another scan, and written back.

``fix_scan`` leads through it: ``wanted_edits`` says what is asked for, ``spots`` where that is in files, and
``working_copy`` holds the files.
"""
