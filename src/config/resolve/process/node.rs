//! Values whose form a step knows: texts, lists, patterns, templates, tables of certain keys.

use super::Resolver;
use crate::config::diagnostic::Spot;
use crate::config::schema::nearest;
use crate::config::section::{Node, What};
use kintail_engine::process::{Pattern, Template, TemplateError};

/// Each gives `None` when an error was noted.
impl Resolver<'_> {
    pub(super) fn pattern(&mut self, node: &Node) -> Option<Pattern> {
        let text = self.word(node)?;
        self.compiled(&text, &node.spot)
    }

    /// A regular expression.
    pub(in crate::config::resolve) fn compiled(&mut self, text: &str, spot: &Spot) -> Option<Pattern> {
        match Pattern::new(text) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let help = "a regular expression as of the regex crate; in single quotes \\ is itself";
                self.errors.push(spot.clone(), format!("not a pattern: {error}"), help);
                None
            }
        }
    }

    /// A text with placeholders; `path` are the names of the path's groups.
    pub(super) fn template(&mut self, node: &Node, path: &[String]) -> Option<Template> {
        let text = self.word(node)?;
        match Template::parse(&text) {
            Ok(template) => self.known(&template, &node.spot, path).then_some(template),
            Err(TemplateError::Brace) => {
                self.wrong(node, "a brace without its other", "write {{ and }} for braces")
            }
            Err(TemplateError::Unknown(name)) => {
                let known = kintail_engine::process::PLACEHOLDERS;
                let help = match nearest(&name, known.into_iter()) {
                    Some(near) => format!("did you mean {{{near}}}? Write {{{{ for a brace"),
                    None => format!("known are {}; write {{{{ for a brace", known.join(", ")),
                };
                self.wrong(node, "not a placeholder", &help)
            }
        }
    }

    /// A text.
    pub(super) fn word(&mut self, node: &Node) -> Option<String> {
        match &node.what {
            What::Text(text) => Some(text.clone()),
            _ => self.wrong(node, "not a text", "write it in quotes"),
        }
    }

    pub(super) fn words(&mut self, node: &Node) -> Option<Vec<String>> {
        match &node.what {
            What::List(items) => items.iter().map(|item| self.word(item)).collect(),
            _ => self.wrong(node, "not a list", "write it like [\"a\", \"b\"]"),
        }
    }

    /// All members of a table.
    pub(super) fn named<T>(
        &mut self,
        node: &Node,
        read: impl Fn(&mut Self, &Node) -> Option<T>,
    ) -> Option<Vec<(String, T)>> {
        let What::Table(members) = &node.what else {
            return self.wrong(node, "not a table", "write it like { name = … }");
        };
        members.iter().map(|(name, _, node)| Some((name.clone(), read(self, node)?))).collect()
    }

    /// That a table has no members but these; `form` helps where none is near.
    pub(super) fn only(
        &mut self,
        members: &[(String, Spot, Node)],
        names: &[&'static str],
        form: impl FnOnce() -> String,
    ) -> Option<()> {
        let is_known = |name: &str| names.contains(&name);
        let Some((name, spot, _)) = members.iter().find(|(name, ..)| !is_known(name)) else {
            return Some(());
        };
        let help = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => form(),
        };
        self.errors.push(spot.clone(), format!("unknown key `{name}`"), help);
        None
    }

    /// The members of a table that has exactly these.
    pub(super) fn parts<'n, const N: usize>(
        &mut self,
        node: &'n Node,
        names: [&'static str; N],
    ) -> Option<[&'n Node; N]> {
        let form = format!("write {{ {} }}", names.map(|name| format!("{name} = …")).join(", "));
        let What::Table(members) = &node.what else {
            return self.wrong(node, "not a table", &form);
        };
        self.only(members, &names, || form.clone())?;
        let find = |name: &str| members.iter().find(|(found, ..)| found == name).map(|(.., node)| node);
        let found = names.map(find);
        if found.contains(&None) {
            return self.wrong(node, "a key is missing", &form);
        }
        Some(found.map(|node| node.unwrap_or_else(|| unreachable!("all are there"))))
    }

    pub(super) fn wrong<T>(&mut self, node: &Node, title: &str, help: &str) -> Option<T> {
        self.errors.push(node.spot.clone(), title, help);
        None
    }
}
