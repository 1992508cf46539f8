//! What Java does that the regex crates here do otherwise.

use super::*;

fn matches(pattern: &str, text: &str) -> bool {
    JavaPattern::new(pattern).unwrap().matches(text).unwrap().is_some()
}

#[test]
fn classes_are_of_ascii_and_dots_end_at_more_ends_of_lines() {
    for (pattern, text, wanted) in [
        (r"\d", "٣", false),
        (r"\w", "é", false),
        (r"\W", "é", true),
        (r"\s", "\u{a0}", false),
        (r"\h", "\u{a0}", true),
        (r"(?i)k", "\u{212a}", false),
        (r"(?i)k", "K", true),
        (r"(?i)[a-c]x", "BX", true),
        (r"(?i:a)b", "AB", false),
        (".", "\u{85}", false),
        (".", "\u{b}", true),
        ("(?s).", "\n", true),
        (r"a\Z\n", "a\n", true),
        (r"a$\n", "a\n", true),
        ("a$", "a\n", false),
        (r"\R", "\r\n", true),
        (r"[a-z&&[^b]]", "b", false),
        (r"[a-z&&[^b]]", "c", true),
        (r"[]a]", "]", true),
        (r"[^\]a]+", "bc", true),
        (r"[\w-]+", "a-b", true),
        (r"\Qa.b\E+", "a.bb", true),
        (r"\Qa.b\E", "axb", false),
        ("a++a", "aaa", false),
        ("(?>a+)b", "aab", true),
        (r"(a)\1", "aa", true),
        (r"(?<x>a)\k<x>", "aa", true),
        (r"(?<!a)b", "b", true),
        (r"\x41\u0042\0103", "ABC", true),
        (r"\p{Alpha}\p{Punct}", "a~", true),
        (r"\P{L}", "1", true),
        (r"a{2,3}", "aaa", true),
        (r"\ba\b b", "a b", true),
        ("a]}", "a]}", true),
    ] {
        assert_eq!(matches(pattern, text), wanted, "{pattern} on {text:?}");
    }
}

#[test]
fn what_has_no_counterpart_is_refused_and_what_never_ends_is_given_up() {
    for pattern in ["(?d)a", r"\G", r"\p{javaLowerCase}", "a(", "a)", "[a", "a{x}", "\\"] {
        assert!(JavaPattern::new(pattern).is_err(), "{pattern}");
    }
    let hard = JavaPattern::new(r"(?:(a|a)*)*\1b").unwrap();
    assert!(hard.matches(&"a".repeat(60)).is_err());
}

/// `judged.txt` is what Java says of patterns and texts drawn by `Judge.java`: groups if all matches, and pieces.
#[test]
fn java_itself_judges_alike() {
    type Judged = (String, String, Option<Vec<Option<String>>>, Vec<String>);
    let (mut wrong, mut refused) = (Vec::new(), 0);
    for line in include_str!("judged.txt").lines() {
        let (pattern, text, groups, pieces): Judged = serde_json::from_str(line).unwrap();
        let Ok(ours) = JavaPattern::new(&pattern) else {
            refused += 1;
            continue;
        };
        let (Ok(found), Ok(split)) = (ours.matches(&text), ours.split(&text)) else {
            wrong.push(format!("{line}: too hard"));
            continue;
        };
        let found =
            found.map(|found| found.into_iter().map(|group| group.map(str::to_owned)).collect::<Vec<_>>());
        if found != groups {
            wrong.push(format!("{line}: matches {found:?}"));
        }
        if split != pieces {
            wrong.push(format!("{line}: split into {split:?}"));
        }
    }
    assert!(refused < 45, "{refused} of 4500 are refused");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
