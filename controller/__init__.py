"""The only place where jobs meet machines: scheduling, stations, recovery, API, command line."""
