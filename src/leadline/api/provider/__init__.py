"""What a provider outside of the clusters and its senders say to each other, and how each proves it."""
