"""RQ and only RQ: queues, tasks, schedule, sweep, and the one wiring in runtime."""
