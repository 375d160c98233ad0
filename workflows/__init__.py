"""What is asked of the engine: graphs as data and the pure functions that turn a request into one."""
