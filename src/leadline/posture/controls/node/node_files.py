"""Owners and modes of the files by which a node takes part in the cluster."""

from leadline.posture.checks.host_files import KUBELET, PROXY
from leadline.posture.control_families import MADE_BY_KUBEADM, NodeFile, loose_mode, other_owner

KUBELET_SERVICE = NodeFile(
    KUBELET,
    ("serviceFiles",),
    "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
    "the service file of the kubelet",
    is_list=True,
)
KUBELET_KUBECONFIG = NodeFile(
    KUBELET, ("kubeConfigFile",), "/etc/kubernetes/kubelet.conf", "the kubelet's kubeconfig"
)
KUBELET_CONFIGURATION = NodeFile(
    KUBELET, ("configFile", "dropInFiles"), "/var/lib/kubelet/config.yaml", "the kubelet's configuration file"
)
CLIENT_CA_FILE = NodeFile(
    KUBELET, ("clientCAFile",), "/etc/kubernetes/pki/ca.crt", "the file of client CA certificates"
)
AZURE_FILE = NodeFile(
    KUBELET,
    ("cloudConfigFile",),
    "/etc/kubernetes/azure.json",
    "the file by which an AKS node speaks to Azure",
    see="https://learn.microsoft.com/en-us/azure/aks/cis-kubernetes",
)
PROXY_KUBECONFIG = NodeFile(
    PROXY, ("kubeConfigFile",), "/var/lib/kube-proxy/kubeconfig", "kube-proxy's kubeconfig"
)

kubelet_service_readable = loose_mode(
    "C-0162",
    "Ensure that the kubelet service file permissions are set to 600 or more restrictive",
    KUBELET_SERVICE,
    "Its flags show which authentication the kubelet asks for, and may name secrets.",
    problem="Kubelet service file: loose file mode",
    consequence="node escape",
    score=5.0,
    reference_score=6.0,
)
kubelet_service_not_owned_by_root = other_owner(
    "C-0163",
    "Ensure that the kubelet service file ownership is set to root:root",
    KUBELET_SERVICE,
    "systemd starts what is in it as root.",
    problem="Kubelet service file: owner not root",
    consequence="node escape",
    score=5.0,
    reference_score=6.0,
)
kubelet_kubeconfig_readable = loose_mode(
    "C-0166",
    "Ensure that the --kubeconfig kubelet.conf file permissions are set to 600 or more restrictive",
    KUBELET_KUBECONFIG,
    "It holds the identity of the node: its pods and the Secrets they mount can be read with it.",
    problem="Kubelet kubeconfig: loose file mode",
    consequence="cluster takeover",
    score=6.0,
)
kubelet_kubeconfig_world_writable = loose_mode(
    "C-0238",
    "Ensure that the kubeconfig file permissions are set to 644 or more restrictive",
    KUBELET_KUBECONFIG,
    "Another server in it, and the node obeys an attacker.",
    problem="Kubelet kubeconfig: world-writable",
    consequence="cluster takeover",
    score=7.0,
    reference_score=6.0,
    first="The kubelet's kubeconfig on an EKS node may be written by others than root.",
    most=0o644,
    see="https://docs.aws.amazon.com/eks/latest/best-practices/",
)
kubelet_kubeconfig_not_owned_by_root = other_owner(
    "C-0167",
    "Ensure that the --kubeconfig kubelet.conf file ownership is set to root:root",
    KUBELET_KUBECONFIG,
    "Its owner can make the kubelet obey another server.",
    problem="Kubelet kubeconfig: owner not root",
    consequence="cluster takeover",
    score=6.0,
)
kubelet_configuration_readable = loose_mode(
    "C-0170",
    "If the kubelet config.yaml configuration file is being used validate permissions set to 600 or more restrictive",
    KUBELET_CONFIGURATION,
    "It shows which authentication and ports the kubelet uses.\n\n" + MADE_BY_KUBEADM,
    problem="Kubelet config: loose file mode",
    consequence="node escape",
    score=2.0,
    reference_score=7.0,
)
kubelet_configuration_world_writable = loose_mode(
    "C-0235",
    "Ensure that the kubelet configuration file has permissions set to 644 or more restrictive",
    KUBELET_CONFIGURATION,
    "One changed line in it opens the node to anonymous callers.",
    problem="Kubelet config: world-writable",
    consequence="node escape",
    score=7.0,
    reference_score=6.0,
    first="The kubelet's configuration on an EKS node may be written by others than root.",
    most=0o644,
    see="https://docs.aws.amazon.com/eks/latest/best-practices/",
)
kubelet_configuration_not_owned_by_root = other_owner(
    "C-0171",
    "If the kubelet config.yaml configuration file is being used validate file ownership is set to root:root",
    KUBELET_CONFIGURATION,
    "One changed line lets anonymous callers run commands in every pod of the node.",
    problem="Kubelet config: owner not root",
    consequence="node escape",
    score=6.0,
    reference_score=7.0,
)
client_ca_file_readable = loose_mode(
    "C-0168",
    "Ensure that the certificate authorities file permissions are set to 600 or more restrictive",
    CLIENT_CA_FILE,
    "A changed list of CAs lets attackers in under any name.\n\n" + MADE_BY_KUBEADM,
    problem="Client CA file: loose file mode",
    consequence="cluster takeover",
    score=2.0,
    reference_score=7.0,
)
client_ca_file_not_owned_by_root = other_owner(
    "C-0169",
    "Ensure that the client certificate authorities file ownership is set to root:root",
    CLIENT_CA_FILE,
    "The owner can add a CA of his own.",
    problem="Client CA file: owner not root",
    consequence="cluster takeover",
    score=6.0,
    reference_score=7.0,
)
azure_file_writable = loose_mode(
    "L-0099",
    "azure.json has permissions set to 644 or more restrictive",
    AZURE_FILE,
    "It names the identity of the node, and in old clusters its password.",
    problem="azure.json: loose file mode",
    consequence="secrets",
    score=5.0,
    most=0o644,
    fix="set owner and mode as the node image does: root, 644 or stricter.",
)
azure_file_not_owned_by_root = other_owner(
    "L-0100",
    "azure.json is owned by root:root",
    AZURE_FILE,
    "It names the identity of the node, and in old clusters its password.",
    problem="azure.json: owner is not root",
    consequence="secrets",
    score=3.0,
    fix="set owner and mode as the node image does: root, 644 or stricter.",
)
proxy_kubeconfig_readable = loose_mode(
    "C-0164",
    "If proxy kubeconfig file exists ensure permissions are set to 600 or more restrictive",
    PROXY_KUBECONFIG,
    "It holds a credential that lists every Service and node.",
    problem="kube-proxy kubeconfig: loose file mode",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
)
proxy_kubeconfig_world_writable = loose_mode(
    "L-0103",
    "kube-proxy kubeconfig has permissions set to 644 or more restrictive",
    PROXY_KUBECONFIG,
    "It says which API server kube-proxy believes.",
    problem="kube-proxy kubeconfig: others may write",
    consequence="node escape",
    score=5.0,
    most=0o644,
    see="https://cloud.google.com/kubernetes-engine/docs/concepts/cis-benchmarks",
)
proxy_kubeconfig_not_owned_by_root = other_owner(
    "C-0165",
    "If proxy kubeconfig file exists ensure ownership is set to root:root",
    PROXY_KUBECONFIG,
    "Its owner can lead kube-proxy, and with it the traffic of the node, elsewhere.",
    problem="kube-proxy kubeconfig: owner not root",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
)
