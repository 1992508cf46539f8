//! kintail
fn main() {}
