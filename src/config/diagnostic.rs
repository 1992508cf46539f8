//! What is wrong with a configuration: each error with its place, the text underlined, and the fix.

use super::mask;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;
use std::fmt;
use std::ops::Range;

/// A place in one of the files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    /// Which file, by its place in the list of sources.
    pub(super) file: usize,
    /// First byte.
    pub(super) start: usize,
    /// After the last byte.
    pub(super) end: usize,
}

impl Spot {
    pub(super) fn new(file: usize, span: Range<usize>) -> Self {
        Self { file, start: span.start, end: span.end }
    }
}

/// A file that was read. Its text is masked: it is only there to be shown.
#[derive(Debug)]
struct Source {
    name: String,
    text: String,
}

/// One thing that is wrong. No text of it repeats a value: the value may come from the environment.
#[derive(Debug)]
pub(super) struct Diagnostic {
    pub(super) title: String,
    pub(super) spot: Option<Spot>,
    pub(super) also: Option<(Spot, &'static str)>,
    pub(super) help: Option<String>,
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Default)]
pub struct Error {
    sources: Vec<Source>,
    found: Vec<Diagnostic>,
}

impl std::error::Error for Error {}

/// One error, for machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What is wrong.
    pub message: String,
    /// Where; `None` when it is in no file.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// What would fix it.
    pub help: Option<String>,
    /// A second place that has to do with it.
    pub also: Option<Place>,
}

/// A place in a file, as editors count: from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file's path.
    pub file: String,
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

impl Error {
    /// Adds a file and gives its number.
    pub(super) fn source(&mut self, name: String, text: &str) -> usize {
        self.sources.push(Source { name, text: mask::mask_source(text) });
        self.sources.len() - 1
    }

    /// Notes an error.
    pub(super) fn push(
        &mut self,
        spot: impl Into<Option<Spot>>,
        title: impl Into<String>,
        help: impl Into<String>,
    ) {
        let help = Some(help.into()).filter(|help| !help.is_empty());
        self.found.push(Diagnostic { title: title.into(), spot: spot.into(), also: None, help });
    }

    /// Notes an error that two places make together.
    pub(super) fn push_pair(&mut self, spot: Spot, title: &str, also: (Spot, &'static str), help: &str) {
        self.push(spot, title, help);
        if let Some(last) = self.found.last_mut() {
            last.also = Some(also);
        }
    }

    /// `value` if nothing is wrong.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Self> {
        if self.found.is_empty() { Ok(value) } else { Err(self.sorted()) }
    }

    /// Itself, in the order of the files.
    pub(super) fn sorted(mut self) -> Self {
        self.found.sort_by(|a, b| a.spot.cmp(&b.spot));
        self
    }

    /// How many errors there are.
    pub fn count(&self) -> usize {
        self.found.len()
    }

    /// For machines.
    pub fn reports(&self) -> Vec<Report> {
        let report = |found: &Diagnostic| Report {
            message: found.title.clone(),
            place: found.spot.as_ref().map(|spot| self.place(spot)),
            help: found.help.clone(),
            also: found.also.as_ref().map(|(spot, _)| self.place(spot)),
        };
        self.found.iter().map(report).collect()
    }

    /// For people; with colours if `styled`.
    pub fn render(&self, styled: bool) -> String {
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        let all = self.found.iter().map(|found| renderer.render(&[self.group(found)]) + "\n\n");
        let errors = if self.found.len() == 1 { "error" } else { "errors" };
        all.chain([format!("kintail: {} {errors} in the configuration\n", self.found.len())]).collect()
    }

    fn group<'a>(&'a self, found: &'a Diagnostic) -> Group<'a> {
        let mut group = Group::with_title(Level::ERROR.primary_title(&found.title));
        let mark = |spot: &Spot, kind: AnnotationKind| kind.span(spot.start..spot.end);
        if let Some(spot) = &found.spot {
            let mut snippet = self.snippet(spot).annotation(mark(spot, AnnotationKind::Primary));
            if let Some((also, label)) = &found.also {
                let mark = mark(also, AnnotationKind::Context).label(*label);
                if also.file == spot.file {
                    snippet = snippet.annotation(mark);
                } else {
                    group = group.element(snippet);
                    snippet = self.snippet(also).annotation(mark);
                }
            }
            group = group.element(snippet);
        }
        group.elements(found.help.as_ref().map(|help| Level::HELP.message(help)))
    }

    fn snippet(&self, spot: &Spot) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
        let source = &self.sources[spot.file];
        Snippet::source(&source.text).path(&source.name)
    }

    fn place(&self, spot: &Spot) -> Place {
        let source = &self.sources[spot.file];
        let before = source.text.get(..spot.start).unwrap_or(&source.text);
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Place { file: source.name.clone(), line: before.matches('\n').count() + 1, column }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}
