"""Pure decisions on arrays and records: no clock, disk, network, database, logging or randomness."""
