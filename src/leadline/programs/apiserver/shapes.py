"""The field structures of the served kinds: those that existing clients read and write."""

from leadline.programs.apiserver.shape import (
    ANY,
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    TEXT_MAP,
    TEXTS,
    Shape,
    list_of,
    map_of,
    record,
    texts,
)

# Configuration scans

_SEVERITY = record({"severity": TEXT, "scoreFactor": NUMBER})
_STATUS = record(texts("status", "subStatus", "info"))
_PATH = record(
    {
        **texts("failedPath", "fixPath", "fixPathValue", "fixCommand", "action?", "on?", "what?"),
        "value?": ANY,
        "related?": TEXTS,
    }
)
_RULE = record(
    {
        "name": TEXT,
        "status": record(texts("status", "subStatus")),
        "controlConfigurations": map_of(ANY, "The inputs that the check used."),
        "paths": list_of(_PATH, "Where the object fails, and what to set there."),
        "appliedIgnoreRules": TEXTS,
        "relatedResourcesIDs": TEXTS,
        **texts("reason?", "expires?"),
    }
)
_FIRST_SEEN = Shape("string", description="Since when the control has failed without a pause.")
_ACCEPTED_IN = map_of(TEXT, "Frameworks that alone accept it, each with the exception's name.")
_CONTROL = record(
    {
        "controlID": TEXT,
        "name": TEXT,
        "severity": _SEVERITY,
        "status": _STATUS,
        "rules": list_of(_RULE),
        "firstSeen?": _FIRST_SEEN,
        "acceptedIn?": _ACCEPTED_IN,
    }
)
WORKLOAD_CONFIGURATION_SCAN = record(
    {
        "controls": map_of(_CONTROL, "The result of each control, by its id."),
        "relatedObjects": list_of(
            record(texts("namespace", "apiGroup", "apiVersion", "kind", "name", "id?")),
            "Other objects the results depend on, such as roles and their bindings.",
        ),
    },
    "What a scan found in the configuration of one object.",
)
_COUNTS = record(
    dict.fromkeys(("critical", "high", "medium", "low", "unknown"), INTEGER),
    "How many controls failed, by severity.",
)
WORKLOAD_CONFIGURATION_SCAN_SUMMARY = record(
    {
        "severities": _COUNTS,
        "controls": map_of(
            record(
                {
                    "controlID": TEXT,
                    "severity": _SEVERITY,
                    "status": _STATUS,
                    "firstSeen?": _FIRST_SEEN,
                    "acceptedIn?": _ACCEPTED_IN,
                }
            ),
            "The status of each control, by its id.",
        ),
    },
    "What a scan found in the configuration of one object, without the details.",
)
_REFERENCE = record(texts("namespace", "name", "kind"))
CONFIGURATION_SCAN_SUMMARY = record(
    {"severities": _COUNTS, "summaryRef": list_of(_REFERENCE, "The summaries that were added up.")},
    "The sums of all configuration scans of one namespace; computed.",
)

# Images

_IGNORE_RULE = record(
    {
        **texts("vulnerability", "fix-state"),
        "package?": record(texts("name", "version", "language", "type", "location", "upstream-name")),
        **texts("sourceKind?", "sourceName?", "sourceNamespace?", "justification?", "impactStatement?"),
    }
)
_CVSS = record(
    {
        **texts("version", "vector", "source?", "type?"),
        "metrics": record({"baseScore": NUMBER, "exploitabilityScore?": NUMBER, "impactScore?": NUMBER}),
        "vendorMetadata": ANY,
    }
)
_VULNERABILITY = {
    **texts("id", "dataSource", "namespace?", "severity?"),
    "urls": TEXTS,
    "description?": TEXT,
    "cvss": list_of(_CVSS),
    "knownExploited?": ANY,
    "epss?": ANY,
    "cwes?": ANY,
    "risk?": NUMBER,
}
_LOCATION = record({**texts("path", "layerID"), "accessPath?": TEXT, "annotations?": TEXT_MAP})
_ARTIFACT = record(
    {
        **texts("id?", "name", "version", "type"),
        "locations": list_of(_LOCATION),
        "language": TEXT,
        "licenses": TEXTS,
        "cpes": TEXTS,
        "purl": TEXT,
        "upstreams": list_of(record({"name": TEXT, "version?": TEXT})),
        "metadataType?": TEXT,
        "metadata?": ANY,
    }
)
_FIX = record({"versions": TEXTS, "state": TEXT, "available?": ANY, "suggestedVersion?": TEXT})
_MATCH = {
    "vulnerability": record(
        {**_VULNERABILITY, "fix": _FIX, "advisories": list_of(record(texts("id", "link")))}
    ),
    "relatedVulnerabilities": list_of(record(_VULNERABILITY)),
    "matchDetails": list_of(
        record({**texts("type", "matcher"), "searchedBy": ANY, "found": ANY, "fix?": ANY}),
    ),
    "artifact": _ARTIFACT,
}
_DISTRO = record({**texts("name", "version"), "idLike": TEXTS})
_TOOL = record(texts("name", "version"))
_REPORT = record({"createdAt": TEXT})
VULNERABILITY_MANIFEST = record(
    {
        "metadata": record(
            {
                "withRelevancy": BOOLEAN,
                "tool": record(texts("name", "version", "databaseVersion")),
                "report": _REPORT,
            }
        ),
        "payload": record(
            {
                "matches": list_of(record(_MATCH), "Vulnerabilities of packages in the image."),
                "ignoredMatches?": list_of(record({**_MATCH, "appliedIgnoreRules": list_of(_IGNORE_RULE)})),
                "source?": record({"type": TEXT, "target": ANY}),
                "distro": _DISTRO,
                "descriptor": record(
                    {**texts("name", "version"), "configuration?": ANY, "db?": ANY, "timestamp?": TEXT}
                ),
            }
        ),
    },
    "The vulnerabilities of one image, or of what one container uses of it.",
)
_BOTH = record({"all": INTEGER, "relevant": INTEGER})
_SEVERITIES = record(
    dict.fromkeys(("critical", "high", "medium", "low", "negligible", "unknown"), _BOTH),
    "How many vulnerabilities there are, and how many in packages that are in use.",
)
VULNERABILITY_MANIFEST_SUMMARY = record(
    {"severities": _SEVERITIES, "vulnerabilitiesRef": record({"all": _REFERENCE, "relevant": _REFERENCE})},
    "The vulnerabilities of one container of a workload, counted.",
)
VULNERABILITY_SUMMARY = record(
    {
        "severities": _SEVERITIES,
        "vulnerabilitiesRef": list_of(_REFERENCE, "The summaries that were added up."),
    },
    "The sums of all vulnerability summaries of one namespace; computed.",
)
_SYFT_ARTIFACT = record(
    {
        **texts("id", "name", "version", "type", "foundBy"),
        "locations": list_of(
            record({"path": TEXT, **texts("layerID?", "accessPath?"), "annotations?": TEXT_MAP})
        ),
        "licenses": list_of(ANY),
        "language": TEXT,
        "cpes": list_of(ANY),
        "purl": TEXT,
        "metadataType?": TEXT,
        "metadata?": ANY,
    }
)
SBOM = record(
    {
        "metadata": record({"tool": _TOOL, "report": _REPORT}),
        "syft": record(
            {
                "artifacts": list_of(_SYFT_ARTIFACT, "The packages."),
                "artifactRelationships": list_of(
                    record({**texts("parent", "child", "type"), "metadata?": ANY})
                ),
                "files?": list_of(ANY),
                "source": record({**texts("id", "name", "version", "type"), "metadata": ANY}),
                "distro": record({}),
                "descriptor": record({**texts("name", "version"), "configuration?": ANY}),
                "schema": record(texts("version", "url")),
            }
        ),
    },
    "The packages of one image.",
)
_VEX_STATEMENT = record(
    {
        "@id?": TEXT,
        "vulnerability": record({**texts("@id", "name", "description"), "aliases": TEXTS}),
        **texts("timestamp?", "last_updated?"),
        "products": list_of(ANY),
        "status": TEXT,
        **texts(
            "status_notes?",
            "justification?",
            "impact_statement?",
            "action_statement?",
            "action_statement_timestamp?",
        ),
        "version?": INTEGER,
        "supplier?": TEXT,
    }
)
OPEN_VEX = record(
    {
        **texts("@context", "@id", "author", "role", "timestamp", "last_updated"),
        "version": INTEGER,
        "tooling": TEXT,
        "supplier?": TEXT,
        "statements": list_of(_VEX_STATEMENT),
    },
    "An OpenVEX document: which vulnerabilities affect the container.",
)

# What containers do

_SELECTOR: dict[str, Shape] = {"matchLabels": TEXT_MAP, "matchExpressions": list_of(ANY)}
_NEIGHBOR = record(
    {
        **texts("identifier", "type", "dns"),
        "dnsNames": TEXTS,
        "ports": list_of(record({"name": TEXT, "protocol": TEXT, "port": INTEGER})),
        "podSelector": ANY,
        "namespaceSelector": ANY,
        "ipAddress": TEXT,
        "ipAddresses?": TEXTS,
    }
)
_NEIGHBORS: dict[str, Shape] = {"ingress": list_of(_NEIGHBOR), "egress": list_of(_NEIGHBOR)}
_EXEC = record({"path": TEXT, "args?": TEXTS, "envs?": TEXTS, "argsRequired?": BOOLEAN})
_ENDPOINT = record(
    {"endpoint": TEXT, "methods": TEXTS, "internal": BOOLEAN, "direction": TEXT, "headers": ANY},
)
_SECCOMP_SPEC = record(
    {
        "disabled?": BOOLEAN,
        **texts("baseProfileName?", "defaultAction", "listenerPath?", "listenerMetadata?"),
        "architectures?": TEXTS,
        "syscalls?": list_of(
            record({"names": TEXTS, "action": TEXT, "errnoRet?": INTEGER, "args?": list_of(ANY)})
        ),
        "flags?": TEXTS,
    }
)
_ACTIVITY: dict[str, Shape] = {
    "capabilities": TEXTS,
    "execs": list_of(_EXEC, "Programs that were run."),
    "opens": list_of(record({"path": TEXT, "flags": TEXTS}), "Files that were opened."),
    "syscalls": TEXTS,
    "seccompProfile?": record({**texts("name?", "path?"), "spec": _SECCOMP_SPEC}),
    "endpoints": list_of(_ENDPOINT),
    **texts("imageID", "imageTag"),
    "rulePolicies": map_of(record({"processAllowed": TEXTS, "containerAllowed": BOOLEAN})),
    "identifiedCallStacks": list_of(ANY),
}
CONTAINER_PROFILE = record(
    {"architectures": TEXTS, **_ACTIVITY, **_SELECTOR, **_NEIGHBORS},
    "What one container was seen doing.",
)
_ACTIVE_CONTAINERS = list_of(record({"name": TEXT, **_ACTIVITY}))
APPLICATION_PROFILE = record(
    {
        "architectures": TEXTS,
        "containers": _ACTIVE_CONTAINERS,
        "initContainers": _ACTIVE_CONTAINERS,
        "ephemeralContainers": _ACTIVE_CONTAINERS,
    },
    "What the containers of one workload were seen doing.",
)
_TALKING_CONTAINERS = list_of(record({"name": TEXT, **_NEIGHBORS}))
NETWORK_NEIGHBORHOOD = record(
    {
        **_SELECTOR,
        "containers": _TALKING_CONTAINERS,
        "initContainers": _TALKING_CONTAINERS,
        "ephemeralContainers": _TALKING_CONTAINERS,
    },
    "Whom the containers of one workload were seen talking to.",
)
GENERATED_NETWORK_POLICY = record(
    {
        **texts("kind", "apiVersion"),
        "metadata": record({}),
        "spec": record(
            {
                "podSelector": record({}),
                "policyTypes": TEXTS,
                "ingress": list_of(ANY),
                "egress": list_of(ANY),
            }
        ),
    },
    "A whole NetworkPolicy of networking.k8s.io/v1 that lets through what was seen; computed.",
)
POLICY_REFERENCES = list_of(
    record(texts("ipBlock", "originalIP", "dns", "name", "server")),
    "What is known about the addresses in the policy.",
)
KNOWN_SERVERS = list_of(record(texts("ipBlock", "server", "name")), "Address ranges and whose they are.")
COLLAPSE_CONFIGURATION = record(
    {
        "openDynamicThreshold": INTEGER,
        "endpointDynamicThreshold": INTEGER,
        "collapseConfigs": list_of(record({"prefix": TEXT, "threshold": INTEGER})),
    },
    "From how many siblings on paths are generalised in profiles.",
)
_SECCOMP_CONTAINERS = list_of(record({**texts("name", "path"), "spec": _SECCOMP_SPEC}))
SECCOMP_PROFILE = record(
    {
        "containers?": _SECCOMP_CONTAINERS,
        "initContainers?": _SECCOMP_CONTAINERS,
        "ephemeralContainers?": _SECCOMP_CONTAINERS,
    },
    "The system calls that the containers of one workload need.",
)

# Ours

SCAN_RUN = record(
    {
        "target": record(texts("kind", "name", "serverVersion?", "cloud?"), "What was scanned."),
        "trigger": TEXT,
        "subject?": Shape("string", description="posture, or images."),
        "scope?": Shape("string", description="everything, or part of the objects or controls."),
        "controls?": TEXTS,
        "frameworks?": TEXTS,
        "tool": record(texts("name", "version"), "By which rules."),
        "databaseBuiltAt?": TEXT,
    },
    "One scan: what it was asked for.",
)
SCAN_SCHEDULE = record(
    {
        "schedule": Shape("string", description="Five fields of cron."),
        "timeZone?": Shape("string", description="Such as Europe/Berlin; UTC where it is left out."),
        "subject?": Shape("string", description="posture, or images; posture where it is left out."),
        "suspend?": Shape("boolean", description="Whether nothing is due for now."),
    },
    "When scans are due. The operator creates a ScanRun for each moment.",
)
SCAN_SCHEDULE_STATUS = record(
    texts("lastRun?", "lastScheduleAt?", "nextScheduleAt?", "message?"),
    "What was ordered last, and what comes next.",
)
SCAN_RUN_STATUS = record(
    {
        **texts("phase", "startedAt", "finishedAt", "message"),
        "coverage": record(
            {
                "objects": INTEGER,
                "judged?": INTEGER,
                "images": INTEGER,
                "controls": INTEGER,
                "unread": INTEGER,
                "undecided?": INTEGER,
                "skippedNamespaces?": TEXTS,
                "unreadReasons?": map_of(INTEGER, "What could not be read, counted by reason."),
                "unreadPlaces?": list_of(record(texts("where", "reason", "why", "hint?"))),
                "skips?": list_of(record(texts("control", "kind", "why")), "Controls that judged nothing."),
            },
            "What was looked at, and what could not be read: absence of findings elsewhere says nothing.",
        ),
        "findings": _COUNTS,
        "accepted?": Shape("integer", description="Findings that someone accepts."),
        "score?": Shape("number", description="Compliance over all controls, in per cent."),
        "frameworkScores?": list_of(
            record(
                {
                    "name": TEXT,
                    "score?": NUMBER,
                    "controls": record(dict.fromkeys(("failed", "passed", "skipped"), INTEGER)),
                }
            ),
            "Compliance with each framework, in per cent; without a score where nothing was judged.",
        ),
        "changedAt?": Shape("string", description="When results changed last."),
        "seenAt?": Shape("string", description="When the scan that goes on last said that it does."),
    },
    "One scan: what came of it. A scan that failed replaces no results.",
)

IMAGE_SCAN = record(
    {
        "digest": Shape("string", description="By which nodes know the image."),
        "isId?": BOOLEAN,
        "sources?": list_of(
            record({"name": TEXT, "secrets?": TEXTS}), "Where it can be had, and Secrets that may open it."
        ),
        "usedBy?": TEXTS,
        "workloads?": INTEGER,
        "nodes?": TEXTS,
        "exposedBy?": TEXTS,
    },
    "An image that the cluster runs.",
)
IMAGE_SCAN_STATUS = record(
    {
        **texts("phase", "reason?", "hint?", "registry?", "image?", "imageId?", "manifest?"),
        "isMatched?": BOOLEAN,
        "vulnerabilities?": ANY,
        "accepted?": ANY,
        **texts("scannedAt?", "databaseBuiltAt?", "version?"),
        "seconds?": NUMBER,
        "isKept?": BOOLEAN,
        "tries?": INTEGER,
        "crashes?": INTEGER,
        "isFinal?": Shape("boolean", description="It is not tried again before something else changes."),
        **texts("since?", "startedAt?", "nextTry?", "registryFreeAt?", "heldBy?", "heldUntil?"),
        **texts("goneSince?", "circumstances?"),
    },
    "Its result, or why there is none, and when it is tried again.",
)

FINDING = record(
    {
        **texts("control", "title", "severity"),
        "scoreFactor": NUMBER,
        "object": record(texts("kind", "name", "namespace"), "The object that fails."),
        "paths": list_of(
            record(texts("failedPath", "fixPath", "fixPathValue", "fixCommand")), "Where, and the fix."
        ),
    },
    "One control that one object fails; worked out of its WorkloadConfigurationScan.",
)

# What all objects have

METADATA = record(
    {
        **texts("name", "generateName", "namespace", "uid", "resourceVersion", "selfLink"),
        **texts("creationTimestamp", "deletionTimestamp"),
        "generation": INTEGER,
        "deletionGracePeriodSeconds": INTEGER,
        "labels": TEXT_MAP,
        "annotations": TEXT_MAP,
        "finalizers": TEXTS,
        "ownerReferences": list_of(
            record(
                {
                    **texts("apiVersion", "kind", "name", "uid"),
                    "controller": BOOLEAN,
                    "blockOwnerDeletion": BOOLEAN,
                }
            )
        ),
        "managedFields": list_of(
            record(
                {
                    **texts("manager", "operation", "apiVersion", "time", "fieldsType", "subresource"),
                    "fieldsV1": map_of(ANY),
                }
            )
        ),
    }
)
