//! Runs the agent: configuration to store, sinks, engine and driver, to the exit code.
