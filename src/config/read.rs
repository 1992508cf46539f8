//! Reads TOML by the schema: every error is noted and reading goes on, with the default in the wrong value's place.

mod node;
mod scalar;

use self::scalar::{scalar, wrong_type};
use super::diagnostic::{Error, Spot};
use super::env::{self, EnvError, Lookup};
use super::schema::{self, Default, Key, Kind, Table};
use super::section::{Places, Section, Value};
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
                if matches!(key.kind, Kind::Table(_)) {
                    // A wrong table is as good as none: nothing in it can be pointed at.
                    section.places.remove(key.name);
                }
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
            (Kind::Texts, DeValue::Array(list)) => self.texts(key, list),
            (Kind::Any, _) => self.node(value).map_or(Value::Faulty, Value::Any),
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

    fn texts(&mut self, key: &Key, list: &[Spanned<DeValue<'_>>]) -> Value {
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
        // Where all are wrong, to say that there is none would be one error too many.
        if texts.is_empty() && !list.is_empty() { Value::Faulty } else { Value::Texts(texts) }
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
