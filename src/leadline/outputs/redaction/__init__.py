"""Keeps secrets out of everything that leaves: places are named, values never.

``shapes`` hides what is recognised by its form or by the name before it, ``values`` what was found to be a secret
anywhere in the run, ``bodies`` and ``lines`` what is where values are kept, ``report`` all of these in a report, ``sbom`` in what an image says of itself.
What counts as a credential is defined once, by those who look for them: ``posture.checks.credentials``,
``posture.checks.token_shapes`` and ``sbom.secrets.patterns``.
"""
