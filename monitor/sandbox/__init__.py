"""The simulated valley: Sentinel-2-like scenes of made-up ground with known landslides, for the demo and for tests."""
