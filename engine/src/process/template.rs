//! Texts with placeholders: `{hostname}`, `{file}`, `{field.NAME}` and so on; `{{` and `}}` are braces.

mod kubernetes;

pub use kubernetes::Kubernetes;

/// A text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(pub(super) Vec<Piece>);

/// What a template is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Slot(Slot),
}

/// What a placeholder stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The host's name.
    Hostname,
    /// The path under which the file was first seen.
    File,
    /// The last part of that.
    Basename,
    /// The offset of the line's first byte.
    Offset,
    /// The flow's name.
    Flow,
    /// When the line was processed: UTC with milliseconds.
    Timestamp,
    /// The record as text, as it is before it is parsed.
    Line,
    /// A member of the record.
    Field(String),
    /// A named group of the step's pattern for the path.
    Path(String),
    /// What the kubelet's path tells of a container.
    Kubernetes(Kubernetes),
    /// What io found out, by the placeholder's name: `env.HOME`, `ec2.instance_id`.
    Fact(String),
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its other.
    #[error("a single brace")]
    Brace,
    /// Not a known placeholder.
    #[error("no placeholder is called `{0}`")]
    Unknown(String),
}

/// The placeholders that need no further name, and examples of those that do.
pub const PLACEHOLDERS: [&str; 17] = [
    "hostname",
    "file",
    "basename",
    "offset",
    "flow",
    "timestamp",
    "line",
    "kubernetes.namespace",
    "kubernetes.pod",
    "kubernetes.pod_uid",
    "kubernetes.container",
    "kubernetes.container_id",
    "field.NAME",
    "path.NAME",
    "env.NAME",
    "ec2.instance_id",
    "ec2.availability_zone",
];

impl Template {
    /// Reads it.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..];
            if brace.starts_with("{{") || brace.starts_with("}}") {
                literal.push_str(&brace[..1]);
                rest = &brace[2..];
                continue;
            }
            let inner = brace.strip_prefix('{').ok_or(TemplateError::Brace)?;
            let (name, after) = inner.split_once('}').ok_or(TemplateError::Brace)?;
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Slot(Slot::parse(name)?));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Self(pieces))
    }

    /// Its placeholders.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Slot(slot) => Some(slot),
            Piece::Text(_) => None,
        })
    }
}

impl std::fmt::Display for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}")),
            Piece::Slot(slot) => write!(f, "{{{}}}", slot.name()),
        })
    }
}

impl Slot {
    fn parse(name: &str) -> Result<Self, TemplateError> {
        let unknown = || TemplateError::Unknown(name.to_owned());
        Ok(match (name, name.split_once('.')) {
            ("hostname", _) => Self::Hostname,
            ("file", _) => Self::File,
            ("basename", _) => Self::Basename,
            ("offset", _) => Self::Offset,
            ("flow", _) => Self::Flow,
            ("timestamp", _) => Self::Timestamp,
            ("line", _) => Self::Line,
            (_, Some(("field", name))) if !name.is_empty() => Self::Field(name.to_owned()),
            (_, Some(("path", name))) if !name.is_empty() => Self::Path(name.to_owned()),
            (_, Some(("env" | "ec2", part))) if !part.is_empty() => Self::Fact(name.to_owned()),
            (_, Some(("kubernetes", part))) => Self::Kubernetes(Kubernetes::parse(part).ok_or_else(unknown)?),
            _ => return Err(unknown()),
        })
    }

    /// As it is written between braces.
    pub fn name(&self) -> String {
        match self {
            Self::Hostname => "hostname".to_owned(),
            Self::File => "file".to_owned(),
            Self::Basename => "basename".to_owned(),
            Self::Offset => "offset".to_owned(),
            Self::Flow => "flow".to_owned(),
            Self::Timestamp => "timestamp".to_owned(),
            Self::Line => "line".to_owned(),
            Self::Field(name) => format!("field.{name}"),
            Self::Path(name) => format!("path.{name}"),
            Self::Kubernetes(part) => format!("kubernetes.{}", part.name()),
            Self::Fact(name) => name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_read_and_written_back() {
        for text in ["", "plain", "{hostname}", "a{{b}}{file}-{offset}", "{field.a b}{env.HOME}{path.app}"] {
            assert_eq!(Template::parse(text).expect(text).to_string(), text);
        }
        assert_eq!(Template::parse("a{b"), Err(TemplateError::Brace));
        assert_eq!(Template::parse("a}b"), Err(TemplateError::Brace));
        assert_eq!(Template::parse("{hostnam}"), Err(TemplateError::Unknown("hostnam".into())));
        assert_eq!(Template::parse("{field.}"), Err(TemplateError::Unknown("field.".into())));
    }
}
