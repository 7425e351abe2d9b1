//! What was seen and what the expert would do there, episode by episode.

use crate::environment::EnvironmentSpec;
use crate::fit::Samples;
use crate::policy::ScoreKind;

/// Rows of observations with targets, in whole episodes.
///
/// Splits go by episode, never by row: neighboring rows of one episode are nearly equal, and a split by row would let
/// the validation set leak into the training set.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Names of the observation's coordinates.
    pub input_names: Vec<String>,
    /// Names of the targets.
    pub output_names: Vec<String>,
    /// What the targets are; `None` for plain labels (one-hot rows for discrete actions).
    pub score_kind: Option<ScoreKind>,
    /// `[rows, inputs]`, row-major.
    pub observations: Vec<f64>,
    /// `[rows, outputs]`, row-major.
    pub targets: Vec<f64>,
    /// `[rows]`, not negative.
    pub weights: Vec<f64>,
    /// First row of each episode; the last one ends at `rows`.
    pub episode_starts: Vec<usize>,
}

/// What a policy was seen to do, without the policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Demonstrations {
    /// Where they come from, for reports.
    pub source: String,
    /// What was played: the environment where it is known, else the spaces that the rows are from.
    pub spec: EnvironmentSpec,
    /// The rows. Targets are scores, or one-hot rows of discrete actions, or vector actions.
    pub rows: Dataset,
    /// Whether episodes are marked in the rows; if not, all of them are one.
    pub marked: bool,
    /// How they were read where that was to be found out, and what was left out; each a sentence without a full stop.
    pub notes: Vec<String>,
}

impl Dataset {
    /// An empty dataset.
    pub fn new(input_names: Vec<String>, output_names: Vec<String>, score_kind: Option<ScoreKind>) -> Self {
        Self {
            input_names,
            output_names,
            score_kind,
            observations: Vec::new(),
            targets: Vec::new(),
            weights: Vec::new(),
            episode_starts: Vec::new(),
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.weights.len()
    }

    /// Number of episodes.
    pub fn episodes(&self) -> usize {
        self.episode_starts.len()
    }

    /// Appends an episode: `observations` `[rows, inputs]`, `targets` `[rows, outputs]`, `weights` `[rows]`.
    ///
    /// # Panics
    /// If the lengths do not fit together.
    pub fn push_episode(&mut self, observations: &[f64], targets: &[f64], weights: &[f64]) {
        assert_eq!(observations.len(), weights.len() * self.input_names.len());
        assert_eq!(targets.len(), weights.len() * self.output_names.len());
        self.episode_starts.push(self.rows());
        self.observations.extend_from_slice(observations);
        self.targets.extend_from_slice(targets);
        self.weights.extend_from_slice(weights);
    }

    /// The rows of episode `index`.
    ///
    /// # Panics
    /// If there is no such episode.
    pub fn episode_rows(&self, index: usize) -> std::ops::Range<usize> {
        let end = self.episode_starts.get(index + 1).copied().unwrap_or_else(|| self.rows());
        self.episode_starts[index]..end
    }

    /// Appends rows of another dataset with the same inputs and outputs as an episode.
    ///
    /// # Panics
    /// If there are no such rows, or the widths differ.
    pub fn push_rows(&mut self, other: &Self, rows: std::ops::Range<usize>) {
        let (inputs, outputs) = (other.input_names.len(), other.output_names.len());
        self.push_episode(
            &other.observations[rows.start * inputs..rows.end * inputs],
            &other.targets[rows.start * outputs..rows.end * outputs],
            &other.weights[rows],
        );
    }

    /// Takes the last `episodes` episodes away into a dataset of their own.
    ///
    /// # Panics
    /// If there are fewer.
    #[must_use]
    pub fn split_off(&mut self, episodes: usize) -> Self {
        let first = self.episodes() - episodes;
        let row = self.episode_starts.get(first).copied().unwrap_or_else(|| self.rows());
        Self {
            input_names: self.input_names.clone(),
            output_names: self.output_names.clone(),
            score_kind: self.score_kind,
            observations: self.observations.split_off(row * self.input_names.len()),
            targets: self.targets.split_off(row * self.output_names.len()),
            weights: self.weights.split_off(row),
            episode_starts: self.episode_starts.split_off(first).into_iter().map(|start| start - row).collect(),
        }
    }

    /// All rows, borrowed for a fit.
    pub fn samples(&self) -> Samples<'_> {
        Samples { inputs: &self.observations, targets: &self.targets, weights: &self.weights }
    }
}

#[cfg(test)]
mod tests {
    use super::Dataset;

    #[test]
    fn splits_by_whole_episodes() {
        let mut train = Dataset::new(vec!["x".into()], vec!["y".into()], None);
        train.push_episode(&[1.0, 2.0], &[10.0, 20.0], &[1.0, 1.0]);
        train.push_episode(&[3.0], &[30.0], &[1.0]);
        train.push_episode(&[4.0, 5.0, 6.0], &[40.0, 50.0, 60.0], &[1.0; 3]);
        let validation = train.split_off(2);
        assert_eq!((train.rows(), train.episodes()), (2, 1));
        assert_eq!(validation.observations, [3.0, 4.0, 5.0, 6.0]);
        assert_eq!((validation.episode_rows(0), validation.episode_rows(1)), (0..1, 1..4));
    }
}
