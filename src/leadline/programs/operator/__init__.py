"""``leadline operator``: keeps the stored results of a cluster current, one replica at a time.

``main`` starts it, ``settings`` is what it is started with, ``lease`` says who leads and ``renewal`` keeps it so,
``watch`` follows the cluster once for all halves, ``continuous`` keeps posture results current, ``runs`` takes orders and ``schedule`` gives them.
"""
