//! How the agent tells how it is.
