"""For the people who run it: command line, doctor, embedded services, telemetry, health."""
