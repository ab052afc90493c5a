"""The flags of ``leadline scan``."""

from leadline.programs.cli.words.flag import Flag

_LIST = "A list, with commas or repeated."

FLAGS = (
    Flag(("-f", "--format"), "texts", f"pretty, lines, json, sarif … {_LIST}", "NAME"),
    Flag(("-o", "--output"), "text", "Write there; several formats add their suffixes.", "FILE", ""),
    Flag(("-v", "--verbose"), "switch", "Every finding with its lines and its fix."),
    Flag(("--verbose-coverage",), "switch", "Why each control that judged nothing did not."),
    Flag(("-q", "--quiet"), "switch", "No remarks on stderr but errors."),
    Flag(("--severity-threshold",), "text", "Exit 1 on a finding at or above it.", "SEVERITY", ""),
    Flag(("--compliance-threshold",), "number", "Exit 1 on a score below it.", "PER_CENT"),
    Flag(("--fail-on",), "texts", "Exit 1 when something could not be read.", "unread"),
    Flag(("--min-severity",), "text", "Show nothing below it; gates see all.", "SEVERITY", "unknown"),
    Flag(("--include-namespaces",), "texts", f"Judge only these. {_LIST}", "NAMES"),
    Flag(("-e", "--exclude-namespaces"), "texts", f"Judge all but these. {_LIST}", "NAMES"),
    Flag(("--exclude-path",), "texts", "Leave files out, as .gitignore writes it.", "PATTERN"),
    Flag(("--exclude-controls",), "texts", f"Leave controls out. {_LIST}", "IDS"),
    Flag(("--controls-config",), "text", "Settings of controls: JSON, YAML or TOML.", "FILE", ""),
    Flag(("--controls",), "texts", "Your own controls, Python files; they are run.", "FOLDER"),
    Flag(("--framework-file",), "texts", "Your own framework, TOML.", "FILE"),
    Flag(("--context", "--kube-context"), "text", "The context of the kubeconfig.", "NAME", ""),
    Flag(("--kubeconfig",), "text", "Another kubeconfig.", "FILE", ""),
    Flag(("--values",), "texts", "Values for Helm charts; later files win.", "FILE"),
    Flag(("--set",), "texts", "A value for Helm charts.", "KEY=VALUE"),
    Flag(("--set-string",), "texts", "A value that is text.", "KEY=VALUE"),
    Flag(("--kube-version",), "text", "The Kubernetes version charts are rendered for.", "VERSION", ""),
    Flag(("--api-versions",), "texts", "API versions that charts may count on.", "GROUP/VERSION"),
    Flag(("--no-color",), "switch", "No colour; NO_COLOR does the same."),
    Flag(("--debug",), "switch", "Tracebacks and a log on stderr."),
)
