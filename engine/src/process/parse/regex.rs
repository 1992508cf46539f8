//! The named groups of a regular expression.

use super::Sink;
use crate::process::pattern::Pattern;
use crate::process::record::{Part, Value};

/// Each group is a member, in the pattern's order; one that takes no part is null.
pub(super) fn parse<'a>(pattern: &'a Pattern, text: &[u8], sink: &mut Sink<'a, '_>) -> Option<()> {
    let groups = pattern.regex().captures(text)?;
    for (at, name) in pattern.regex().capture_names().enumerate() {
        let Some(name) = name else { continue };
        let value = groups.get(at).map_or(Value::Null, |found| Value::Text(sink.part(found.as_bytes())));
        sink.push(Part::from(name), value);
    }
    Some(())
}
