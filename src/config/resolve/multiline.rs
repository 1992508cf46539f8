//! Which lines belong together.

use super::Resolver;
use crate::config::section::Section;
use kintail_engine::multiline::{Join, Language, Multiline};
use kintail_engine::process::Pattern;
use std::sync::Arc;

/// The ways to join lines, of which a flow has one.
const WAYS: [&str; 4] = ["start", "continue", "end", "preset"];

impl Resolver<'_> {
    /// How a flow joins lines, if it does.
    pub(super) fn multiline(&mut self, flow: &Section) -> Option<Arc<Multiline>> {
        flow.written("multiline")?;
        let section = flow.table("multiline");
        let mut written: Vec<_> = WAYS
            .into_iter()
            .filter_map(|name| section.written(name).map(|places| (places.key.clone(), name)))
            .collect();
        written.sort();
        let join = match &written[..] {
            [(_, name)] => self.join(section, name)?,
            [] => {
                let help = format!("write one of {}", WAYS.join(", "));
                self.errors.push(flow.spot("multiline"), "nothing tells which lines belong together", help);
                return None;
            }
            [first, second, ..] => {
                let also = (first.0.clone(), "the first one");
                let help = "write one of them; a pattern may have alternatives: a|b";
                self.errors.push_pair(second.0.clone(), "two ways to join lines", also, help);
                return None;
            }
        };
        Some(Arc::new(Multiline {
            join,
            max_wait: section.time("max_wait").unwrap_or_default(),
            max_lines: section.count("max_lines") as u32,
            max_bytes: section.size("max_bytes").unwrap_or_default(),
        }))
    }

    fn join(&mut self, section: &Section, name: &str) -> Option<Join> {
        if name == "preset" {
            return Some(Join::Trace(match section.chosen("preset")? {
                "python" => Language::Python,
                "go" => Language::Go,
                "ruby" => Language::Ruby,
                _ => Language::Java,
            }));
        }
        let pattern = self.line_pattern(section, name)?;
        Some(match name {
            "start" => Join::Start(pattern),
            "continue" => Join::Continue(pattern),
            _ => Join::End(pattern),
        })
    }

    fn line_pattern(&mut self, section: &Section, name: &str) -> Option<Pattern> {
        let spot = section.spot(name);
        if let Some(text) = section.text(name) {
            self.compiled(text, &spot)
        } else {
            if !section.faulty(name) {
                self.errors.push(spot, "an empty pattern", "it would match every line");
            }
            None
        }
    }
}
