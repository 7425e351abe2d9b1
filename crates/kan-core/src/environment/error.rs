use super::Parameter;
use crate::suggest;

/// What can go wrong with an environment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// No environment has this id.
    #[error("unknown environment `{id}`{}; known: {}", suggest::did_you_mean(.nearest), suggest::few(id, .known))]
    UnknownId {
        /// What was asked for.
        id: String,
        /// The most similar known id.
        nearest: Option<String>,
        /// All known ids, sorted.
        known: Vec<String>,
    },
    /// The id is known, but this build has no engine for it.
    #[error("environment `{id}` is not part of this build; {instructions}")]
    NotBuilt {
        /// What was asked for.
        id: String,
        /// The commands that make it available.
        instructions: String,
    },
    /// The id is known, but the environment cannot be used on this machine or by this program.
    #[error("environment `{id}` is not available: {reason}")]
    Unavailable {
        /// The environment.
        id: String,
        /// What it needs, such as a package that is not installed.
        reason: String,
    },
    /// Two environments want the same id.
    #[error("environment `{id}` is registered twice")]
    DuplicateId {
        /// The id.
        id: String,
    },
    /// The keyword arguments do not fit the environment.
    #[error("environment `{id}`: bad arguments: {reason}")]
    BadArguments {
        /// The environment.
        id: String,
        /// What is wrong with them.
        reason: String,
    },
    /// The action does not fit the action space.
    #[error("environment `{id}`: bad action: {reason}")]
    BadAction {
        /// The environment.
        id: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The environment gave a number that is not finite.
    #[error("environment `{id}`: {what} is {value}, expected a finite number")]
    NotFinite {
        /// The environment.
        id: String,
        /// Which number: a coordinate's name or `reward`.
        what: String,
        /// Its value.
        value: f64,
    },
    /// The simulation left the range in which it can go on, in this episode: after a reset it can be used again. The step
    /// that failed has left the observation as it was. Rollouts cut the episode off and go on.
    #[error("environment `{id}`: the simulation diverged: {reason}")]
    Diverged {
        /// The environment.
        id: String,
        /// What became of it.
        reason: String,
    },
    /// No parameter has this name.
    #[error("environment `{id}` has no parameter `{name}`{}; it has: {}", suggest::did_you_mean(.nearest), list(.known))]
    UnknownParameter {
        /// The environment.
        id: String,
        /// What was asked for.
        name: String,
        /// The most similar name.
        nearest: Option<String>,
        /// All parameter names.
        known: Vec<String>,
    },
    /// It has no pictures.
    #[error("environment `{id}` cannot be rendered")]
    NoRendering {
        /// The environment.
        id: String,
    },
    /// The engine behind the environment failed.
    #[error("environment `{id}`: {reason}")]
    Engine {
        /// The environment.
        id: String,
        /// What it said.
        reason: String,
    },
}

impl EnvironmentError {
    /// [`Self::UnknownParameter`] with the nearest name.
    pub fn unknown_parameter(id: &str, name: &str, known: &[Parameter]) -> Self {
        let known: Vec<String> = known.iter().map(|parameter| parameter.name.clone()).collect();
        Self::UnknownParameter {
            id: id.to_owned(),
            name: name.to_owned(),
            nearest: suggest::nearest(name, &known).map(str::to_owned),
            known,
        }
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
