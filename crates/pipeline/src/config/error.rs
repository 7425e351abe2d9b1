use kanrl_core::suggest;
use std::ops::Range;
use std::sync::Arc;

/// A config cannot be used: what, where and how to fix it.
#[derive(Debug, thiserror::Error)]
#[error("{}: {message}", location(&.origin.name, .key))]
pub struct ConfigError {
    /// What kind of error it is.
    pub kind: ConfigErrorKind,
    /// Where it came from.
    pub origin: Arc<ConfigText>,
    /// Key path inside it (`approximator.hidden`), as far as it is known.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// How to fix it.
    pub help: Option<String>,
    /// Bytes of the origin's text that are meant.
    pub span: Option<Range<usize>>,
}

impl ConfigError {
    /// The file `name` cannot be read.
    pub(crate) fn unreadable(name: &str, reason: &dyn std::fmt::Display) -> Self {
        Self {
            kind: ConfigErrorKind::Unreadable,
            origin: Arc::new(ConfigText { name: name.to_owned(), text: String::new() }),
            key: String::new(),
            message: reason.to_string(),
            help: None,
            span: None,
        }
    }
}

/// A config's text and where it came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigText {
    /// A file's name, or `the command line`.
    pub name: String,
    /// The whole text, to show the line that is meant.
    pub text: String,
}

/// Kinds of [`ConfigError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// The file cannot be read.
    Unreadable,
    /// The text is not TOML (or JSON).
    Syntax,
    /// A key or kind is unknown, or a value does not fit.
    Value,
}

fn location(file: &str, key: &str) -> String {
    if key.is_empty() { file.to_owned() } else { format!("{file}: `{key}`") }
}

/// The names that serde lists in "unknown field `x`, expected one of `a`, `b`", with the unknown one first.
fn quoted(message: &str) -> Vec<String> {
    message.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The unknown name in a serde message, if that is what it is about.
pub(super) fn unknown_name(message: &str) -> Option<String> {
    let about = message.starts_with("unknown field") || message.starts_with("unknown variant");
    if about { quoted(message).into_iter().next() } else { None }
}

/// "did you mean …?" for a serde message about an unknown name.
pub(super) fn help(message: &str) -> Option<String> {
    let mut names = quoted(message);
    unknown_name(message)?;
    let unknown = names.remove(0);
    Some(match (suggest::nearest(&unknown, &names), names.is_empty()) {
        (Some(nearest), _) => format!("did you mean `{nearest}`?"),
        (None, false) => format!("valid here: {}", names.join(", ")),
        (None, true) => "nothing can be set here".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::{help, unknown_name};

    #[test]
    fn serde_messages_become_suggestions() {
        let message = "unknown field `hiden`, expected one of `hidden`, `grid`, `degree`";
        assert_eq!(unknown_name(message).as_deref(), Some("hiden"));
        assert_eq!(help(message).as_deref(), Some("did you mean `hidden`?"));
        assert_eq!(help("unknown field `q`, expected `steps` or `grid`").as_deref(), Some("valid here: steps, grid"));
        assert_eq!(help("invalid type: string"), None);
    }
}
