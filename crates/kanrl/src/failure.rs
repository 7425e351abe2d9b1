//! Errors as the terminal shows them: what, where, and how to fix it.

use kanrl_pipeline::causes::printable;
use kanrl_pipeline::config::ConfigError;
use kanrl_pipeline::engine::PipelineError;
use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use std::error::Error;
use std::fmt;

/// A diagnostic and the exit code it ends with.
pub struct Failure {
    pub diagnostic: Box<dyn Diagnostic + Send + Sync>,
    pub exit_code: u8,
}

impl Failure {
    /// The command line, a config or an input file is wrong.
    pub fn input(error: impl Error + Send + Sync + 'static) -> Self {
        Self { diagnostic: Plain::new(error, None), exit_code: 2 }
    }

    /// As [`Self::input`], with how to fix it.
    pub fn input_with_help(error: impl Error + Send + Sync + 'static, help: impl Into<String>) -> Self {
        Self { diagnostic: Plain::new(error, Some(help.into())), exit_code: 2 }
    }

    /// A run failed on the way.
    pub fn run(error: impl Error + Send + Sync + 'static) -> Self {
        Self { diagnostic: Plain::new(error, None), exit_code: 1 }
    }

    /// As [`Self::run`], with what would help.
    pub fn run_with_help(error: impl Error + Send + Sync + 'static, help: String) -> Self {
        Self { diagnostic: Plain::new(error, Some(help)), exit_code: 1 }
    }

    /// The user stopped it; `help` says how to go on.
    pub fn cancelled(error: impl Error + Send + Sync + 'static, help: String) -> Self {
        Self { diagnostic: Plain::new(error, Some(help)), exit_code: 130 }
    }

    /// A run failed on the way; it says how to go on.
    pub fn pipeline(error: PipelineError, resume: &str) -> Self {
        if error.is_cancelled() {
            return Self::cancelled(error, format!("to resume: {resume}"));
        }
        match &error {
            PipelineError::Stage { .. } if error.leaves_domain() => {
                let help = "a formula with log, sqrt, or exp can leave its domain during play; in a new run's config, set \
                            `guards = true` in `[library]` to clip their arguments, restrict `functions` there \
                            (`kanrl config show ENVIRONMENT` prints both), or leave `students.rivals` on";
                Self::run_with_help(error, help.to_owned())
            }
            PipelineError::Stage { .. } if error.is_damage() => {
                let help = format!("to recompute it, run {resume} without --strict, or with --from STAGE");
                Self::input_with_help(error, help)
            }
            PipelineError::Stage { .. } => {
                let help = format!("finished stages are kept; to resume: {resume}");
                Self::run_with_help(error, help)
            }
            _ => Self::input(error),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let source = NamedSource::new(&error.origin.name, harmless(&error.origin.text));
        Self { diagnostic: Box::new(Located { error, source }), exit_code: 2 }
    }
}

/// Any error, printed with its causes, each said once.
#[derive(Debug)]
struct Plain {
    message: Message,
    help: Option<String>,
}

impl Plain {
    fn new(error: impl Error + 'static, help: Option<String>) -> Box<Self> {
        let messages = kanrl_pipeline::causes::messages(&error).into_iter().rev();
        let chain = messages.fold(None, |cause, text| Some(Box::new(Message { text, cause })));
        let message = *chain.expect("an error has a message");
        Box::new(Self { message, help })
    }
}

/// What an error said, and what its cause did.
#[derive(Debug)]
struct Message {
    text: String,
    cause: Option<Box<Message>>,
}

impl fmt::Display for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Error for Message {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &dyn Error)
    }
}

impl fmt::Display for Plain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(formatter)
    }
}

impl Error for Plain {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.message.source()
    }
}

impl Diagnostic for Plain {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }
}

/// Longest line printed with an error, in bytes: longer ones are unreadable, and miette panics at columns beyond 65,535.
const LONGEST_LINE: usize = 1000;

/// The same text with as many bytes, without characters that a terminal takes for commands.
fn harmless(text: &str) -> String {
    let shown = |character: char| match character.is_control() && !matches!(character, '\n' | '\r' | '\t') {
        true => "?".repeat(character.len_utf8()),
        false => character.to_string(),
    };
    text.chars().map(shown).collect()
}

/// Whether the lines around an error can be printed.
fn can_be_shown(error: &ConfigError) -> bool {
    let text = error.origin.text.as_bytes();
    let Some(span) = error.span.clone().filter(|span| span.end <= text.len()) else { return false };
    // The lines before and after are printed as well.
    let before = text[..span.start].rsplitn(3, |byte| *byte == b'\n').take(2).map(<[u8]>::len).sum::<usize>();
    let behind = text[span.start..].splitn(3, |byte| *byte == b'\n').take(2).map(<[u8]>::len).sum::<usize>();
    before + behind <= 3 * LONGEST_LINE
}

/// A config error, printed with the line it is about.
#[derive(Debug)]
struct Located {
    error: ConfigError,
    source: NamedSource<String>,
}

impl fmt::Display for Located {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&printable(&self.error.to_string()))
    }
}

impl Error for Located {}

impl Diagnostic for Located {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.error.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        can_be_shown(&self.error).then_some(&self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.error.span.clone().filter(|_| can_be_shown(&self.error))?;
        Some(Box::new(std::iter::once(LabeledSpan::at(span, "here"))))
    }
}

#[cfg(test)]
mod tests {
    use super::Failure;
    use kanrl_core::policy::PolicyError;
    use kanrl_pipeline::engine::{PipelineError, StageError};

    fn help(source: StageError) -> String {
        let error = PipelineError::Stage { stage: "evaluate".to_owned(), source: Box::new(source) };
        Failure::pipeline(error, "kanrl resume DIR").diagnostic.help().expect("a help").to_string()
    }

    #[test]
    fn an_overlong_line_is_not_printed() {
        use kanrl_pipeline::config::RawConfig;
        let printed = |text: String| {
            let Err(error) = RawConfig::from_toml("run.toml", text) else { panic!("that is not a config") };
            format!("{:?}", miette::Report::new_boxed(Failure::from(error).diagnostic))
        };
        let deep = printed(format!("seed = {}x", "[".repeat(80_000)));
        assert!(deep.contains("run.toml") && deep.len() < 2000, "{} bytes", deep.len());
        let long = printed(format!("[expert]\nkind = {}'formula'", "sin(".repeat(20_000)));
        assert!(long.contains("run.toml") && long.len() < 2000, "{} bytes", long.len());
        assert!(printed("seed = 3x".to_owned()).contains("seed = 3x"));
        assert!(!printed("seed = \u{1b}]0;title\u{7}".to_owned()).contains("\u{1b}]0"));
    }

    #[test]
    fn resuming_is_not_suggested_if_the_formula_leaves_its_domain() {
        let outside = PolicyError::NotFinite { output: 2, value: f64::NAN, observation: vec![0.5] };
        let help_outside = help(outside.into());
        assert!(help_outside.contains("guards = true") && !help_outside.contains("resume"), "{help_outside}");
        let other = help(StageError::Unsupported { reason: "no".to_owned() });
        assert!(other.contains("kanrl resume DIR"), "{other}");
    }
}
