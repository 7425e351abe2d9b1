//! Errors in words.

use std::borrow::Cow;
use std::error::Error;

/// A text that may quote a stranger's file, without control characters: they could move a terminal's cursor, or give it commands.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_harmful = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_harmful(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// An error's message, then its causes' messages down to the first cause; those that a message before them quotes already
/// are left out.
pub fn messages(error: &dyn Error) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let message = printable(&error.to_string()).into_owned();
        if !messages.iter().any(|said| said.contains(&message)) {
            messages.push(message);
        }
        next = error.source();
    }
    messages
}

/// An error with its causes, in one sentence.
pub fn in_words(error: &dyn Error) -> String {
    messages(error).join(": ")
}

#[cfg(test)]
mod tests {
    use crate::files::FileError;
    use kanrl_core::environment::{EnvironmentError, LaneError};
    use std::io::{Error, ErrorKind};

    #[test]
    fn no_control_character_of_a_file_reaches_a_terminal() {
        assert_eq!(super::printable("θ is fine,\n\ttoo"), "θ is fine,\n\ttoo");
        assert_eq!(super::printable("a\u{1b}[31mb\u{7}\r\u{9b}c"), "a\\u{1b}[31mb\\u{7}\\r\\u{9b}c");
        let error = FileError { path: "a.csv".into(), source: Error::other("\u{1b}]0;title\u{7}") };
        assert!(super::in_words(&error).chars().all(|character| !character.is_control()));
    }

    #[test]
    fn a_cause_is_said_once() {
        let error = FileError { path: "a.csv".into(), source: Error::new(ErrorKind::StorageFull, "the disk is full") };
        assert_eq!(super::in_words(&error), "cannot write a.csv: the disk is full");
        let source = EnvironmentError::unknown_parameter("A-v0", "mass", &[]);
        let messages = super::messages(&LaneError { lane: 3, source });
        assert_eq!((messages.len(), &*messages[0]), (2, "lane 3"));
    }
}
