//! kintail
