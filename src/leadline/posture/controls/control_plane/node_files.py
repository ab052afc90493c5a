"""Owners and modes of the files of the control plane."""

from leadline.posture.checks.host_files import CONTROL_PLANE
from leadline.posture.control_families import MADE_BY_KUBEADM, NodeFile, loose_mode, other_owner

API_SERVER_MANIFEST = NodeFile(
    CONTROL_PLANE,
    ("APIServerInfo.specsFile",),
    "/etc/kubernetes/manifests/kube-apiserver.yaml",
    "the API server's static pod manifest",
)
CONTROLLER_MANAGER_MANIFEST = NodeFile(
    CONTROL_PLANE,
    ("controllerManagerInfo.specsFile",),
    "/etc/kubernetes/manifests/kube-controller-manager.yaml",
    "the controller manager's static pod manifest",
)
SCHEDULER_MANIFEST = NodeFile(
    CONTROL_PLANE,
    ("schedulerInfo.specsFile",),
    "/etc/kubernetes/manifests/kube-scheduler.yaml",
    "the scheduler's static pod manifest",
)
ETCD_MANIFEST = NodeFile(
    CONTROL_PLANE, ("etcdConfigFile",), "/etc/kubernetes/manifests/etcd.yaml", "etcd's static pod manifest"
)
ETCD_DATA = NodeFile(
    CONTROL_PLANE,
    ("etcdDataDir",),
    "/var/lib/etcd",
    "etcd's data folder",
    see="https://etcd.io/docs/latest/op-guide/configuration/",
)
ADMIN_KUBECONFIG = NodeFile(
    CONTROL_PLANE, ("adminConfigFile", "superAdminConfigFile"), "/etc/kubernetes/admin.conf", "``admin.conf``"
)
SCHEDULER_KUBECONFIG = NodeFile(
    CONTROL_PLANE, ("schedulerInfo.configFile",), "/etc/kubernetes/scheduler.conf", "``scheduler.conf``"
)
CONTROLLER_MANAGER_KUBECONFIG = NodeFile(
    CONTROL_PLANE,
    ("controllerManagerInfo.configFile",),
    "/etc/kubernetes/controller-manager.conf",
    "``controller-manager.conf``",
)
PKI_KEYS = NodeFile(
    CONTROL_PLANE,
    ("PKIFiles",),
    "/etc/kubernetes/pki/ca.key",
    "the cluster's private keys",
    is_list=True,
    ending=".key",
    see="https://kubernetes.io/docs/setup/best-practices/certificates/",
)
PKI_CERTIFICATES = NodeFile(
    CONTROL_PLANE,
    ("PKIFiles",),
    "/etc/kubernetes/pki/ca.crt",
    "the cluster's certificates",
    is_list=True,
    ending=".crt",
    see="https://kubernetes.io/docs/setup/best-practices/certificates/",
)
PKI = NodeFile(
    CONTROL_PLANE,
    ("PKIDir", "PKIFiles"),
    "/etc/kubernetes/pki",
    "the folder of keys and certificates",
    see="https://kubernetes.io/docs/setup/best-practices/certificates/",
)

api_server_manifest_readable = loose_mode(
    "C-0092",
    "Ensure that the API server pod specification file permissions are set to 600 or more restrictive",
    API_SERVER_MANIFEST,
    "Its flags name the keys of the cluster, and writing to it changes how every request is checked.",
    problem="API server manifest: loose file mode",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
)
api_server_manifest_not_owned_by_root = other_owner(
    "C-0093",
    "Ensure that the API server pod specification file ownership is set to root:root",
    API_SERVER_MANIFEST,
    "Anyone who owns the file can switch authorisation off with one line, and the kubelet restarts the server with it.",
    problem="API server manifest: owner not root",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
)
controller_manager_manifest_readable = loose_mode(
    "C-0094",
    "Ensure that the controller manager pod specification file permissions are set to 600 or more restrictive",
    CONTROLLER_MANAGER_MANIFEST,
    "It names the key that signs service account tokens and the flags that say who gets one.",
    problem="Controller manifest: loose file mode",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
)
controller_manager_manifest_not_owned_by_root = other_owner(
    "C-0095",
    "Ensure that the controller manager pod specification file ownership is set to root:root",
    CONTROLLER_MANAGER_MANIFEST,
    "The controller manager holds rights over nearly every object; its owner on disk holds them too.",
    problem="Controller manifest: owner not root",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
)
scheduler_manifest_readable = loose_mode(
    "C-0096",
    "Ensure that the scheduler pod specification file permissions are set to 600 or more restrictive",
    SCHEDULER_MANIFEST,
    "It shows where the scheduler listens and which credentials it uses.",
    problem="Scheduler manifest: loose file mode",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
)
scheduler_manifest_not_owned_by_root = other_owner(
    "C-0097",
    "Ensure that the scheduler pod specification file ownership is set to root:root",
    SCHEDULER_MANIFEST,
    "Anyone who may edit it decides what runs as the scheduler on this node, with its credentials.",
    problem="Scheduler manifest: owner not root",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
)
etcd_manifest_readable = loose_mode(
    "C-0098",
    "Ensure that the etcd pod specification file permissions are set to 600 or more restrictive",
    ETCD_MANIFEST,
    "It shows where the keys to etcd are and which peers are trusted.",
    problem="etcd manifest: loose file mode",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
)
etcd_manifest_not_owned_by_root = other_owner(
    "C-0099",
    "Ensure that the etcd pod specification file ownership is set to root:root",
    ETCD_MANIFEST,
    "A changed flag here opens the whole store, every Secret in it included, without a password.",
    problem="etcd manifest: owner not root",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
)
etcd_data_readable = loose_mode(
    "C-0102",
    "Ensure that the etcd data directory permissions are set to 700 or more restrictive",
    ETCD_DATA,
    "The folder is the cluster: every object and every Secret that is not encrypted lies there.",
    problem="etcd data: loose file mode",
    consequence="secrets",
    score=7.0,
    most=0o700,
    first="Others than etcd's user may enter its data folder.",
    fix="set the mode of the folder to 700.",
)
etcd_data_not_owned_by_etcd = other_owner(
    "C-0103",
    "Ensure that the etcd data directory ownership is set to etcd:etcd",
    ETCD_DATA,
    "Then either another user can change the store, or etcd runs as root only to be able to write.",
    problem="etcd data: owner not etcd",
    consequence="secrets",
    score=6.0,
    reference_score=7.0,
    or_names=("etcd", "etcd"),
    first="etcd's data folder belongs to another user than the one etcd runs as.",
    fix="make the user of etcd its owner: ``etcd:etcd``, or ``root:root`` where it runs as a static pod.",
)
admin_kubeconfig_readable = loose_mode(
    "C-0104",
    "Ensure that the admin.conf file permissions are set to 600",
    ADMIN_KUBECONFIG,
    "The file holds a certificate that may do everything; reading it is being the administrator.",
    problem="admin.conf: loose file mode",
    consequence="cluster takeover",
    score=8.0,
    reference_score=7.0,
)
admin_kubeconfig_not_owned_by_root = other_owner(
    "C-0105",
    "Ensure that the admin.conf file ownership is set to root:root",
    ADMIN_KUBECONFIG,
    "An owner other than root can read it at any time, whatever the mode says.",
    problem="admin.conf: owner not root",
    consequence="cluster takeover",
    score=7.0,
)
scheduler_kubeconfig_readable = loose_mode(
    "C-0106",
    "Ensure that the scheduler.conf file permissions are set to 600 or more restrictive",
    SCHEDULER_KUBECONFIG,
    "It holds the credentials by which the scheduler binds pods to nodes.",
    problem="scheduler.conf: loose file mode",
    consequence="cluster takeover",
    score=6.0,
)
scheduler_kubeconfig_not_owned_by_root = other_owner(
    "C-0107",
    "Ensure that the scheduler.conf file ownership is set to root:root",
    SCHEDULER_KUBECONFIG,
    "Its owner can put other credentials or another server in place.",
    problem="scheduler.conf: owner not root",
    consequence="cluster takeover",
    score=6.0,
)
controller_manager_kubeconfig_readable = loose_mode(
    "C-0108",
    "Ensure that the controller-manager.conf file permissions are set to 600 or more restrictive",
    CONTROLLER_MANAGER_KUBECONFIG,
    "It holds credentials that create tokens and read every Secret.",
    problem="controller-manager.conf: loose file mode",
    consequence="cluster takeover",
    score=6.0,
)
controller_manager_kubeconfig_not_owned_by_root = other_owner(
    "C-0109",
    "Ensure that the controller-manager.conf file ownership is set to root:root",
    CONTROLLER_MANAGER_KUBECONFIG,
    "Its owner can have the controllers talk to a server of his own.",
    problem="controller-manager.conf: owner not root",
    consequence="cluster takeover",
    score=6.0,
)
pki_keys_readable = loose_mode(
    "C-0112",
    "Ensure that the Kubernetes PKI key file permissions are set to 600",
    PKI_KEYS,
    "Anyone who reads the key of the CA can sign a certificate for any user, valid for years.",
    problem="PKI keys: loose file mode",
    consequence="cluster takeover",
    score=9.0,
    reference_score=8.0,
    first="The cluster's private keys can be read by others than root.",
    fix="set the mode of the ``.key`` files to 600, and change the keys if they were open.",
)
pki_certificates_writable = loose_mode(
    "C-0111",
    "Ensure that the Kubernetes PKI certificate file permissions are set to 600 or more restrictive",
    PKI_CERTIFICATES,
    "A certificate that can be changed can be replaced by one of an intruder's CA.\n\n" + MADE_BY_KUBEADM,
    problem="PKI certificates: loose file mode",
    consequence="cluster takeover",
    score=2.0,
    reference_score=8.0,
    first="The cluster's certificate files are open to others than root.",
    fix="set the mode of the ``.crt`` files to 600.",
)
pki_not_owned_by_root = other_owner(
    "C-0110",
    "Ensure that the Kubernetes PKI directory and file ownership is set to root:root",
    PKI,
    "With the key of the certificate authority anyone can be made, administrators included.",
    problem="PKI files: owner not root",
    consequence="cluster takeover",
    score=7.0,
    reference_score=8.0,
    first="Keys and certificates of the cluster do not belong to root.",
    fix="make ``root:root`` the owner of the folder and of all that is in it.",
)
