//! Types of members.

use super::Resolver;
use crate::config::schema::nearest;
use crate::config::section::{Node, What};
use kintail_engine::process::{Time, Type, is_time_format, zone};

const NAMES: [&str; 4] = ["integer", "number", "boolean", "timestamp"];

impl Resolver<'_> {
    /// `None` when an error was noted.
    pub(super) fn types(&mut self, node: &Node) -> Option<Vec<(String, Type)>> {
        self.named(node, Self::member_type)
    }

    fn member_type(&mut self, node: &Node) -> Option<Type> {
        match &node.what {
            What::Text(text) => match text.as_str() {
                "integer" => Some(Type::Integer),
                "number" => Some(Type::Number),
                "boolean" => Some(Type::Boolean),
                "timestamp" => self.time(node, None, None),
                _ => {
                    let help =
                        nearest(text, NAMES.into_iter()).map(|near| format!("did you mean \"{near}\"?"));
                    self.not_a_type(node, help)
                }
            },
            What::Table(members) => {
                let find = |name| members.iter().find(|(found, ..)| found == name).map(|(.., node)| node);
                if let Some((name, spot, _)) =
                    members.iter().find(|(name, ..)| name != "timestamp" && name != "zone")
                {
                    let help = "write { timestamp = \"%d/%b/%Y\", zone = \"UTC\" }";
                    self.errors.push(spot.clone(), format!("unknown key `{name}`"), help);
                    return None;
                }
                self.time(node, find("timestamp"), find("zone"))
            }
            _ => self.not_a_type(node, None),
        }
    }

    fn not_a_type(&mut self, node: &Node, help: Option<String>) -> Option<Type> {
        let known = || format!("write one of {}, or {{ timestamp = FORMAT, zone = ZONE }}", NAMES.join(", "));
        self.wrong(node, "not a type", &help.unwrap_or_else(known))
    }

    fn time(&mut self, _node: &Node, format: Option<&Node>, place: Option<&Node>) -> Option<Type> {
        let zone_name = match place {
            Some(place) => self.word(place)?,
            None => "UTC".to_owned(),
        };
        let Some(zone) = zone(&zone_name) else {
            return place.and_then(|place| {
                self.wrong(
                    place,
                    "not a time zone",
                    "name it as the tz database does: \"Europe/Berlin\", \"UTC\"",
                )
            });
        };
        let format = match format {
            None => None,
            Some(node) => {
                let text = self.word(node)?;
                if !is_time_format(&text) {
                    let help = "as for strptime: \"%d/%b/%Y:%H:%M:%S %z\"";
                    return self.wrong(node, "not a format of times", help);
                }
                Some(text)
            }
        };
        Some(Type::Timestamp(Time { format, zone, zone_name }))
    }
}
