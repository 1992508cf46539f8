//! Values that hold no others: their types, units, bounds and choices.

use crate::config::schema::{self, Key, Kind};
use crate::config::section::Value;
use crate::config::units::{self, UnitError};
use toml::de::DeValue;

/// Why a value is wrong, and what would be right.
pub(super) struct Fault {
    pub(super) title: String,
    pub(super) help: String,
}

impl Fault {
    fn new(title: impl Into<String>, help: impl Into<String>) -> Self {
        Self { title: title.into(), help: help.into() }
    }
}

/// Reads a value that holds no others. `text` is the string with its variables replaced.
pub(super) fn scalar(key: &Key, value: &DeValue<'_>, text: Option<String>) -> Result<Value, Fault> {
    let text = text.or_else(|| value.as_str().map(str::to_owned));
    match (key.kind, value, text) {
        (Kind::Bool, DeValue::Boolean(value), _) => Ok(Value::Bool(*value)),
        (Kind::Count(least, most), DeValue::Integer(number), _) => {
            let count = u64::from_str_radix(number.as_str(), number.radix()).ok();
            count.filter(|count| (least..=most).contains(count)).map(Value::Count).ok_or_else(|| {
                Fault::new(format!("`{}` is out of range", key.name), bounds(least, most, &|n| n.to_string()))
            })
        }
        (Kind::Texts, DeValue::Array(list), _) if list.is_empty() => Ok(Value::Texts(Vec::new())),
        (Kind::Text, _, Some(text))
            if text.is_empty() && !matches!(key.default_text(), None | Some("\"\"")) =>
        {
            Err(Fault::new(format!("`{}` is empty", key.name), key.doc))
        }
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
        |words: &[&str]| words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
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

pub(super) fn wrong_type(key: &Key, value: &DeValue<'_>) -> Fault {
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
