"""Where results are kept: five verbs over the objects of the served kinds, and four carriers of them.

``memory`` for tests and one-off runs, ``local`` for one server, ``postgres`` for several, ``remote`` for every program
that reaches the results over the Kubernetes API.
"""

PUBLIC_MODULES = (
    "image_results",
    "local",
    "local_care",
    "local_reader",
    "postgres",
    "posture_reading",
    "posture_results",
    "protocol",
    "remote",
    "selection",
    "token",
)
