use crate::engine::{Artifact, ArtifactError, LoadContext, StageError};
use crate::files;
use crate::head::StudentHead;
use kanrl_core::dataset::Dataset;
use kanrl_core::policy::ExpertPolicy;
use kanrl_core::policy::ScoreKind;
use kanrl_core::rollout::Trajectory;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

/// Expert episodes, split by whole episodes.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpertData {
    /// Rows to fit on.
    pub train: Dataset,
    /// Rows to choose by.
    pub validation: Dataset,
}

/// What the tensors do not say.
#[derive(Serialize, Deserialize)]
struct Description {
    format: u32,
    input_names: Vec<String>,
    output_names: Vec<String>,
    score_kind: Option<ScoreKind>,
}

const FORMAT: u32 = 1;
const SPLITS: [&str; 2] = ["train", "validation"];

impl Artifact for ExpertData {
    const NAME: &'static str = "dataset";

    fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
        let description = Description {
            format: FORMAT,
            input_names: self.train.input_names.clone(),
            output_names: self.train.output_names.clone(),
            score_kind: self.train.score_kind,
        };
        let text = serde_json::to_string(&description).map_err(ArtifactError::damaged)?;
        let mut tensors = Vec::new();
        for (split, data) in SPLITS.into_iter().zip([&self.train, &self.validation]) {
            let (rows, inputs, outputs) = (data.rows(), data.input_names.len(), data.output_names.len());
            let starts: Vec<u8> = data.episode_starts.iter().flat_map(|start| (*start as u64).to_le_bytes()).collect();
            tensors.push((format!("{split}/observations"), Dtype::F64, vec![rows, inputs], bytes(&data.observations)));
            tensors.push((format!("{split}/targets"), Dtype::F64, vec![rows, outputs], bytes(&data.targets)));
            tensors.push((format!("{split}/weights"), Dtype::F64, vec![rows], bytes(&data.weights)));
            tensors.push((format!("{split}/episode_starts"), Dtype::U64, vec![data.episodes()], starts));
        }
        let views = tensors
            .iter()
            .map(|(name, element_type, shape, data)| Ok((name, TensorView::new(*element_type, shape.clone(), data)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(ArtifactError::damaged)?;
        // One key only: the map has no fixed order, and files must not differ from run to run.
        let metadata = HashMap::from([("kanrl".to_owned(), text)]);
        let file = safetensors::serialize(views, Some(metadata)).map_err(ArtifactError::damaged)?;
        Ok(files::write(&folder.join("dataset.safetensors"), &file)?)
    }

    fn load(folder: &Path, _context: &LoadContext) -> Result<Self, ArtifactError> {
        let file = std::fs::read(folder.join("dataset.safetensors"))?;
        let (_, header) = SafeTensors::read_metadata(&file).map_err(ArtifactError::damaged)?;
        let text = header.metadata().as_ref().and_then(|metadata| metadata.get("kanrl"));
        let text = text.ok_or_else(|| ArtifactError::damaged("no description"))?;
        let description: Description = serde_json::from_str(text).map_err(ArtifactError::damaged)?;
        if description.format != FORMAT {
            return Err(ArtifactError::damaged(format!("format {}, expected {FORMAT}", description.format)));
        }
        let tensors = SafeTensors::deserialize(&file).map_err(ArtifactError::damaged)?;
        let split = |name: &str| -> Result<Dataset, ArtifactError> {
            let tensor = |part: &str| tensors.tensor(&format!("{name}/{part}")).map_err(ArtifactError::damaged);
            let starts = tensor("episode_starts")?
                .data()
                .chunks_exact(8)
                .map(|bytes| u64::from_le_bytes(bytes.try_into().expect("a chunk of 8 bytes")) as usize);
            let data = Dataset {
                input_names: description.input_names.clone(),
                output_names: description.output_names.clone(),
                score_kind: description.score_kind,
                observations: numbers(tensor("observations")?.data()),
                targets: numbers(tensor("targets")?.data()),
                weights: numbers(tensor("weights")?.data()),
                episode_starts: starts.collect(),
            };
            let fits = data.observations.len() == data.rows() * data.input_names.len()
                && data.targets.len() == data.rows() * data.output_names.len()
                && data.episode_starts.is_sorted()
                && data.episode_starts.iter().all(|start| *start < data.rows());
            if fits {
                Ok(data)
            } else {
                Err(ArtifactError::damaged(format!("the shapes of `{name}` do not fit together")))
            }
        };
        Ok(Self { train: split(SPLITS[0])?, validation: split(SPLITS[1])? })
    }
}

fn bytes(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn numbers(bytes: &[u8]) -> Vec<f64> {
    bytes.chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().expect("a chunk of 8 bytes"))).collect()
}

/// Adds an episode with what the expert would do in each of its first `most` states, whoever played it; nothing for none.
pub(crate) fn push_labeled(
    data: &mut Dataset,
    expert: &dyn ExpertPolicy,
    head: &StudentHead,
    trajectory: &Trajectory,
    most: usize,
) -> Result<(), StageError> {
    let elapsed = trajectory.elapsed_steps();
    let rows = elapsed.len();
    let kept = rows.min(most);
    if kept == 0 {
        return Ok(());
    }
    let targets = match expert.score_kind() {
        Some(_) => {
            let mut scores = vec![0.0; rows * head.action_space().outputs()];
            expert.scores(&trajectory.observations, &elapsed, &mut scores)?;
            head.targets_from_scores(&scores)
        }
        None => {
            let mut actions = trajectory.actions.clone();
            expert.act(&trajectory.observations, &elapsed, &mut actions)?;
            head.targets_from_actions(&actions)
        }
    };
    let (inputs, outputs) = (trajectory.observations.len() / rows, targets.len() / rows);
    data.push_episode(&trajectory.observations[..kept * inputs], &targets[..kept * outputs], &vec![1.0; kept]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::push_labeled;
    use crate::head::StudentHead;
    use kanrl_core::dataset::Dataset;
    use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
    use kanrl_core::rollout::{RolloutOptions, Rollouts};
    use kanrl_experts::FunctionPolicy;

    #[test]
    fn only_the_first_states_are_labeled_and_without_any_nothing_is_added() {
        let mut registry = EnvironmentRegistry::new();
        kanrl_envs_classic::register(&mut registry).unwrap();
        let rollouts = Rollouts::new(registry.get("CartPole-v1").unwrap(), &KeywordArguments::new()).unwrap();
        let spec = rollouts.spec();
        let expert = FunctionPolicy::from_text("0; 3*theta + theta_dot", spec).unwrap();
        let options = RolloutOptions { record: true, ..RolloutOptions::default() };
        let episode = rollouts.run(&expert, &[1], &options).unwrap().remove(0);
        let trajectory = episode.trajectory.expect("it is recorded");
        let head = StudentHead::new(spec.action_space.clone());
        let mut data = Dataset::new(spec.observation_space.names(), head.output_names(), None);
        for most in [0, 3, 0] {
            push_labeled(&mut data, &expert, &head, &trajectory, most).unwrap();
        }
        assert_eq!((data.episode_starts.as_slice(), data.rows()), (&[0][..], 3));
        assert_eq!(data.observations, trajectory.observations[..12]);
        push_labeled(&mut data, &expert, &head, &trajectory, usize::MAX).unwrap();
        assert_eq!(data.rows(), 3 + trajectory.rewards.len());
    }
}
