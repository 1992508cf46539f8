//! A pattern of `java.util.regex` as one of the regex crates here, part by part.

use super::JavaError;
use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

/// What ends a line for Java.
const LINE_ENDS: &str = r"\n\r\x{85}\x{2028}\x{2029}";

/// What flags hold where the translation is.
#[derive(Clone, Copy, Default)]
struct Flags {
    any_case: bool,
    dot_all: bool,
    multi_line: bool,
}

/// What a pattern is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// To be found in a text.
    Anywhere,
    /// To match all of a text.
    Whole,
    /// To match at the start of a line, without looking around.
    Line,
}

struct Translation<'t> {
    rest: Peekable<Chars<'t>>,
    out: String,
    flags: Flags,
    /// The flags outside of each open group.
    outer: Vec<Flags>,
    what_for: Use,
}

/// What means the same here.
pub(super) fn translate(text: &str, what_for: Use) -> Result<String, JavaError> {
    let mut translation = Translation {
        rest: text.chars().peekable(),
        out: String::new(),
        flags: Flags::default(),
        outer: Vec::new(),
        what_for,
    };
    while let Some(next) = translation.rest.next() {
        translation.part(next)?;
    }
    Ok(translation.out)
}

impl Translation<'_> {
    fn part(&mut self, next: char) -> Result<(), JavaError> {
        match next {
            '\\' => self.escape()?,
            '[' => self.class()?,
            '(' => self.open()?,
            ')' => {
                self.flags = self.outer.pop().ok_or_else(|| JavaError::Syntax("unopened group".into()))?;
                self.out.push(')');
            }
            '.' if self.flags.dot_all => self.out.push_str("(?s:.)"),
            '.' => self.write(format_args!("[^{LINE_ENDS}]")),
            '^' if self.flags.multi_line => {
                self.out.push_str(r"(?:\A|(?<=[\n\x{85}\x{2028}\x{2029}])|(?<=\r)(?!\n))(?!\z)");
            }
            '^' => self.out.push_str(r"\A"),
            '$' if self.flags.multi_line => {
                self.write(format_args!(r"(?:(?=[{LINE_ENDS}])(?!(?<=\r)\n)|\z)"));
            }
            '$' => self.final_end(),
            '|' | '*' | '+' | '?' => self.out.push(next),
            '{' => self.repeat()?,
            other => self.literal(other),
        }
        Ok(())
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        self.out.write_fmt(text).unwrap_or_else(|_| unreachable!("a text takes what is written"));
    }

    /// The end, or before one last end of a line.
    fn final_end(&mut self) {
        // What has to match all of a text ends there anyway.
        match self.what_for {
            Use::Whole if self.rest.peek().is_none() => return,
            Use::Line => return self.out.push_str(r"\r?$"),
            _ => {}
        }
        self.write(format_args!(r"(?=(?:\r\n|(?!(?<=\r)\n)[{LINE_ENDS}])?\z)"));
    }

    fn literal(&mut self, what: char) {
        if self.flags.any_case && what.is_ascii_alphabetic() {
            self.write(format_args!("[{}{}]", what.to_ascii_lowercase(), what.to_ascii_uppercase()));
        } else {
            self.out.push_str(&escaped(what));
        }
    }

    fn open(&mut self) -> Result<(), JavaError> {
        self.outer.push(self.flags);
        self.out.push('(');
        if self.rest.next_if_eq(&'?').is_none() {
            return Ok(());
        }
        let Some(kind) = self.rest.next_if(|next| matches!(next, ':' | '=' | '!' | '>' | '<')) else {
            return self.flags();
        };
        self.out.push('?');
        self.out.push(kind);
        if kind == '<' {
            // A look behind, or a name, which is written as it is.
            while let Some(next) =
                self.rest.next_if(|next| next.is_ascii_alphanumeric() || "=!>".contains(*next))
            {
                self.out.push(next);
                if !next.is_ascii_alphanumeric() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// `(?i)`, `(?i-s:…)`.
    fn flags(&mut self) -> Result<(), JavaError> {
        let mut on = true;
        loop {
            match self.rest.next() {
                Some('-') => on = false,
                Some('i') => self.flags.any_case = on,
                Some('s') => self.flags.dot_all = on,
                Some('m') => self.flags.multi_line = on,
                Some(':') => {
                    self.out.push_str("?:");
                    return Ok(());
                }
                // They hold up to the end of the group around it.
                Some(')') => {
                    self.outer.pop();
                    self.out.push_str("?:)");
                    return Ok(());
                }
                Some(other) => return Err(JavaError::Unknown(format!("the flag {other}"))),
                None => return Err(JavaError::Syntax("unclosed group".into())),
            }
        }
    }

    /// `{n}`, `{n,}`, `{n,m}`.
    fn repeat(&mut self) -> Result<(), JavaError> {
        self.out.push('{');
        for next in self.rest.by_ref() {
            self.out.push(next);
            match next {
                '0'..='9' | ',' => {}
                '}' => return Ok(()),
                _ => break,
            }
        }
        Err(JavaError::Syntax("not a number of repetitions".into()))
    }

    fn escape(&mut self) -> Result<(), JavaError> {
        let next = self.rest.next().ok_or_else(|| JavaError::Syntax("a \\ at the end".into()))?;
        match next {
            'b' if self.what_for == Use::Line => self.out.push_str(r"\b"),
            'b' => self.write(format_args!("(?:(?<={WORD})(?!{WORD})|(?<!{WORD})(?={WORD}))")),
            'B' => self.write(format_args!("(?:(?<={WORD})(?={WORD})|(?<!{WORD})(?!{WORD}))")),
            'A' | 'z' | '1'..='9' => self.write(format_args!("\\{next}")),
            'Z' => self.final_end(),
            'R' => self.out.push_str(r"(?>\r\n|[\n\x0B\f\r\x{85}\x{2028}\x{2029}])"),
            'Q' => self.quoted(),
            'k' => {
                self.out.push_str("\\k");
                while let Some(letter) = self.rest.next_if(|next| *next != '>') {
                    self.out.push(letter);
                }
                self.rest.next();
                self.out.push('>');
            }
            _ => {
                if let Some(class) = self.class_of(next)? {
                    self.write(format_args!("[{class}]"));
                } else {
                    let what = self.character(next)?;
                    self.literal(what);
                }
            }
        }
        Ok(())
    }

    fn quoted(&mut self) {
        while let Some(next) = self.rest.next() {
            if next == '\\' && self.rest.next_if_eq(&'E').is_some() {
                return;
            }
            self.literal(next);
        }
    }

    /// What an escape stands for that is a class: as it stands within brackets.
    fn class_of(&mut self, name: char) -> Result<Option<String>, JavaError> {
        Ok(Some(match name {
            'd' => "0-9".to_owned(),
            'D' => "[^0-9]".into(),
            'w' => "0-9A-Za-z_".into(),
            'W' => "[^0-9A-Za-z_]".into(),
            's' => r"\x20\t\n\x0B\f\r".into(),
            'S' => r"[^\x20\t\n\x0B\f\r]".into(),
            'h' => HORIZONTAL.into(),
            'H' => format!("[^{HORIZONTAL}]"),
            'v' => VERTICAL.into(),
            'V' => format!("[^{VERTICAL}]"),
            'p' | 'P' => {
                let property = self.property()?;
                if name == 'P' { format!("[^{property}]") } else { property }
            }
            _ => return Ok(None),
        }))
    }

    /// The name after `\p`.
    fn property(&mut self) -> Result<String, JavaError> {
        let name: String = match self.rest.next() {
            Some('{') => self.rest.by_ref().take_while(|next| *next != '}').collect(),
            Some(one) => one.into(),
            None => String::new(),
        };
        Ok(match name.as_str() {
            "Lower" | "Upper" if self.flags.any_case => "A-Za-z".into(),
            "Lower" => "a-z".into(),
            "Upper" => "A-Z".into(),
            "ASCII" => r"\x00-\x7F".into(),
            "Alpha" => "A-Za-z".into(),
            "Digit" => "0-9".into(),
            "Alnum" => "0-9A-Za-z".into(),
            "Punct" => r"!-/:-@\[-`{-~".into(),
            "Graph" => "!-~".into(),
            "Print" => r"\x20-~".into(),
            "Blank" => r"\x20\t".into(),
            "Cntrl" => r"\x00-\x1F\x7F".into(),
            "XDigit" => "0-9A-Fa-f".into(),
            "Space" => r"\x20\t\n\x0B\f\r".into(),
            "L" | "M" | "N" | "P" | "S" | "Z" | "C" | "Lu" | "Ll" | "Lt" | "Lm" | "Lo" | "Nd" | "Nl"
            | "No" => {
                format!(r"\p{{{name}}}")
            }
            _ => return Err(JavaError::Unknown(format!("\\p{{{name}}}"))),
        })
    }

    /// What an escape stands for that is one character.
    fn character(&mut self, name: char) -> Result<char, JavaError> {
        let code = match name {
            't' => 0x09,
            'n' => 0x0A,
            'r' => 0x0D,
            'f' => 0x0C,
            'a' => 0x07,
            'e' => 0x1B,
            '0' => self.number(3, 8)?,
            'x' if self.rest.next_if_eq(&'{').is_some() => {
                let code = self.number(8, 16)?;
                self.rest.next_if_eq(&'}').ok_or_else(|| JavaError::Syntax("\\x{ without }".into()))?;
                code
            }
            'x' => self.number(2, 16)?,
            'u' => self.number(4, 16)?,
            'c' => u32::from(self.rest.next().unwrap_or_default()) ^ 0x40,
            other if other.is_ascii_alphanumeric() => return Err(JavaError::Unknown(format!("\\{other}"))),
            other => return Ok(other),
        };
        char::from_u32(code).ok_or_else(|| JavaError::Unknown(format!("the character {code:x}")))
    }

    fn number(&mut self, most: usize, radix: u32) -> Result<u32, JavaError> {
        let mut digits = String::new();
        while digits.len() < most
            && let Some(digit) = self.rest.next_if(|next| next.is_digit(radix))
        {
            digits.push(digit);
        }
        u32::from_str_radix(&digits, radix)
            .map_err(|_| JavaError::Syntax("an escape without its number".into()))
    }

    /// A class in brackets, with unions and intersections in it.
    fn class(&mut self) -> Result<(), JavaError> {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let next = self.rest.next().ok_or_else(|| JavaError::Syntax("unclosed class".into()))?;
            match next {
                ']' if !first => break,
                '[' => self.class()?,
                '&' if self.rest.next_if_eq(&'&').is_some() => self.out.push_str("&&"),
                _ => self.member(next)?,
            }
            first = false;
        }
        self.out.push(']');
        Ok(())
    }

    /// A character, a range, or a class by an escape.
    fn member(&mut self, next: char) -> Result<(), JavaError> {
        let Some(from) = self.one(next)? else { return Ok(()) };
        let mut ahead = self.rest.clone();
        let is_range = ahead.next() == Some('-') && ahead.next().is_some_and(|end| !matches!(end, ']' | '['));
        let to = if is_range {
            self.rest.next();
            let end = self.rest.next().unwrap_or_default();
            self.one(end)?.ok_or_else(|| JavaError::Syntax("a range up to a class".into()))?
        } else {
            from
        };
        self.write(format_args!("{}-{}", escaped(from), escaped(to)));
        if self.flags.any_case {
            for (letters, shift) in [('a'..='z', -32i32), ('A'..='Z', 32)] {
                let (low, high) = (from.max(*letters.start()), to.min(*letters.end()));
                if low <= high {
                    let other = |letter: char| (letter as u8).wrapping_add_signed(shift as i8) as char;
                    self.write(format_args!("{}-{}", other(low), other(high)));
                }
            }
        }
        Ok(())
    }

    /// A character within brackets; `None` for a class, which is written.
    fn one(&mut self, next: char) -> Result<Option<char>, JavaError> {
        if next != '\\' {
            return Ok(Some(next));
        }
        let name = self.rest.next().ok_or_else(|| JavaError::Syntax("a \\ at the end".into()))?;
        match self.class_of(name)? {
            Some(class) => {
                self.out.push_str(&class);
                Ok(None)
            }
            None => self.character(name).map(Some),
        }
    }
}

/// What `\b` takes for a letter of a word: up to Java 18 not `\w`, but letters and digits of all scripts.
const WORD: &str = r"[_\p{L}\p{Nd}]";

/// White space within a line.
const HORIZONTAL: &str = r"\x20\t\x{A0}\x{1680}\x{180E}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}";

/// White space that ends one.
const VERTICAL: &str = r"\n\x0B\f\r\x{85}\x{2028}\x{2029}";

/// A character that means nothing but itself, within brackets and without.
fn escaped(what: char) -> String {
    if what.is_ascii_alphanumeric() || !what.is_ascii() {
        what.into()
    } else {
        format!("\\x{:02X}", what as u32)
    }
}
