//! The pure half of Firehose.
