//! Reads TOML by the schema: every error is noted and reading goes on, with the default in the wrong value's place.

use super::diagnostic::{Error, Spot};
use super::env::{self, EnvError, Lookup};
use super::schema::{self, Default, Key, Kind, Table};
use super::section::{Places, Section, Value};
use super::units::{self, UnitError};
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads one file.
pub(super) struct Reader<'a> {
    pub(super) errors: &'a mut Error,
    /// The file's number.
    pub(super) file: usize,
    pub(super) lookup: Lookup<'a>,
}

/// Why a value is wrong, and what would be right.
struct Fault {
    title: String,
    help: String,
}

impl Fault {
    fn new(title: impl Into<String>, help: impl Into<String>) -> Self {
        Self { title: title.into(), help: help.into() }
    }
}

impl Reader<'_> {
    /// Reads a whole file; `None` if it is no TOML at all.
    pub(super) fn document(&mut self, text: &str, schema: &'static Table) -> Option<Section> {
        match DeTable::parse(text) {
            Ok(table) => Some(self.section(table.get_ref(), Spot::new(self.file, 0..0), schema)),
            Err(error) => {
                let spot = error.span().map(|span| self.spot(span));
                self.errors.push(spot, error.message(), "");
                None
            }
        }
    }

    fn spot(&self, span: std::ops::Range<usize>) -> Spot {
        Spot::new(self.file, span)
    }

    fn section(&mut self, table: &DeTable<'_>, spot: Spot, schema: &'static Table) -> Section {
        let mut section = Section { spot, values: BTreeMap::new(), places: BTreeMap::new() };
        for (name, value) in table {
            match schema.key(name.get_ref()) {
                Some(key) => {
                    let places = Places { key: self.spot(name.span()), value: self.spot(value.span()) };
                    section.values.insert(key.name, self.value(key, value, &places));
                    section.places.insert(key.name, places);
                }
                None => self.unknown(name, schema),
            }
        }
        for key in schema.keys {
            if matches!(section.values.get(key.name), None | Some(Value::Faulty))
                && let Some(default) = self.default(key)
            {
                section.values.insert(key.name, default);
            }
        }
        section
    }

    fn unknown(&mut self, name: &Spanned<std::borrow::Cow<'_, str>>, schema: &Table) {
        let text = name.get_ref();
        let help = if schema::ROOT.key(text).is_some() {
            "files in conf.d add flows only; move it to the main file".to_owned()
        } else if let Some(near) = schema.nearest(text) {
            format!("did you mean `{near}`?")
        } else if let Some(home) = schema::home_of(text) {
            format!("it belongs in {home}")
        } else {
            let names: Vec<_> = schema.keys.iter().map(|key| key.name).collect();
            format!("known here: {}", names.join(", "))
        };
        self.errors.push(self.spot(name.span()), format!("unknown key `{text}`"), help);
    }

    /// What holds when the key is not written.
    fn default(&mut self, key: &Key) -> Option<Value> {
        match (key.kind, key.default) {
            (_, Default::Is(text)) => {
                let value = DeValue::parse(text).expect("the schema's defaults are TOML");
                scalar(key, value.get_ref(), None).ok()
            }
            (Kind::Table(schema), _) => {
                Some(Value::Table(self.section(&DeTable::new(), Spot::new(self.file, 0..0), schema)))
            }
            _ => None,
        }
    }

    fn value(&mut self, key: &Key, value: &Spanned<DeValue<'_>>, places: &Places) -> Value {
        let read = match (key.kind, value.get_ref()) {
            (Kind::Table(schema) | Kind::TextOrTable(_, schema), DeValue::Table(table)) => {
                Value::Table(self.section(table, places.value.clone(), schema))
            }
            (Kind::Tables(schema), DeValue::Array(list)) => Value::Tables(self.tables(key, list, schema)),
            (Kind::Texts, DeValue::Array(list)) => Value::Texts(self.texts(key, list)),
            (_, inner) => self.scalar(key, inner, places),
        };
        if key.later && read != Value::Faulty && Some(&read) != self.default(key).as_ref() {
            let help = match key.default {
                Default::Is(default) => format!("leave it out, or at its default: {} = {default}", key.name),
                Default::None(_) => "leave it out".to_owned(),
            };
            let title = format!("`{}` is not in this version", key.name);
            self.errors.push(places.key.clone(), title, help);
        }
        read
    }

    fn scalar(&mut self, key: &Key, value: &DeValue<'_>, places: &Places) -> Value {
        let text = match value.as_str().map(|text| env::expand(text, self.lookup)).transpose() {
            Ok(text) => text,
            Err(error) => {
                self.env_error(&error, places.value.clone());
                return Value::Faulty;
            }
        };
        match (key.kind, scalar(key, value, text)) {
            (Kind::TextOrTable(name, schema), Ok(text)) => {
                let mut section = self.section(&DeTable::new(), places.value.clone(), schema);
                section.values.insert(name, text);
                section.places.insert(name, places.clone());
                Value::Table(section)
            }
            (_, Ok(value)) => value,
            (_, Err(fault)) => {
                self.errors.push(places.value.clone(), fault.title, fault.help);
                Value::Faulty
            }
        }
    }

    fn env_error(&mut self, error: &EnvError, spot: Spot) {
        let help = match error {
            EnvError::Unset(name) => format!("set it, or give a default: ${{{name}:-default}}"),
            EnvError::NotText(_) => String::new(),
            EnvError::Open | EnvError::Form => "write $${ for a literal ${".to_owned(),
        };
        self.errors.push(spot, error.to_string(), help);
    }

    fn texts(&mut self, key: &Key, list: &[Spanned<DeValue<'_>>]) -> Vec<(String, Spot)> {
        let mut texts = Vec::new();
        for item in list {
            let spot = self.spot(item.span());
            match item.get_ref().as_str().map(|text| env::expand(text, self.lookup)) {
                Some(Ok(text)) => texts.push((text, spot)),
                Some(Err(error)) => self.env_error(&error, spot),
                None => {
                    let fault = wrong_type(key, item.get_ref());
                    self.errors.push(spot, fault.title, fault.help);
                }
            }
        }
        texts
    }

    fn tables(&mut self, key: &Key, list: &[Spanned<DeValue<'_>>], schema: &'static Table) -> Vec<Section> {
        let mut sections = Vec::new();
        for item in list {
            let spot = self.spot(item.span());
            if let Some(table) = item.get_ref().as_table() {
                sections.push(self.section(table, spot, schema));
            } else {
                let fault = wrong_type(key, item.get_ref());
                self.errors.push(spot, fault.title, fault.help);
            }
        }
        sections
    }
}

/// Reads a value that holds no others. `text` is the string with its variables replaced.
fn scalar(key: &Key, value: &DeValue<'_>, text: Option<String>) -> Result<Value, Fault> {
    let text = text.or_else(|| value.as_str().map(str::to_owned));
    match (key.kind, value, text) {
        (Kind::Any, ..) => Ok(Value::Any),
        (Kind::Bool, DeValue::Boolean(value), _) => Ok(Value::Bool(*value)),
        (Kind::Count(least, most), DeValue::Integer(number), _) => {
            let count = u64::from_str_radix(number.as_str(), number.radix()).ok();
            count.filter(|count| (least..=most).contains(count)).map(Value::Count).ok_or_else(|| {
                Fault::new(format!("`{}` is out of range", key.name), bounds(least, most, &|n| n.to_string()))
            })
        }
        (Kind::Texts, DeValue::Array(list), _) if list.is_empty() => Ok(Value::Texts(Vec::new())),
        (Kind::Text | Kind::TextOrTable(..), _, Some(text)) => Ok(Value::Text(text)),
        (Kind::SizeOrNever | Kind::TimeOrNever, _, Some(text)) if text == "never" => Ok(Value::Never),
        (Kind::Size(least, most), _, Some(text)) => size(key, &text, least, most),
        (Kind::SizeOrNever, _, Some(text)) => size(key, &text, 0, u64::MAX),
        (Kind::Time(least, most), _, Some(text)) => time(key, &text, least, most),
        (Kind::TimeOrNever, _, Some(text)) => time(key, &text, 1, u64::MAX),
        (Kind::Choice(now, later), _, Some(text)) => choice(key, &text, now, later),
        _ => Err(wrong_type(key, value)),
    }
}

fn size(key: &Key, text: &str, least: u64, most: u64) -> Result<Value, Fault> {
    let fault =
        |error: UnitError| Fault::new(format!("`{}`: {error}", key.name), or_never(key, units::SIZE_HELP));
    let bytes = units::parse_size(text).map_err(fault)?;
    if !(least..=most).contains(&bytes) {
        let help = bounds(least, most, &units::format_size);
        return Err(Fault::new(format!("`{}` is out of range", key.name), help));
    }
    Ok(Value::Size(bytes))
}

fn time(key: &Key, text: &str, least: u64, most: u64) -> Result<Value, Fault> {
    let fault =
        |error: UnitError| Fault::new(format!("`{}`: {error}", key.name), or_never(key, units::TIME_HELP));
    let time = units::parse_time(text).map_err(fault)?;
    if !(u128::from(least)..=u128::from(most)).contains(&time.as_millis()) {
        let show = |ms| units::format_time(std::time::Duration::from_millis(ms));
        return Err(Fault::new(format!("`{}` is out of range", key.name), bounds(least, most, &show)));
    }
    Ok(Value::Time(time))
}

fn or_never(key: &Key, help: &str) -> String {
    match key.kind {
        Kind::SizeOrNever | Kind::TimeOrNever => format!("{help}; or \"never\""),
        _ => help.to_owned(),
    }
}

fn bounds(least: u64, most: u64, show: &dyn Fn(u64) -> String) -> String {
    match most {
        u64::MAX => format!("at least {}", show(least)),
        _ => format!("from {} to {}", show(least), show(most)),
    }
}

fn choice(
    key: &Key,
    text: &str,
    now: &'static [&'static str],
    later: &'static [&'static str],
) -> Result<Value, Fault> {
    let all = || now.iter().chain(later).copied();
    let quoted =
        |words: &[&str]| words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ");
    if let Some(word) = now.iter().find(|word| **word == text) {
        return Ok(Value::Word(word));
    }
    if later.contains(&text) {
        let title = format!("`{} = \"{text}\"` is not in this version", key.name);
        return Err(Fault::new(title, format!("write {}", quoted(now))));
    }
    let help = schema::nearest(text, all()).map(|near| format!("did you mean \"{near}\"?"));
    Err(Fault::new(
        format!("`{}` is one of {}", key.name, quoted(&all().collect::<Vec<_>>())),
        help.unwrap_or_else(|| key.doc.to_owned()),
    ))
}

fn wrong_type(key: &Key, value: &DeValue<'_>) -> Fault {
    let (wanted, form) = match key.kind {
        Kind::Text | Kind::Choice(..) => ("a string", ""),
        Kind::Bool => ("true or false", ""),
        Kind::Count(..) => ("a whole number", ""),
        Kind::Size(..) | Kind::SizeOrNever => ("a size with its unit, in quotes", ""),
        Kind::Time(..) | Kind::TimeOrNever => ("a duration with its unit, in quotes", ""),
        Kind::Texts => ("a list of strings", "[\"…\"]"),
        Kind::Table(_) => ("a table", "{ key = value }"),
        Kind::TextOrTable(..) => ("a string or a table", ""),
        Kind::Tables(_) => ("a list of tables", ""),
        Kind::Any => ("another value", ""),
    };
    let help = match (key.kind, [form, key.sample()].iter().find(|text| !text.is_empty())) {
        (Kind::Tables(schema), _) => format!("write its header in two brackets: {}", schema.header),
        (_, Some(sample)) => format!("write it like {} = {sample}", key.name),
        (_, None) => key.doc.to_owned(),
    };
    Fault::new(format!("`{}` takes {wanted}, not {}", key.name, with_article(value.type_str())), help)
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}
