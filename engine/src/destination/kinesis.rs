//! The pure half of Kinesis Data Streams.
