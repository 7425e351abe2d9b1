//! What can go wrong when an expert is read.

use crate::pickle::PickleError;
use kanrl_core::config::BuildError;

/// Why an expert cannot be had; each message names the file, what is wrong and how to fix it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExpertError {
    /// The file cannot be read at all.
    #[error("cannot read `{file}`: {source}")]
    Io {
        /// The file.
        file: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// What was downloaded cannot be kept.
    #[error(transparent)]
    Store(kanrl_core::files::FileError),
    /// A pickle inside is damaged or refused.
    #[error("`{file}`: {source}")]
    Pickle {
        /// The file, with the member inside it.
        file: String,
        /// What is wrong with the pickle.
        source: PickleError,
    },
    /// The file is damaged or not what its name says.
    #[error("`{file}` {reason}")]
    Malformed {
        /// The file, with the member inside it where there is one.
        file: String,
        /// What is wrong, and how to fix it.
        reason: String,
    },
    /// The archive lacks something.
    #[error("`{file}` has no member `{member}`; it has {}: the file is truncated or of another kind", list(.present))]
    MissingMember {
        /// The archive.
        file: String,
        /// What is missing.
        member: String,
        /// What there is.
        present: Vec<String>,
    },
    /// More than any honest expert needs.
    #[error("`{file}` is too large: {bytes} bytes, at most {limit} are accepted")]
    TooLarge {
        /// The file, with the member inside it where there is one.
        file: String,
        /// What it claims or has.
        bytes: u64,
        /// What is accepted.
        limit: u64,
    },
    /// A kind of policy that cannot be read.
    #[error("`{file}` holds {what}, which is not supported; {supported}")]
    Unsupported {
        /// The file.
        file: String,
        /// What it holds.
        what: String,
        /// What is supported.
        supported: String,
    },
    /// The expert was trained for another environment.
    #[error("`{file}` takes {policy}, but {environment}; choose an expert trained for this environment")]
    Mismatch {
        /// The file.
        file: String,
        /// What the expert takes and gives.
        policy: String,
        /// What the environment has.
        environment: String,
    },
    /// A policy reference that cannot be understood or resolved.
    #[error("policy `{reference}`: {reason}")]
    Reference {
        /// What was asked for.
        reference: String,
        /// What is wrong, and how to fix it.
        reason: String,
    },
}

impl ExpertError {
    pub(crate) fn malformed(file: &str, reason: impl Into<String>) -> Self {
        Self::Malformed { file: file.to_owned(), reason: reason.into() }
    }

    /// The same as an error of [`ExpertConfig`](kanrl_core::config::ExpertConfig).
    pub fn into_build_error(self) -> BuildError {
        BuildError { component: "expert", reason: self.to_string(), source: None }
    }
}

fn list(names: &[String]) -> String {
    const SHOWN: usize = 12;
    match names.len() {
        0 => "none".to_owned(),
        count if count > SHOWN => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
        _ => names.join(", "),
    }
}
