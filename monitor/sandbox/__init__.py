"""The simulated valley: made-up ground with known landslides as two satellites see it, for the demo and for tests."""
