"""Flags of etcd."""

from leadline.posture.control import Etcd, Violations
from leadline.posture.control_families import flag_control


@flag_control(
    "C-0153",
    "Ensure that the --cert-file and --key-file arguments are set as appropriate",
    problem="etcd without TLS",
    consequence="secrets",
    score=9.0,
    reference_score=8.0,
    command="etcd --client-cert-auth=true",
    see="https://etcd.io/docs/v3.6/op-guide/security/",
)
def etcd_without_tls(etcd: Etcd) -> Violations:
    """etcd has no certificate for its clients, so what the cluster stores crosses the network in the open.

    Every secret passes between etcd and the API server. Neither flag has a default, nor have the
    environment variables that etcd takes in their place.

    Fix: sign a certificate for each member and name its files with ``--cert-file`` and ``--key-file``.

    Cannot see: settings in the file of ``--config-file``, beside which etcd ignores its flags; that file is
    given to a person to look at.
    """
    if etcd.settings_file:
        yield etcd.review(etcd.settings_file)
    else:
        yield from etcd.missing(
            ("cert-file", "<path/to/tls-certificate-file.crt>"), ("key-file", "<path/to/tls-key-file.key>")
        )


@flag_control(
    "C-0154",
    "Ensure that the --client-cert-auth argument is set to true",
    problem="etcd accepts clients unverified",
    consequence="cluster takeover",
    score=9.0,
    reference_score=8.0,
    command="etcd --client-cert-auth=false",
    see="https://etcd.io/docs/v3.6/op-guide/security/",
)
def etcd_clients_unverified(etcd: Etcd) -> Violations:
    """etcd serves every caller, with a certificate or without.

    etcd knows nothing of RBAC: anyone who may connect reads and writes all objects. Asking for a
    certificate is off where ``--client-cert-auth`` is not given.

    Fix: write ``--client-cert-auth=true``, and name the CA with ``--trusted-ca-file``.

    Cannot see: settings in the file of ``--config-file``, beside which etcd ignores its flags; that file is
    given to a person to look at.
    """
    if etcd.settings_file:
        yield etcd.review(etcd.settings_file)
    elif not etcd.is_true("client-cert-auth", default=False):
        yield etcd.set_to("client-cert-auth", "true")


@flag_control(
    "C-0155",
    "Ensure that the --auto-tls argument is not set to true",
    problem="etcd signs its own certificate",
    consequence="secrets",
    score=5.0,
    reference_score=6.0,
    command="etcd --auto-tls=true",
    see="https://etcd.io/docs/v3.6/op-guide/security/",
)
def etcd_self_signed(etcd: Etcd) -> Violations:
    """etcd makes its own certificate at start, which its clients cannot check.

    ``--auto-tls`` encrypts, but anyone can pose as etcd. It is off by default and meant for trying things
    out.

    Fix: take ``--auto-tls`` out and give etcd a certificate with ``--cert-file`` and ``--key-file``.

    Cannot see: settings in the file of ``--config-file``, beside which etcd ignores its flags; that file is
    given to a person to look at.
    """
    if etcd.settings_file:
        yield etcd.review(etcd.settings_file)
    elif etcd.is_true("auto-tls", default=False):
        yield etcd.set_to("auto-tls", "false")


@flag_control(
    "C-0156",
    "Ensure that the --peer-cert-file and --peer-key-file arguments are set as appropriate",
    problem="etcd peers without TLS",
    consequence="secrets",
    score=7.0,
    command="etcd --peer-client-cert-auth=true",
    see="https://etcd.io/docs/v3.6/op-guide/security/",
)
def etcd_peers_without_tls(etcd: Etcd) -> Violations:
    """The members of etcd exchange everything the cluster stores without encryption.

    Each write travels to all members. The two flags have no default; a cluster of a single member has no
    peers, but opens the port all the same.

    Fix: sign a peer certificate for each member and name its files with ``--peer-cert-file`` and
    ``--peer-key-file``.

    Cannot see: settings in the file of ``--config-file``, beside which etcd ignores its flags; that file is
    given to a person to look at.
    """
    if etcd.settings_file:
        yield etcd.review(etcd.settings_file)
    else:
        yield from etcd.missing(
            ("peer-cert-file", "<path/to/tls-certificate-file.crt>"),
            ("peer-key-file", "<path/to/tls-key-file.key>"),
        )


@flag_control(
    "C-0157",
    "Ensure that the --peer-client-cert-auth argument is set to true",
    problem="etcd accepts peers unverified",
    consequence="cluster takeover",
    score=8.0,
    reference_score=7.0,
    command="etcd --peer-client-cert-auth=false",
    see="https://etcd.io/docs/v3.6/op-guide/security/",
)
def etcd_peers_unverified(etcd: Etcd) -> Violations:
    """Any machine may join the talk among the members of etcd.

    A false member receives all data and can change it. Peers are asked for a certificate only where
    ``--peer-client-cert-auth`` is set; by default they are not.

    Fix: write ``--peer-client-cert-auth=true``, and name the CA with ``--peer-trusted-ca-file``.

    Cannot see: settings in the file of ``--config-file``, beside which etcd ignores its flags; that file is
    given to a person to look at.
    """
    if etcd.settings_file:
        yield etcd.review(etcd.settings_file)
    elif not etcd.is_true("peer-client-cert-auth", default=False):
        yield etcd.set_to("peer-client-cert-auth", "true")


@flag_control(
    "C-0158",
    "Ensure that the --peer-auto-tls argument is not set to true",
    problem="etcd peers sign their own certificates",
    consequence="secrets",
    score=5.0,
    reference_score=6.0,
    command="etcd --peer-auto-tls=true",
    see="https://etcd.io/docs/v3.6/op-guide/security/",
)
def etcd_peers_self_signed(etcd: Etcd) -> Violations:
    """Members of etcd trust certificates that each made for itself.

    With ``--peer-auto-tls`` no member can prove to another that it belongs to the cluster. The flag is off
    by default.

    Fix: take ``--peer-auto-tls`` out and sign peer certificates with one CA.

    Cannot see: settings in the file of ``--config-file``, beside which etcd ignores its flags; that file is
    given to a person to look at.
    """
    if etcd.settings_file:
        yield etcd.review(etcd.settings_file)
    elif etcd.is_true("peer-auto-tls", default=False):
        yield etcd.set_to("peer-auto-tls", "false")
