//! Errors in words.

use std::error::Error;

/// An error's message, then its causes' messages down to the first cause; those that a message before them quotes already
/// are left out.
pub fn messages(error: &dyn Error) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let message = error.to_string();
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
    fn a_cause_is_said_once() {
        let error = FileError { path: "a.csv".into(), source: Error::new(ErrorKind::StorageFull, "the disk is full") };
        assert_eq!(super::in_words(&error), "cannot write a.csv: the disk is full");
        let source = EnvironmentError::unknown_parameter("A-v0", "mass", &[]);
        let messages = super::messages(&LaneError { lane: 3, source });
        assert_eq!((messages.len(), &*messages[0]), (2, "lane 3"));
    }
}
