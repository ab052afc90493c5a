"""The Prometheus exporter: follows the stored results, keeps sums of them, answers scrapes from these alone."""
