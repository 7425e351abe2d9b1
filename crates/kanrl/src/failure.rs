//! Errors as the terminal shows them: what, where, and how to fix it.

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
                let help = format!("finished stages are kept; fix the problem, then run {resume}");
                Self::run_with_help(error, help)
            }
            _ => Self::input(error),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let source = NamedSource::new(&error.origin.name, error.origin.text.clone());
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

/// A config error, printed with the line it is about.
#[derive(Debug)]
struct Located {
    error: ConfigError,
    source: NamedSource<String>,
}

impl fmt::Display for Located {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(formatter)
    }
}

impl Error for Located {}

impl Diagnostic for Located {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.error.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.error.span.as_ref().map(|_| &self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.error.span.clone()?;
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
    fn resuming_is_not_suggested_if_the_formula_leaves_its_domain() {
        let outside = PolicyError::NotFinite { output: 2, value: f64::NAN, observation: vec![0.5] };
        let help_outside = help(outside.into());
        assert!(help_outside.contains("guards = true") && !help_outside.contains("resume"), "{help_outside}");
        let other = help(StageError::Unsupported { reason: "no".to_owned() });
        assert!(other.contains("kanrl resume DIR"), "{other}");
    }
}
