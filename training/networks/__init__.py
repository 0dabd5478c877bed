"""Network definitions, and the one place that builds them from an experiment."""
