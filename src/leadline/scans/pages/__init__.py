"""What pages say, as data: one function for each page, from which its HTML, its JSON and its CSV are made.

A page is a list of sections (``page.py``), made of what is known now (``world.py``). Nothing here knows HTML or HTTP.
"""
