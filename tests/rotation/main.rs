//! The whole agent as a process, from growing files to a file or standard output.

mod agent;
mod follow;
mod holes;
mod output;
mod restart;
mod rotators;
mod scarce;
mod unread;
