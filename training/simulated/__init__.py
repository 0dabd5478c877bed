"""A set like Landslide4Sense, all 14 bands, made of simulated valleys: it proves the path, not the skill."""
