"""Network architectures, written in plain torch."""
