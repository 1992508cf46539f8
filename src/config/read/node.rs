//! Values whose form only their feature knows: read as they are, each part with its place.

use super::Reader;
use crate::config::env;
use crate::config::section::{Node, What};
use toml::Spanned;
use toml::de::DeValue;

impl Reader<'_> {
    /// `None` when an error was noted.
    pub(super) fn node(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Node> {
        let spot = self.spot(value.span());
        let what = match value.get_ref() {
            DeValue::String(text) => match env::expand(text, self.lookup) {
                Ok(text) => What::Text(text),
                Err(error) => {
                    self.env_error(&error, spot);
                    return None;
                }
            },
            DeValue::Boolean(value) => What::Bool(*value),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => What::Integer(number),
                Err(_) => What::Other,
            },
            DeValue::Float(number) => number.as_str().parse().map_or(What::Other, What::Float),
            DeValue::Array(items) => {
                What::List(items.iter().map(|item| self.node(item)).collect::<Option<_>>()?)
            }
            DeValue::Table(table) => {
                let member = |(name, value): (&Spanned<_>, _)| {
                    let text: &std::borrow::Cow<'_, str> = name.get_ref();
                    Some((text.to_string(), self.spot(name.span()), self.node(value)?))
                };
                let mut members: Vec<_> = table.iter().map(member).collect::<Option<_>>()?;
                // In the order in which they were written.
                members.sort_by_key(|(_, spot, _)| spot.start);
                What::Table(members)
            }
            DeValue::Datetime(_) => What::Other,
        };
        Some(Node { spot, what })
    }
}
