"""The report of a model: one HTML file with figures, tables and pictures inside, readable without a network."""
