//! Values to add, and what their placeholders need.

use super::Resolver;
use crate::config::diagnostic::Spot;
use crate::config::section::{Node, What};
use kintail_engine::process::{Content, Slot, Template};
use serde_json::{Value, json};

impl Resolver<'_> {
    /// The members of a table; `path` are the names of the path's groups.
    pub(super) fn contents(&mut self, node: &Node, path: &[String]) -> Option<Vec<(String, Content)>> {
        self.named(node, |this, node| this.content(node, path))
    }

    fn content(&mut self, node: &Node, path: &[String]) -> Option<Content> {
        match &node.what {
            What::Text(_) => Some(Content::Text(self.template(node, path)?)),
            What::Table(_) => Some(Content::Table(self.contents(node, path)?)),
            _ => match plain(node) {
                Some(value) => Some(Content::Json(value.to_string())),
                None => self.wrong(node, "not a value that JSON has", "write it in quotes"),
            },
        }
    }

    /// Whether all placeholders stand for something; notes what the environment says.
    pub(super) fn known(&mut self, template: &Template, spot: &Spot, path: &[String]) -> bool {
        let before = self.errors.count();
        for slot in template.slots() {
            match slot {
                Slot::Path(name) if !path.contains(name) => {
                    let help = "write path = '^/srv/(?<NAME>[^/]+)/' beside it, for {path.NAME}";
                    self.errors.push(spot.clone(), "no named group of the path", help);
                }
                Slot::Fact(name) => self.fact(name, spot),
                _ => {}
            }
        }
        self.errors.count() == before
    }

    fn fact(&mut self, name: &str, spot: &Spot) {
        let Some(variable) = name.strip_prefix("env.") else {
            let title = "placeholders of EC2 are not in this version";
            return self.errors.push(spot.clone(), title, "leave it out");
        };
        match (self.lookup)(variable).map(std::ffi::OsString::into_string) {
            Some(Ok(value)) => drop(self.facts.insert(name.to_owned(), value)),
            Some(Err(_)) => self.errors.push(spot.clone(), "the environment variable is not UTF-8", ""),
            None => {
                let help = "set it, or write ${NAME:-default} for a variable that may be missing";
                self.errors.push(spot.clone(), "the environment variable is not set", help);
            }
        }
    }
}

/// What holds no placeholders, as JSON.
fn plain(node: &Node) -> Option<Value> {
    Some(match &node.what {
        What::Text(text) => json!(text),
        What::Bool(value) => json!(value),
        What::Integer(number) => json!(number),
        What::Float(number) => Value::Number(serde_json::Number::from_f64(*number)?),
        What::List(items) => Value::Array(items.iter().map(plain).collect::<Option<_>>()?),
        What::Table(_) | What::Other => return None,
    })
}
