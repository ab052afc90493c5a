"""The flags of ``leadline image sbom`` and ``leadline image scan``."""

from leadline.programs.cli.words.flag import Flag

FLAGS = (
    Flag(
        ("-f", "--format"),
        "texts",
        "table, spdx-json, cyclonedx-json, syft-json. A list, with commas or repeated.",
        "NAMES",
    ),
    Flag(("-o", "--output"), "text", "Write there; several formats add their suffixes.", "FILE", ""),
    Flag(("-v", "--verbose"), "switch", "Every package and every place."),
    Flag(("-q", "--quiet"), "switch", "No remarks on stderr but errors."),
    Flag(("--fail-on",), "texts", "Exit 1 when something could not be read.", "unread"),
    Flag(("--digests",), "switch", "In documents: checksums of the files that packages were found in."),
    Flag(("--platform",), "text", "Which image of several, such as linux/arm64.", "OS/ARCH", ""),
    Flag(("-u", "--username"), "text", "For the registry; else Docker's settings.", "NAME", ""),
    Flag(("--password-stdin",), "switch", "Read the password from standard input."),
    Flag(("--insecure",), "switch", "Accept any certificate of the registry, or none at all."),
    Flag(("--ca-file",), "text", "Certificates to trust, PEM.", "FILE", ""),
    Flag(("--mirror",), "texts", "Ask HOST before REGISTRY. May be repeated.", "REGISTRY=HOST"),
    Flag(("--no-cache",), "switch", "Read every layer anew and remember nothing."),
    Flag(("--no-color",), "switch", "No colour."),
    Flag(("--debug",), "switch", "Logs and tracebacks on stderr."),
)

SCAN_FLAGS = (
    Flag(("--severity-threshold",), "text", "Refused until vulnerabilities are matched.", "SEVERITY", ""),
    *FLAGS,
)
