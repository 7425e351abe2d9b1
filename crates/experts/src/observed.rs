//! `kind = "observed"`: what a policy does in given states, for an agent whose environment is not at hand.

use crate::archive::{MAX_FILE, read_file};
use crate::data_files::read_observations;
use crate::network::Activation;
use crate::options::PolicyOptions;
use crate::spaces::plain_environment;
use crate::{ExpertError, PolicyReference, StandalonePolicy};
use kanrl_core::action::ActionBatch;
use kanrl_core::config::{BuildError, DemonstrationConfig, ExpertConfig, ExpertSource};
use kanrl_core::dataset::{Dataset, Demonstrations};
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::policy::ExpertPolicy;
use kanrl_core::space::ActionSpace;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// `kind = "observed"`: a policy, asked once for each row of a file of observations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObservedConfig {
    /// The policy, as [`PolicyReference`] names it: `agent.zip`.
    pub policy: String,
    /// The states: a `.csv`, `.npy`, `.npz` or `.safetensors`; see [`read_observations`].
    pub observations: PathBuf,
    /// See [`PolicyOptions::normalization`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalization: Option<PathBuf>,
    /// See [`PolicyOptions::activation`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
}

#[typetag::serde(name = "observed")]
impl ExpertConfig for ObservedConfig {
    /// Refuses: with the environment at hand, the policy itself is the expert.
    fn build(&self, environment: &EnvironmentSpec) -> Result<Arc<dyn ExpertPolicy>, BuildError> {
        let reason = format!(
            "`{}` can be queried in any state of `{}`: leave out the observations",
            self.policy, environment.id
        );
        Err(BuildError { component: "expert", reason, source: None })
    }

    fn sources(&self, environment: &EnvironmentSpec) -> Result<Vec<ExpertSource>, BuildError> {
        let config = self.reference().and_then(|policy| policy.config(&self.options()));
        let mut sources = config.map_err(ExpertError::into_build_error)?.sources(environment)?;
        let content = read_file(&self.observations, MAX_FILE).map_err(ExpertError::into_build_error)?;
        sources.push(ExpertSource { name: self.observations.display().to_string(), content });
        Ok(sources)
    }

    fn demonstrations(&self) -> Option<&dyn DemonstrationConfig> {
        Some(self)
    }
}

impl DemonstrationConfig for ObservedConfig {
    fn read(&self, environment: Option<&EnvironmentSpec>) -> Result<Demonstrations, BuildError> {
        let policy = match environment {
            None => self.reference().and_then(|policy| policy.standalone(&self.options())),
            Some(environment) => {
                let config = self.reference().and_then(|policy| policy.config(&self.options()));
                let policy = config.map_err(ExpertError::into_build_error)?.build(environment)?;
                Ok(StandalonePolicy {
                    policy,
                    observation_names: environment.observation_space.names(),
                    labels: Vec::new(),
                })
            }
        };
        policy.and_then(|policy| self.ask(&policy, environment)).map_err(ExpertError::into_build_error)
    }
}

impl ObservedConfig {
    fn reference(&self) -> Result<PolicyReference, ExpertError> {
        self.policy.parse()
    }

    fn options(&self) -> PolicyOptions {
        PolicyOptions { normalization: self.normalization.clone(), activation: self.activation }
    }

    /// The policy's scores where it has some, else its actions, for every row.
    fn ask(
        &self,
        StandalonePolicy { policy, observation_names, .. }: &StandalonePolicy,
        environment: Option<&EnvironmentSpec>,
    ) -> Result<Demonstrations, ExpertError> {
        let file = self.observations.display().to_string();
        let seen = read_observations(&self.observations, observation_names)?;
        if seen.size != policy.observation_size() {
            let reason = format!(
                "has {} numbers in a row, but `{}` takes {}",
                seen.size,
                self.policy,
                policy.observation_size()
            );
            return Err(ExpertError::malformed(&file, reason));
        }
        let (rows, outputs) = (seen.rows(), policy.action_space().outputs());
        let failed = |error: kanrl_core::policy::PolicyError| {
            ExpertError::malformed(&file, format!("cannot be acted on: {error}"))
        };
        let steps = vec![0; rows];
        let mut targets = vec![0.0; rows * outputs];
        if policy.score_kind().is_some() {
            policy.scores(&seen.values, &steps, &mut targets).map_err(failed)?;
        } else {
            let mut actions = ActionBatch::zeros(policy.action_space(), rows);
            policy.act(&seen.values, &steps, &mut actions).map_err(failed)?;
            match actions {
                ActionBatch::Discrete(actions) => {
                    targets.chunks_exact_mut(outputs).zip(actions).for_each(|(row, action)| row[action] = 1.0);
                }
                ActionBatch::Continuous { values, .. } => {
                    targets.iter_mut().zip(values).for_each(|(target, value)| *target = f64::from(value));
                }
            }
        }
        let names = match (observation_names.is_empty(), seen.names.is_empty()) {
            (false, _) => observation_names.clone(),
            (true, false) => seen.names,
            (true, true) => (0..seen.size).map(|index| format!("x_{index}")).collect(),
        };
        let spec = environment
            .cloned()
            .unwrap_or_else(|| plain_environment(self.policy.clone(), &names, policy.action_space().clone()));
        let kind = policy.score_kind();
        let mut dataset = Dataset::new(names, spec.action_space.output_names(), kind);
        dataset.push_episode(&seen.values, &targets, &vec![1.0; rows]);
        let mut notes = policy.notes().to_vec();
        notes.extend(seen.notes);
        if let ActionSpace::Box(space) = &spec.action_space
            && space.coordinates.iter().any(|axis| axis.low == f64::NEG_INFINITY)
        {
            notes.push("the file does not contain the actions' bounds, so the formula has none".to_owned());
        }
        Ok(Demonstrations { source: format!("{} on {file}", self.policy), spec, rows: dataset, marked: false, notes })
    }
}
