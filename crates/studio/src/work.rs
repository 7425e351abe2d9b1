//! What the studio has done in worker processes: all that computes for long or runs a plugin's code. A worker can be killed when
//! nobody waits for it any more, and takes nothing with it when it crashes.

use crate::catalog::Described;
use crate::error::{ApiError, in_words};
use crate::fields::NewRun;
use crate::laboratory::{Laboratory, Pin};
use crate::rollout::{self, Player, Rehearsal};
use crate::uploads::Uploads;
use crate::{frozen, story};
use kanrl_core::environment::EnvironmentRegistry;
use kanrl_pipeline::config::MergedConfig;
use kanrl_pipeline::run::{PolicyRole, RunStore};
use kanrl_symbolic::Formula;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// The subcommand of the program that does the work: it reads a [`Work`] from the file that is named and
/// writes [`Work::run`]'s answer to its standard output.
pub const SUBCOMMAND: &str = "studio-work";
/// Largest request that is read, in bytes.
const LARGEST: u64 = 16 << 20;

/// A piece of work, as the studio hands it to a worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Work(Request);

/// What a worker is asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
pub(crate) enum Request {
    /// Every environment, those of plugins included.
    Environments,
    /// The config that a form asks for, as TOML.
    Resolve { form: NewRun, own_folder: PathBuf },
    /// A run's named network.
    Network { run: PathBuf },
    /// One edge of it, and what it could be called.
    Edge { run: PathBuf, edge: usize },
    /// Other functions on some edges.
    Pin { run: PathBuf, pins: Vec<Pin> },
    /// Other expressions in the run's formula.
    Try { run: PathBuf, outputs: Vec<String> },
    /// What the run's page is made of.
    Story { run: PathBuf },
    /// The same with all that it needs to be shown without a server.
    Frozen { run: PathBuf },
    /// An episode step by step: the expert's, or these expressions' in the run's formula.
    Episode { run: PathBuf, outputs: Option<Vec<String>>, episode: usize },
    /// A small picture of an environment.
    Picture { environment: String, file: PathBuf },
    /// An episode of a policy that was tried.
    Film { rehearsal: Rehearsal, file: PathBuf },
}

impl Work {
    /// Reads what the studio wrote.
    ///
    /// # Errors
    /// If that is not possible.
    pub fn read(file: &Path) -> std::io::Result<Self> {
        Ok(serde_json::from_reader(BufReader::new(File::open(file)?.take(LARGEST)))?)
    }

    /// The environment that it is about, if it is about one.
    pub fn environment(&self) -> Option<String> {
        let of_run = |run: &Path| {
            let config = MergedConfig::new(RunStore::open(run).ok()?.config().ok()?);
            Some(config.resolve().ok()?.environment.id)
        };
        match &self.0 {
            Request::Environments => None,
            Request::Resolve { form, .. } => Some(form.environment.clone()),
            Request::Network { run }
            | Request::Edge { run, .. }
            | Request::Pin { run, .. }
            | Request::Story { run }
            | Request::Frozen { run }
            | Request::Episode { run, .. }
            | Request::Try { run, .. } => of_run(run),
            Request::Picture { environment, .. } => Some(environment.clone()),
            Request::Film { rehearsal, .. } => Some(rehearsal.environment.id.clone()),
        }
    }

    /// Does it; the answer is JSON, also where it is a refusal.
    pub fn run(self, environments: &EnvironmentRegistry) -> String {
        let answer = match self.0.run(environments) {
            Ok(value) => Answer::Value(value),
            Err(error) => Answer::Refusal(error),
        };
        serde_json::to_string(&answer).unwrap_or_else(|error| error.to_string())
    }
}

/// What a worker says.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Value(Value),
    Refusal(ApiError),
}

impl Request {
    pub fn to_json(&self) -> Result<Vec<u8>, ApiError> {
        serde_json::to_vec(self).map_err(ApiError::internal)
    }

    /// What a worker's answer says.
    pub fn answer(text: &[u8]) -> Result<Value, ApiError> {
        match serde_json::from_slice(text) {
            Ok(Answer::Value(value)) => Ok(value),
            Ok(Answer::Refusal(error)) => Err(error),
            Err(error) => Err(ApiError::internal(format!("the worker's answer cannot be read: {error}"))),
        }
    }

    fn run(self, environments: &EnvironmentRegistry) -> Result<Value, ApiError> {
        let open = |run: &Path| RunStore::open(run).map_err(|error| ApiError::not_found(in_words(&error)));
        let laboratory = |run: &Path| Laboratory::open(&open(run)?, environments);
        match self {
            Self::Environments => {
                let all: Vec<Described> =
                    environments.entries().map(|entry| Described::new(environments, entry)).collect();
                Ok(json!(all))
            }
            Self::Resolve { form, own_folder } => {
                let config = form.resolve(&Uploads::new(own_folder), environments)?;
                let (id, arguments) = (&config.environment.id, &config.environment.arguments);
                let environment = environments.make(id, arguments);
                let environment = environment.map_err(|error| ApiError::field("environment", in_words(&error)))?;
                let expert = config.expert.build(environment.spec());
                expert.map_err(|error| ApiError::field("expert", in_words(&error)))?;
                Ok(json!(config.to_toml()))
            }
            Self::Network { run } => Ok(laboratory(&run)?.network()),
            Self::Edge { run, edge } => laboratory(&run)?.edge(edge),
            Self::Pin { run, pins } => {
                let (answer, rehearsal) = laboratory(&run)?.pin(pins)?;
                rehearsed(answer, rehearsal, environments)
            }
            Self::Try { run, outputs } => {
                let rehearsal = rehearsal(&open(&run)?, Some(outputs), 0)?;
                rehearsed(json!({}), rehearsal, environments)
            }
            Self::Story { run } => story::tell(&open(&run)?, environments),
            Self::Frozen { run } => frozen::freeze(&open(&run)?, environments),
            Self::Episode { run, outputs, episode } => {
                let rehearsal = rehearsal(&open(&run)?, outputs, episode)?;
                let mut answer = rehearsal.episode(environments)?;
                answer["rehearsal"] = json!(rehearsal);
                Ok(answer)
            }
            Self::Picture { environment, file } => {
                let bytes = rollout::picture(&environment, environments)?;
                kanrl_pipeline::files::write(&file, &bytes).map_err(ApiError::internal)?;
                Ok(Value::Null)
            }
            Self::Film { rehearsal, file } => {
                let bytes = rehearsal.film(environments)?;
                kanrl_pipeline::files::write(&file, &bytes).map_err(ApiError::internal)?;
                Ok(Value::Null)
            }
        }
    }
}

/// These expressions in a run's formula, or the run's expert, in the run's environment.
fn rehearsal(run: &RunStore, outputs: Option<Vec<String>>, episode: usize) -> Result<Rehearsal, ApiError> {
    let player = match outputs {
        Some(outputs) => Player::Formula(edited(run, &outputs)?),
        None => Player::ExpertOf(run.path().to_owned()),
    };
    let config = run.config().and_then(|raw| MergedConfig::new(raw).resolve());
    let config = config.map_err(|error| ApiError::unprocessable(in_words(&error)))?;
    Ok(Rehearsal { environment: config.environment, player, seed: config.seed, episode })
}

/// A run's formula with other expressions.
pub(crate) fn edited(run: &RunStore, outputs: &[String]) -> Result<Formula, ApiError> {
    let own = run.formula(PolicyRole::Headline).map_err(|error| ApiError::not_found(in_words(&error)))?;
    let parsed = outputs.iter().enumerate().map(|(index, text)| {
        text.parse().map_err(|error| ApiError::field(&format!("output-{index}"), in_words(&error)))
    });
    let outputs = parsed.collect::<Result<_, _>>()?;
    own.with_expressions(outputs).map_err(|error| ApiError::unprocessable(in_words(&error)))
}

/// An answer with a formula's forms, its returns, and itself for the film that may follow.
fn rehearsed(mut answer: Value, rehearsal: Rehearsal, environments: &EnvironmentRegistry) -> Result<Value, ApiError> {
    if let Player::Formula(formula) = &rehearsal.player {
        answer["formula"] = crate::api::exports(formula);
    }
    answer["returns"] = rehearsal.returns(environments)?;
    answer["rehearsal"] = json!(rehearsal);
    Ok(answer)
}
