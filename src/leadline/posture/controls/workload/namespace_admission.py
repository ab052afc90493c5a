"""What namespaces of applications let in, by their Pod Security labels."""

from leadline.posture.control_families import namespace_admission

admits_added_capabilities = namespace_admission(
    "C-0200",
    "Minimize the admission of containers with added capabilities",
    "The namespace lets in containers with added capabilities.",
    "Each added capability is a piece of root; the restricted level leaves ``NET_BIND_SERVICE`` alone.",
    problem="Namespace admits added capabilities",
    consequence="node escape",
    score=4.0,
    reference_score=5.0,
    level="restricted",
)
admits_default_capabilities = namespace_admission(
    "C-0201",
    "Minimize the admission of containers with capabilities assigned",
    "The namespace lets in containers that keep their default capabilities.",
    "Fourteen capabilities are given to every container that does not drop them, and few programs use one.",
    problem="Namespace admits default capabilities",
    score=3.0,
    reference_score=5.0,
    level="restricted",
)
admits_host_ipc = namespace_admission(
    "C-0195",
    "Minimize the admission of containers wishing to share the host IPC namespace",
    "The namespace lets in pods that share their node's memory segments.",
    "Programs of the node that talk through shared memory could be read and disturbed from a pod.",
    problem="Namespace admits hostIPC",
    consequence="node escape",
    score=4.0,
    reference_score=5.0,
    level="baseline",
)
admits_host_network = namespace_admission(
    "C-0196",
    "Minimize the admission of containers wishing to share the host network namespace",
    "The namespace lets in pods on their node's own network.",
    "Such a pod slips past network policies and reaches what listens on the loopback address of the node.",
    problem="Namespace admits hostNetwork",
    consequence="node escape",
    score=5.0,
    level="baseline",
)
admits_host_path = namespace_admission(
    "C-0203",
    "Minimize the admission of HostPath volumes",
    "The namespace lets in pods that mount folders of their node.",
    "The credentials of the kubelet and the sockets of the runtime are files; a mount is all it takes to have them.",
    problem="Namespace admits hostPath volumes",
    consequence="node escape",
    score=6.0,
    level="baseline",
)
admits_host_pid = namespace_admission(
    "C-0194",
    "Minimize the admission of containers wishing to share the host process ID namespace",
    "The namespace lets in pods that see all processes of their node.",
    "Seeing the processes of the node means reading their arguments and, as root, their memory.",
    problem="Namespace admits hostPID",
    consequence="node escape",
    score=5.0,
    level="baseline",
)
admits_host_ports = namespace_admission(
    "C-0204",
    "Minimize the admission of containers which use HostPorts",
    "The namespace lets in pods that take ports of their node.",
    "A port of the node is open to anyone who reaches the node, past Services and often past network policies.",
    problem="Namespace admits host ports",
    consequence="reachable from outside",
    score=3.0,
    reference_score=4.0,
    level="baseline",
)
admits_net_raw = namespace_admission(
    "C-0199",
    "Minimize the admission of containers with the NET_RAW capability",
    "The namespace lets in containers that may forge packets.",
    "``NET_RAW`` is among the default capabilities and lets a pod spoof its neighbours; only the restricted level makes pods drop it.",
    problem="Namespace admits NET_RAW",
    score=3.0,
    reference_score=6.0,
    level="restricted",
)
admits_privilege_escalation = namespace_admission(
    "C-0197",
    "Minimize the admission of containers with allowPrivilegeEscalation",
    "The namespace lets in containers that may gain rights.",
    "Set-uid programs in any image would then make root of an ordinary user.",
    problem="Namespace admits privilege escalation",
    consequence="node escape",
    score=4.0,
    reference_score=6.0,
    level="restricted",
)
admits_privileged_containers = namespace_admission(
    "C-0193",
    "Minimize the admission of privileged containers",
    "The namespace lets in privileged containers.",
    "A privileged container is root on its node. Without the label any user who may create pods here may create one.",
    problem="Namespace admits privileged containers",
    consequence="node escape",
    score=7.0,
    reference_score=8.0,
    level="baseline",
)
admits_root_containers = namespace_admission(
    "C-0198",
    "Minimize the admission of root containers",
    "The namespace lets in containers that run as root.",
    "Most ways out of a container need root inside it first; an image without a ``USER`` line provides it.",
    problem="Namespace admits root containers",
    consequence="node escape",
    score=4.0,
    reference_score=6.0,
    level="restricted",
)
admits_windows_host_process = namespace_admission(
    "C-0202",
    "Minimize the admission of Windows HostProcess Containers",
    "The namespace lets in Windows containers that run as the host.",
    "A HostProcess container is an administrator of its Windows node.",
    problem="Namespace admits Windows host processes",
    consequence="node escape",
    score=5.0,
    reference_score=7.0,
    level="baseline",
)
