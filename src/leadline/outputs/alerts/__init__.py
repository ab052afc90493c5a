"""Where alerts go: one file for each sort of receiver, behind one small protocol.

An alert is a set of labels, which is what it is, with texts about it and the times of its beginning and end. Receivers
send what they are given and nothing more: what has been sent is remembered by the program.
"""
