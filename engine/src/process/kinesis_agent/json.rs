//! JSON as the Kinesis Agent writes it: members in their order, compact or indented, other letters than ASCII as they are.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use std::fmt;

/// A value, its members in the order in which they were written.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// Members; each name once.
    Object(Vec<(String, Json)>),
}

/// How much white space there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// None, on one line.
    #[default]
    Compact,
    /// Two spaces a level.
    Pretty,
}

impl Json {
    /// An object; a member whose name comes again keeps its place and gets the later value.
    pub(super) fn object(members: impl IntoIterator<Item = (String, Self)>) -> Self {
        let mut object: Vec<(String, Self)> = Vec::new();
        for (name, value) in members {
            match object.iter_mut().find(|(known, _)| *known == name) {
                Some(member) => member.1 = value,
                None => object.push((name, value)),
            }
        }
        Self::Object(object)
    }

    /// Writes it, and a newline.
    pub(super) fn line(&self, form: Form) -> Vec<u8> {
        let mut out = String::new();
        self.write(&mut out, form, 0);
        out.push('\n');
        out.into_bytes()
    }

    fn write(&self, out: &mut String, form: Form, depth: usize) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(is) => out.push_str(if *is { "true" } else { "false" }),
            Self::Number(number) => out.push_str(&written(number)),
            Self::Text(text) => quote(text, out),
            Self::List(items) => list(items, out, form, depth),
            Self::Object(members) => object(members, out, form, depth),
        }
    }
}

fn object(members: &[(String, Json)], out: &mut String, form: Form, depth: usize) {
    let indented = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    out.push('{');
    for (number, (name, value)) in members.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        match form {
            Form::Compact => {
                quote(name, out);
                out.push(':');
            }
            Form::Pretty => {
                indented(out, depth + 1);
                quote(name, out);
                out.push_str(" : ");
            }
        }
        value.write(out, form, depth + 1);
    }
    match form {
        Form::Compact => {}
        Form::Pretty if members.is_empty() => out.push(' '),
        Form::Pretty => indented(out, depth),
    }
    out.push('}');
}

fn list(items: &[Json], out: &mut String, form: Form, depth: usize) {
    let space = if form == Form::Pretty { " " } else { "" };
    out.push('[');
    for (number, item) in items.iter().enumerate() {
        out.push_str(if number > 0 { "," } else { "" });
        out.push_str(space);
        item.write(out, form, depth);
    }
    out.push_str(space);
    out.push(']');
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if control < ' ' => out.extend(format!("\\u{:04X}", control as u32).chars()),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// A number as Java writes a long or a double.
fn written(number: &Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    if float == 0.0 || (1e-3..1e7).contains(&float.abs()) {
        return format!("{float:?}");
    }
    let text = format!("{float:e}");
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    let fraction = if digits.contains('.') { "" } else { ".0" };
    format!("{digits}{fraction}E{power}")
}

/// Compact.
impl fmt::Display for Json {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.write(&mut out, Form::Compact, 0);
        to.write_str(&out)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, is: bool) -> Result<Json, E> {
        Ok(Json::Bool(is))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Number::from_f64(number).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            members.push(entry);
        }
        Ok(Json::object(members))
    }
}
