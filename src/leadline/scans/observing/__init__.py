"""The use case of the node agent: what containers do, from the kernel to redacted events and profiles.

Nothing else imports it: a scan on the command line loads no BPF.
"""
