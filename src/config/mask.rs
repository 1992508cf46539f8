//! Keeps secrets out of what is shown: values under keys named like one, and the user part of URLs.

/// Stands for a secret.
pub const MASK: &str = "***";

const SECRET_WORDS: [&str; 4] = ["secret", "password", "token", "passwd"];

/// Whether a key of this name holds a secret.
pub fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| key.contains(word))
}

/// The text with the user part of each URL in it masked: `http://user:pw@host` is `http://***@host`.
pub fn mask_urls(text: &str) -> String {
    replace_users(text, |_| MASK.to_owned())
}

/// A source as it may be shown beside a diagnostic: secrets replaced byte by byte, so that spans stay right.
pub fn mask_source(text: &str) -> String {
    let masked: Vec<String> = text.split('\n').map(mask_line).collect();
    replace_users(&masked.join("\n"), stars)
}

/// Masks all that follows the first key that names a secret.
fn mask_line(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let secret = SECRET_WORDS.iter().filter_map(|word| lower.find(word)).min();
    match secret.and_then(|at| Some(at + line[at..].find('=')? + 1)) {
        Some(at) => format!("{}{}", &line[..at], stars(&line[at..])),
        None => line.to_owned(),
    }
}

fn stars(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_whitespace() { char::from(byte) } else { '*' }).collect()
}

fn replace_users(text: &str, mask: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "/?#\"'".contains(c)).unwrap_or(after.len());
        let users = after[..end].rfind('@').unwrap_or(0);
        if users > 0 {
            out.push_str(&mask(&after[..users]));
        }
        rest = &after[users..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_part_of_a_url_is_masked() {
        assert_eq!(mask_urls("http://me:pw@host/x@y"), "http://***@host/x@y");
        assert_eq!(mask_urls("http://me:p@w@host"), "http://***@host");
        assert_eq!(mask_urls("a http://h b https://u@i"), "a http://h b https://***@i");
        assert_eq!(mask_urls("mail me@host"), "mail me@host");
    }

    #[test]
    fn a_masked_source_keeps_its_length() {
        let source =
            "endpoint = \"http://mé:pw@host\"\npassword = \"hunter2\"\nx = { token = 1 }\nname = \"a\"";
        let masked = mask_source(source);
        assert_eq!(masked.len(), source.len());
        assert!(!masked.contains("pw@") && !masked.contains("hunter2"), "{masked}");
        assert!(masked.contains("password = *********\n") && masked.ends_with("name = \"a\""), "{masked}");
    }
}
