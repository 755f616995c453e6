//! Letters on paper: what no font has a sign for, and what would not be seen, is spelled out.

use serde_json::Value;

use super::world::drawable;

/// Letters that show nothing, or turn around what is beside them.
const UNSEEN: [std::ops::RangeInclusive<char>; 12] = [
    '\u{ad}'..='\u{ad}',
    '\u{600}'..='\u{605}',
    '\u{61c}'..='\u{61c}',
    '\u{70f}'..='\u{70f}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{e000}'..='\u{f8ff}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{fff0}'..='\u{10ffff}',
];

/// The same, with every text legible.
pub(super) fn legible(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(spelled(&text)),
        Value::Array(all) => all.into_iter().map(legible).collect(),
        Value::Object(all) => all.into_iter().map(|(key, value)| (key, legible(value))).collect(),
        other => other,
    }
}

/// `\u{202e}` for what cannot be seen.
fn spelled(text: &str) -> String {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text.to_owned();
    }
    let mut spelled = String::with_capacity(text.len());
    for letter in text.chars() {
        if seen(letter) {
            spelled.push(letter);
        } else {
            spelled.extend(letter.escape_unicode());
        }
    }
    spelled
}

fn seen(letter: char) -> bool {
    letter.is_ascii_graphic()
        || letter == ' '
        || (!letter.is_control() && !UNSEEN.iter().any(|unseen| unseen.contains(&letter)) && drawable(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_spelled_out() {
        assert_eq!(spelled("plain, as it is"), "plain, as it is");
        assert_eq!(spelled("Señor Ørsted, 5 €"), "Señor Ørsted, 5 €");
        assert_eq!(spelled("a\u{202e}b\u{200b}c\nd\0"), "a\\u{202e}b\\u{200b}c\\u{a}d\\u{0}");
        assert_eq!(spelled("支\u{1f600}\u{e001}"), "\\u{652f}\\u{1f600}\\u{e001}");
    }
}
