"""Data sets as published, read into one kind of labelled chips (`training.samples.Samples`), and cut anew."""
