"""What a person or a pod starts; the only place that wires sources, engines and outputs."""
