"""Flags of the API server that choose its admission plugins and features."""

from leadline.posture.control import YOUR_VALUE, ApiServer, Review, Violations
from leadline.posture.control_families import flag_control

OLD_PLUGINS = frozenset({"SecurityContextDeny", "PodSecurityPolicy"})


@flag_control(
    "L-0095",
    "API server has a configuration of Pod Security admission",
    problem="No defaults for Pod Security",
    score=2.0,
    command="kube-apiserver --profiling=false",
)
def admission_without_configuration(api_server: ApiServer) -> Violations:
    """The API server has no configuration of admission plugins.

    Namespaces without labels then allow every pod: Pod Security has no default for them.

    Fix: write ``--admission-control-config-file`` with defaults for PodSecurity.

    Cannot see: what the file says; policies of other kinds.
    """
    yield from api_server.missing(("admission-control-config-file", YOUR_VALUE))


@flag_control(
    "L-0092",
    "Alpha APIs are off",
    problem="Alpha features are on",
    score=4.0,
    command="kube-apiserver --feature-gates=AllAlpha=true",
)
def alpha_features(api_server: ApiServer) -> Violations:
    """The API server has every alpha feature enabled.

    Alpha features change without notice, and their weaknesses are found late.

    Fix: remove ``AllAlpha=true``, and enable single features where you need them.

    Cannot see: single alpha features.
    """
    for flag in api_server.every("feature-gates"):
        if "allalpha=true" in (item.lower() for item in flag.items):
            kept = [item for item in flag.items if item.lower() != "allalpha=true"]
            yield api_server.change(flag, ",".join(kept) or "AllAlpha=false")


@flag_control(
    "C-0122",
    "Ensure that the admission control plugin AlwaysAdmit is not set",
    problem="Admission lets everything pass",
    consequence="cluster takeover",
    score=8.0,
    command="kube-apiserver --enable-admission-plugins=AlwaysAdmit",
    see="https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#alwaysadmit",
)
def always_admit(api_server: ApiServer) -> Violations:
    """The plugin AlwaysAdmit is on: it lets every object in and looks at none.

    It stems from the time before admission had defaults and is deprecated because it has no use. Where it
    was written on purpose, other plugins are usually switched off beside it.

    Fix: take ``AlwaysAdmit`` out of ``--enable-admission-plugins``; it is not on by default.

    Cannot see: what ``--disable-admission-plugins`` takes away as well, apart from what other controls ask
    for.
    """
    yield from api_server.without_items("enable-admission-plugins", ("AlwaysAdmit",))


@flag_control(
    "C-0283",
    "Ensure that the API Server --DenyServiceExternalIPs is set",
    problem="External IPs of Services allowed",
    consequence="reachable from outside",
    score=4.0,
    command="kube-apiserver --enable-admission-plugins=PodNodeSelector",
    see="https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#denyserviceexternalips",
)
def external_ips_allowed(api_server: ApiServer) -> Violations:
    """Anyone who may create a Service can draw traffic for an address of their choice to their own pods.

    The field ``externalIPs`` of a Service is believed without a check (CVE-2020-8554), so a tenant can
    listen in on another's connections. The plugin DenyServiceExternalIPs forbids new uses of the field. It
    is off by default.

    Fix: add ``DenyServiceExternalIPs`` to ``--enable-admission-plugins``, after replacing such Services by
    load balancers.

    Cannot see: admission policies that allow only certain addresses.
    """
    if "DenyServiceExternalIPs" not in api_server.items("enable-admission-plugins"):
        yield api_server.with_item("enable-admission-plugins", "DenyServiceExternalIPs")


@flag_control(
    "C-0123",
    "Ensure that the admission control plugin AlwaysPullImages is set",
    problem="Images not pulled at every start",
    consequence="secrets",
    score=3.0,
    reference_score=4.0,
    command="kube-apiserver --enable-admission-plugins=PodNodeSelector",
    see="https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#alwayspullimages",
)
def images_not_always_pulled(api_server: ApiServer) -> Violations:
    """A pod may use a private image that another pod left on the node, without a password for it.

    With AlwaysPullImages the registry is asked before each start, so the pod's own credentials have to be
    good. The plugin is off by default; it makes the registry a condition for every start.

    Fix: add ``AlwaysPullImages`` to ``--enable-admission-plugins``, and see that the registry is always up.

    Cannot see: the kubelet's own check of credentials for images that are present, which newer releases
    have.
    """
    if "AlwaysPullImages" not in api_server.items("enable-admission-plugins"):
        yield api_server.with_item("enable-admission-plugins", "AlwaysPullImages")


@flag_control(
    "C-0126",
    "Ensure that the admission control plugin NamespaceLifecycle is set",
    problem="NamespaceLifecycle admission is off",
    consequence="availability",
    score=4.0,
    reference_score=3.0,
    command="kube-apiserver --disable-admission-plugins=NamespaceLifecycle",
    see="https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#namespacelifecycle",
)
def namespace_lifecycle_off(api_server: ApiServer) -> Violations:
    """Objects can be made in namespaces that do not exist or are being deleted, where no one looks.

    The plugin NamespaceLifecycle forbids this, and protects ``default``, ``kube-system`` and
    ``kube-public`` from deletion. It is on by default; here it was switched off.

    Fix: take ``NamespaceLifecycle`` out of ``--disable-admission-plugins``.

    Cannot see: objects that were left behind while it was off.
    """
    yield from api_server.without_items("disable-admission-plugins", ("NamespaceLifecycle",))


@flag_control(
    "C-0121",
    "Ensure that the admission control plugin EventRateLimit is set",
    problem="No event rate limit",
    consequence="availability",
    score=2.0,
    reference_score=4.0,
    command="kube-apiserver --enable-admission-plugins=PodNodeSelector",
    see="https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#eventratelimit",
)
def no_event_rate_limit(api_server: ApiServer) -> Violations:
    """A program that writes events in a loop can fill etcd and slow the API server down.

    The plugin EventRateLimit bounds how many events a namespace, user or source may write. It is off by
    default, and does nothing without limits of your choice.

    Fix: write the limits into a file for ``--admission-control-config-file``, then add the plugin to
    ``--enable-admission-plugins``.

    Cannot see: the limits in the file; API priority and fairness, which slows such a program as well.
    """
    if "EventRateLimit" not in api_server.items("enable-admission-plugins"):
        yield api_server.with_item("enable-admission-plugins", "EventRateLimit")


@flag_control(
    "C-0127",
    "Ensure that the admission control plugin NodeRestriction is set",
    problem="NodeRestriction admission is off",
    consequence="cluster takeover",
    score=7.0,
    reference_score=4.0,
    command="kube-apiserver --enable-admission-plugins=PodNodeSelector",
    see="https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction",
)
def no_node_restriction(api_server: ApiServer) -> Violations:
    """A kubelet may change other nodes and the pods on them.

    NodeRestriction limits each kubelet to its own Node object and to pods bound to it, and keeps it from
    labelling itself into a protected group. It is not among the plugins that are on by default: kubeadm
    adds it, hand-made manifests often do not.

    Fix: add ``NodeRestriction`` to ``--enable-admission-plugins``, together with the Node authoriser.

    Cannot see: whether kubelets sign in as ``system:node:<name>``, without which the plugin has no one to
    restrict.
    """
    if "NodeRestriction" not in api_server.items("enable-admission-plugins"):
        yield api_server.with_item("enable-admission-plugins", "NodeRestriction")


@flag_control(
    "C-0124",
    "Ensure that the admission control plugin SecurityContextDeny is set if PodSecurityPolicy is not used",
    problem="No SecurityContextDeny or PodSecurity",
    consequence="node escape",
    score=4.0,
    command="kube-apiserver --disable-admission-plugins=PodSecurity",
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def no_security_context_admission(api_server: ApiServer) -> Violations:
    """No admission plugin looks at the security contexts of pods.

    Kubernetes took away PodSecurityPolicy in 1.25 and SecurityContextDeny in 1.30; an API server that is
    given a plugin it does not know refuses to start. Since 1.25 the plugin PodSecurity does the work and is
    on by default, so what is asked there is that no flag switched it off.

    A release before 1.25, by the tag of the image, needs one of the two older plugins.

    Fix: take ``PodSecurity`` out of ``--disable-admission-plugins``, and label namespaces with the standard
    they are held to.

    Cannot see: the labels of namespaces, which other controls judge; the release, where the image is named
    by digest alone.
    """
    if not api_server.has_pod_security_policy:
        yield from api_server.without_items("disable-admission-plugins", ("PodSecurity",))
    elif not api_server.items("enable-admission-plugins") & OLD_PLUGINS:
        yield api_server.with_item("enable-admission-plugins", "SecurityContextDeny")


@flag_control(
    "C-0068",
    "PSP enabled",
    problem="No pod security admission",
    consequence="node escape",
    score=4.0,
    reference_score=1.0,
    command="kube-apiserver --disable-admission-plugins=PodSecurity",
    see="https://kubernetes.io/docs/concepts/security/pod-security-admission/",
)
def pod_security_not_enforced(api_server: ApiServer) -> Violations:
    """No built-in admission plugin holds pods to a security standard.

    PodSecurityPolicy did this until Kubernetes 1.25 took it away. In its place is the plugin PodSecurity,
    which is on by default and obeys the labels of namespaces; this control asks that no flag switched it
    off.

    On older releases, by the tag of the image, PodSecurityPolicy has to be enabled, which no release does
    by itself.

    Fix: take ``PodSecurity`` out of ``--disable-admission-plugins``; on a release before 1.25, upgrade.

    Cannot see: which level the namespaces ask for; policies of other admission controllers; the release,
    where the image is named by digest alone.
    """
    if not api_server.has_pod_security_policy:
        yield from api_server.without_items("disable-admission-plugins", ("PodSecurity",))
    elif "PodSecurityPolicy" not in api_server.items("enable-admission-plugins"):
        flag = api_server.flag("enable-admission-plugins")
        yield (
            api_server.review(flag)
            if flag
            else Review("", advice="set the flag where the API server is started")
        )


@flag_control(
    "L-0096",
    "PodSecurity is not switched off by a feature gate",
    problem="Pod Security is off",
    score=6.0,
    command='kube-apiserver "--feature-gates=A=true,PodSecurity=false"',
)
def pod_security_off(api_server: ApiServer) -> Violations:
    """Pod Security admission is switched off.

    The labels of namespaces then forbid nothing.

    Fix: remove ``PodSecurity=false`` from the feature gates, and PodSecurity from the plugins that are
    disabled.

    Cannot see: policies that are in its place.
    """
    yield from api_server.without_items("feature-gates", ["PodSecurity=false"])
    yield from api_server.without_items("disable-admission-plugins", ["PodSecurity"])


@flag_control(
    "C-0125",
    "Ensure that the admission control plugin ServiceAccount is set",
    problem="ServiceAccount admission is off",
    consequence="availability",
    score=4.0,
    reference_score=3.0,
    command="kube-apiserver --disable-admission-plugins=ServiceAccount",
    see="https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#serviceaccount",
)
def service_account_admission_off(api_server: ApiServer) -> Violations:
    """Pods get no service account, and what they name is not checked.

    The plugin ServiceAccount fills in the account, mounts its token and refuses accounts that do not exist.
    It is on by default; here it was switched off.

    Fix: take ``ServiceAccount`` out of ``--disable-admission-plugins``.

    Cannot see: why it was switched off.
    """
    yield from api_server.without_items("disable-admission-plugins", ("ServiceAccount",))


@flag_control(
    "L-0093",
    "ValidatingAdmissionWebhook is on",
    problem="Validating webhooks are off",
    score=5.0,
    command='kube-apiserver "--disable-admission-plugins=PodNodeSelector,ValidatingAdmissionWebhook"',
)
def validating_webhooks_off(api_server: ApiServer) -> Violations:
    """The API server asks no validating webhooks.

    Policies that a webhook enforces are then written and never asked.

    Fix: remove it from ``--disable-admission-plugins``.

    Cannot see: webhooks that fail open.
    """
    yield from api_server.without_items("disable-admission-plugins", ["ValidatingAdmissionWebhook"])
