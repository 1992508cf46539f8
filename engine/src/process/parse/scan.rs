//! What the hand-written parsers are made of: each takes something from the front of the rest, or nothing.

/// What is left of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan<'t>(pub(super) &'t [u8]);

impl<'t> Scan<'t> {
    /// This byte.
    pub(super) fn byte(&mut self, byte: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[byte])?;
        Some(())
    }

    /// So many bytes.
    pub(super) fn take(&mut self, len: usize) -> Option<&'t [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    /// All before this byte, which is taken too; it must be there.
    pub(super) fn until(&mut self, byte: u8) -> Option<&'t [u8]> {
        let at = memchr::memchr(byte, self.0)?;
        let taken = &self.0[..at];
        self.0 = &self.0[at + 1..];
        Some(taken)
    }

    /// The same; not empty.
    pub(super) fn some_until(&mut self, byte: u8) -> Option<&'t [u8]> {
        self.until(byte).filter(|taken| !taken.is_empty())
    }

    /// As many bytes as pass.
    pub(super) fn all(&mut self, pass: impl Fn(u8) -> bool) -> &'t [u8] {
        let len = self.0.iter().position(|byte| !pass(*byte)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        taken
    }

    /// At least one.
    pub(super) fn some(&mut self, pass: impl Fn(u8) -> bool) -> Option<&'t [u8]> {
        Some(self.all(pass)).filter(|taken| !taken.is_empty())
    }

    /// At least one digit, or `-`.
    pub(super) fn number_or_dash(&mut self) -> Option<&'t [u8]> {
        match self.0.first() {
            Some(b'-') => self.take(1),
            _ => self.some(|byte| byte.is_ascii_digit()),
        }
    }

    /// What is between two quotes; a backslash takes the meaning of the byte after it.
    pub(super) fn quoted(&mut self) -> Option<&'t [u8]> {
        self.byte(b'"')?;
        let mut at = 0;
        loop {
            at += memchr::memchr2(b'"', b'\\', self.0.get(at..)?)?;
            if self.0[at] == b'"' {
                let inner = &self.0[..at];
                self.0 = &self.0[at + 1..];
                return Some(inner);
            }
            at += 2;
        }
    }

    /// The text ends here, or goes on after a space.
    pub(super) fn ends_or_space(self) -> Option<()> {
        matches!(self.0.first(), None | Some(b' ')).then_some(())
    }

    /// Bytes of a shape: `9` is a digit, `A` and `a` are letters, all else is itself.
    pub(super) fn shape(&mut self, shape: &[u8]) -> Option<&'t [u8]> {
        let fits = |(byte, wanted): (&u8, &u8)| match wanted {
            b'9' => byte.is_ascii_digit(),
            b'A' => byte.is_ascii_uppercase(),
            b'a' => byte.is_ascii_lowercase(),
            _ => byte == wanted,
        };
        let front = self.0.get(..shape.len())?;
        front.iter().zip(shape).all(fits).then(|| self.0 = &self.0[shape.len()..])?;
        Some(front)
    }
}

/// How long the part of a text is that an RFC 3339 time takes.
pub(super) fn rfc3339<'t>(scan: &mut Scan<'t>) -> Option<&'t [u8]> {
    let all = scan.0;
    scan.shape(b"9999-99-99T99:99:99")?;
    if scan.0.first() == Some(&b'.') {
        scan.take(1)?;
        scan.some(|byte| byte.is_ascii_digit())?;
    }
    match scan.0.first()? {
        b'Z' => scan.take(1),
        b'+' => scan.shape(b"+99:99"),
        _ => scan.shape(b"-99:99"),
    }?;
    Some(&all[..all.len() - scan.0.len()])
}
