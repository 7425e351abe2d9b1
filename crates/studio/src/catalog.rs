//! The environments that there are: those that are built in, and those of plugins, which only workers look at.

use crate::Studio;
use crate::error::{ApiError, in_words};
use crate::work::Request;
use kanrl_core::environment::{EnvironmentEntry, EnvironmentRegistry, EnvironmentSpec};
use kanrl_core::space::{ActionSpace, Coordinate};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// An environment, as far as it could be looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Described {
    pub id: String,
    summary: String,
    spec: Option<EnvironmentSpec>,
    error: Option<String>,
}

impl Described {
    pub fn new(environments: &EnvironmentRegistry, entry: &EnvironmentEntry) -> Self {
        let (spec, error) = match environments.spec(&entry.id) {
            Ok(spec) => (Some(spec), None),
            Err(error) => (None, Some(in_words(&error))),
        };
        Self { id: entry.id.clone(), summary: entry.summary.clone(), spec, error }
    }

    /// As the page shows it.
    pub fn to_json(&self) -> Value {
        let Some(spec) = &self.spec else {
            return json!({ "id": self.id, "summary": self.summary, "error": self.error });
        };
        let coordinate = |coordinate: &Coordinate| json!({ "name": coordinate.name, "unit": coordinate.unit, "description": coordinate.description });
        let actions: Vec<Value> = match &spec.action_space {
            ActionSpace::Discrete(space) => space.actions.iter().map(|action| json!(action)).collect(),
            ActionSpace::Box(space) => space.coordinates.iter().map(coordinate).collect(),
        };
        let expert = kanrl_experts::bundled::find(&self.id).map(|expert| {
            let record = expert.record();
            let evaluation = record.evaluation;
            json!({
                "algorithm": record.algorithm,
                "mean_return": evaluation.map(|evaluation| evaluation.mean_return),
                "std_return": evaluation.map(|evaluation| evaluation.std_return),
            })
        });
        json!({
            "id": self.id,
            "summary": self.summary,
            "observations": spec.observation_space.coordinates.iter().map(coordinate).collect::<Vec<_>>(),
            "actions": actions,
            "steps": spec.max_episode_steps,
            "expert": expert,
        })
    }
}

impl Studio {
    /// Every environment. What is wrong with the plugins takes the place of theirs.
    pub(crate) async fn all_environments(&self) -> Vec<Described> {
        let own = self.environments.entries().map(|entry| Described::new(&self.environments, entry));
        let mut all: Vec<Described> = own.collect();
        match self.plugin_environments().await {
            Ok(further) => {
                let is_new = |other: &&Described| self.environments.get(&other.id).is_err();
                all.extend(further.iter().filter(is_new).cloned());
            }
            Err(error) => {
                let (id, summary) = ("plugins".to_owned(), "environments of plugins".to_owned());
                all.push(Described { id, summary, spec: None, error: Some(error.to_string()) });
            }
        }
        all
    }

    /// The spec of an environment.
    ///
    /// # Errors
    /// For one that does not exist or cannot be made.
    pub(crate) async fn spec(&self, id: &str) -> Result<EnvironmentSpec, ApiError> {
        let known = self.environments.spec(id);
        if self.environments.get(id).is_err() {
            let further = self.plugin_environments().await?;
            if let Some(found) = further.iter().find(|environment| environment.id == id) {
                let problem = || ApiError::field("environment", found.error.as_deref().unwrap_or("it cannot be made"));
                return found.spec.clone().ok_or_else(problem);
            }
        }
        known.map_err(|error| ApiError::field("environment", in_words(&error)))
    }

    async fn plugin_environments(&self) -> Result<Arc<Vec<Described>>, ApiError> {
        if !self.options.plugins {
            return Ok(Arc::default());
        }
        let ask = async || {
            let all = self.jobs.ask(&Request::Environments).await?;
            serde_json::from_value(all).map(Arc::new).map_err(ApiError::internal)
        };
        self.plugins.get_or_try_init(ask).await.cloned()
    }
}
