"""Builds the pinned Kubernetes into the kept folder: ``python tests/cluster/build.py``."""

import sys

from binaries import SERVICES, WHOLE, MissingError, build, kept_folder, reflector

if __name__ == "__main__":
    try:
        build((*WHOLE, *SERVICES))
        reflector()
    except MissingError as error:
        sys.exit(str(error))
    print(kept_folder())
