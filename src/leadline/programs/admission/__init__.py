"""``leadline admission``: judges what is about to be written to a cluster, and warns or denies.

``reviewer`` decides and is pure: a review and what is accepted in, an answer out. ``wire`` reads reviews and writes
answers, ``lines`` has the words, ``rules`` says what the API server asks about. ``app`` serves, ``known_waivers`` follows
what the cluster accepts, ``registration`` has the API server trust us, ``main`` puts all together.
"""
