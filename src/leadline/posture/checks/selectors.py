"""Label selectors, compiled."""

from leadline.kube.selector import compile_pairs, compile_selector, without_controller_labels

__all__ = ["compile_pairs", "compile_selector", "without_controller_labels"]
