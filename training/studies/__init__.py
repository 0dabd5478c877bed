"""Published studies that can be made again: their tables, and every row as an experiment."""
