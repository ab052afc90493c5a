"""Builds the pinned Kubernetes, and what enforces its policies, into the kept folders: ``python tests/cluster/build.py``."""

import sys

from binaries import SERVICES, WHOLE, MissingError, build, kept_folder, policies, reflector

if __name__ == "__main__":
    try:
        build((*WHOLE, *SERVICES))
        reflector()
        policies()
    except MissingError as error:
        sys.exit(str(error))
    print(kept_folder())
