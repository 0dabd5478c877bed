"""Training of the shipped models: data, networks, losses, loop, evaluation and export."""
