"""A live cluster: connection, listing, and what of its objects is kept."""

PUBLIC_MODULES = (
    "connection",
    "discovery",
    "kubeconfig",
    "listing",
    "rbac",
    "reader",
    "sign_in",
    "trim",
    "watch",
)
