//! Formulas that a person is trying out: a few dozen episodes, and a short film of one.

use crate::error::{ApiError, in_words};
use crate::jobs::Jobs;
use crate::story::{LARGEST_STATE, action_rows};
use crate::work::Request;
use kanrl_core::action::ActionBatch;
use kanrl_core::environment::{
    DynEnvironment, EnvironmentError, EnvironmentRegistry, EnvironmentSpec, Frame, KeywordArguments,
};
use kanrl_core::policy::{ExpertPolicy, Policy, PolicyError};
use kanrl_core::rollout::{RolloutOptions, Rollouts};
use kanrl_core::space::ActionSpace;
use kanrl_experts::FunctionPolicy;
use kanrl_pipeline::config::{EnvironmentSection, MergedConfig};
use kanrl_pipeline::run::seeds::{self, Purpose};
use kanrl_pipeline::run::statistics::mean_interval;
use kanrl_pipeline::run::{Returns, RunStore};
use kanrl_render::video::{Format, Writer};
use kanrl_symbolic::Formula;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Episodes that a formula is tried on. Their seeds are those for choosing, never those that a run reports.
pub const EPISODES: usize = 32;
/// Steps of an episode where the environment has no limit.
const MOST_STEPS: u32 = 1000;
/// Frames of a film, about.
const FRAMES: usize = 160;
/// Most pixels across a small picture.
const SMALL: usize = 200;
/// Formulas whose films can still be asked for.
const MOST_KEPT: usize = 64;

/// A policy in its environment.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rehearsal {
    pub environment: EnvironmentSection,
    pub player: Player,
    /// The run's seed.
    pub seed: u64,
    /// Which of the episodes is filmed.
    pub episode: usize,
}

/// Who plays.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Player {
    /// A formula.
    Formula(Formula),
    /// The expert of the run in that folder.
    ExpertOf(PathBuf),
}

/// The latest formulas that were tried, by a key that stands in their films' address.
pub struct Rehearsals {
    /// Where films lie once they were asked for.
    folder: PathBuf,
    latest: Mutex<VecDeque<Kept>>,
}

#[derive(Clone)]
struct Kept {
    key: String,
    rehearsal: Arc<Rehearsal>,
    /// Held while it is filmed: others who want the same film wait.
    filming: Arc<tokio::sync::Mutex<()>>,
}

impl Rehearsals {
    /// None yet; films of an earlier studio, which nobody can ask for any more, are removed.
    ///
    /// # Errors
    /// Where the folder cannot be emptied.
    pub fn new(own_folder: &Path) -> std::io::Result<Self> {
        let folder = own_folder.join("films");
        kanrl_pipeline::files::create_empty_folder(&folder).map_err(|error| error.source)?;
        Ok(Self { folder, latest: Mutex::default() })
    }

    /// Remembers a formula; gives its key.
    pub fn keep(&self, rehearsal: Rehearsal) -> String {
        let Rehearsal { environment, player, seed, episode } = &rehearsal;
        let player = match player {
            Player::Formula(formula) => formula.to_json(),
            Player::ExpertOf(run) => run.display().to_string(),
        };
        let text = format!("{environment:?}{seed}/{episode}{player}");
        let key: String = Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let mut latest = self.lock();
        if !latest.iter().any(|kept| kept.key == key) {
            latest.push_back(Kept { key: key.clone(), rehearsal: Arc::new(rehearsal), filming: Arc::default() });
        }
        while latest.len() > MOST_KEPT {
            let oldest = latest.pop_front();
            let _ = oldest.map(|oldest| std::fs::remove_file(self.file(&oldest.key)));
        }
        key
    }

    /// The file with the film of a formula that was tried; made when it is first asked for.
    ///
    /// # Errors
    /// For an unknown key, and what the worker that films says.
    pub async fn film(&self, key: &str, jobs: &Jobs) -> Result<PathBuf, ApiError> {
        let kept = self.lock().iter().find(|kept| kept.key == key).cloned();
        let Kept { rehearsal, filming, .. } =
            kept.ok_or_else(|| ApiError::not_found("this film is gone: try the formula again"))?;
        let _alone = filming.lock().await;
        let file = self.file(key);
        if !file.is_file() {
            jobs.ask(&Request::Film { rehearsal: Rehearsal::clone(&rehearsal), file: file.clone() }).await?;
        }
        Ok(file)
    }

    fn file(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.mp4"))
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rehearsal {
    fn policy(&self, spec: &EnvironmentSpec) -> Result<Box<dyn Policy>, ApiError> {
        match &self.player {
            Player::Formula(formula) => {
                let policy = FunctionPolicy::from_formula(formula, spec, "the formula".to_owned());
                Ok(Box::new(policy.map_err(|error| words(&error))?))
            }
            Player::ExpertOf(run) => {
                let run = RunStore::open(run).map_err(|error| words(&error))?;
                let config = run.config().and_then(|raw| MergedConfig::new(raw).resolve());
                let expert = config.map_err(|error| words(&error))?.expert.build(spec);
                Ok(Box::new(Shared(expert.map_err(|error| words(&error))?)))
            }
        }
    }

    /// Its returns over a few dozen episodes.
    ///
    /// # Errors
    /// In words, such as for a formula that leaves its domain.
    pub fn returns(&self, environments: &EnvironmentRegistry) -> Result<Value, ApiError> {
        let entry = environments.get(&self.environment.id).map_err(|error| words(&error))?;
        let rollouts = Rollouts::new(entry, &self.environment.arguments).map_err(|error| words(&error))?;
        let limited = rollouts.spec().max_episode_steps.is_some();
        let options = RolloutOptions { max_steps: (!limited).then_some(MOST_STEPS), ..RolloutOptions::default() };
        let seeds = seeds::episodes(self.seed, Purpose::Select, EPISODES);
        let policy = self.policy(rollouts.spec())?;
        let episodes = rollouts.run(policy.as_ref(), &seeds, &options).map_err(|error| words(&error))?;
        let values: Vec<f64> = episodes.iter().map(|episode| episode.episode_return).collect();
        let interval = mean_interval(&values);
        let Returns { mean, std, n, worst_5_percent, .. } = Returns::new(values.clone());
        Ok(json!({
            "mean": mean, "std": std, "n": n, "worst_5_percent": worst_5_percent,
            "interval": [interval.low, interval.high], "all": values,
        }))
    }

    /// Plays the episode; `each` sees the environment before every step, with the steps so far and the observation.
    fn play(&self, environments: &EnvironmentRegistry, each: &mut Watcher<'_>) -> Result<Trace, ApiError> {
        let mut environment =
            environments.make(&self.environment.id, &self.environment.arguments).map_err(|error| words(&error))?;
        let spec = environment.spec().clone();
        let policy = self.policy(&spec)?;
        let seed = seeds::episodes(self.seed, Purpose::Select, self.episode + 1)[self.episode];
        let mut observation = vec![0.0; spec.observation_space.len()];
        let mut actions = ActionBatch::zeros(&spec.action_space, 1);
        let limit = spec.max_episode_steps.unwrap_or(MOST_STEPS) as usize;
        let mut trace = Trace { frames_per_second: spec.frames_per_second, ..Trace::default() };
        environment.reset(Some(seed), &mut observation).map_err(|error| words(&error))?;
        for step in 0..limit {
            each(environment.as_mut(), &spec, step)?;
            trace.states.push(environment.state());
            policy.act(&observation, &[step as u32], &mut actions).map_err(|error| words(&error))?;
            let outcome = match environment.step(actions.row(0), &mut observation) {
                // What there is to see of the episode has been seen.
                Err(EnvironmentError::Diverged { .. }) => break,
                other => other.map_err(|error| words(&error))?,
            };
            trace.actions.extend(action_rows(&actions).as_array().into_iter().flatten().cloned());
            trace.rewards.push(outcome.reward);
            if outcome.is_over() {
                break;
            }
        }
        trace.states.push(environment.state());
        Ok(trace)
    }

    /// An episode step by step: the states before each step and after the last, actions, rewards, and how many steps each frame
    /// of its film stands for.
    ///
    /// # Errors
    /// As [`Self::returns`].
    pub fn episode(&self, environments: &EnvironmentRegistry) -> Result<Value, ApiError> {
        let mut trace = self.play(environments, &mut |_, _, _| Ok(()))?;
        if trace.states.iter().any(|state| state.len() > LARGEST_STATE) {
            trace.states.clear();
        }
        let length = trace.rewards.len();
        Ok(json!({
            "length": length,
            "states": trace.states,
            "actions": trace.actions,
            "rewards": trace.rewards,
            "total": trace.rewards.iter().sum::<f64>(),
            "stride": stride(length),
            "pace": pace(trace.frames_per_second, stride(length)),
        }))
    }

    /// A short film of one episode: half as large, and as many frames left out as keep it short.
    ///
    /// # Errors
    /// As [`Self::returns`].
    pub fn film(&self, environments: &EnvironmentRegistry) -> Result<Vec<u8>, ApiError> {
        let mut writer: Option<Writer> = None;
        // Played once to know its length, then once more, which is the same episode, drawing every `stride`-th state.
        let stride = stride(self.play(environments, &mut |_, _, _| Ok(()))?.rewards.len());
        self.play(environments, &mut |environment, spec, step| {
            if !step.is_multiple_of(stride) {
                return Ok(());
            }
            let frame = halved(&environment.render().map_err(|error| words(&error))?);
            let writer = match &mut writer {
                Some(writer) => writer,
                None => {
                    let pace = pace(spec.frames_per_second, stride);
                    let new = Writer::new(Format::Mp4, frame.width, frame.height, pace);
                    writer.insert(new.map_err(|error| words(&error))?)
                }
            };
            writer.push(&frame).map_err(|error| words(&error))
        })?;
        let writer = writer.ok_or_else(|| ApiError::unprocessable("the episode has no step to film"))?;
        writer.finish().map_err(|error| words(&error))
    }
}

type Watcher<'a> = dyn FnMut(&mut dyn DynEnvironment, &EnvironmentSpec, usize) -> Result<(), ApiError> + 'a;

/// What happened in an episode.
#[derive(Default)]
struct Trace {
    frames_per_second: u32,
    states: Vec<Vec<f64>>,
    actions: Vec<Value>,
    rewards: Vec<f64>,
}

/// An expert, which others hold too.
struct Shared(Arc<dyn ExpertPolicy>);

impl Policy for Shared {
    fn observation_size(&self) -> usize {
        self.0.observation_size()
    }

    fn action_space(&self) -> &ActionSpace {
        self.0.action_space()
    }

    fn act(&self, observations: &[f64], elapsed_steps: &[u32], actions: &mut ActionBatch) -> Result<(), PolicyError> {
        self.0.act(observations, elapsed_steps, actions)
    }
}

/// Steps that a frame of a film stands for.
fn stride(length: usize) -> usize {
    length.div_ceil(FRAMES).max(1)
}

/// Frames of a film per second.
fn pace(frames_per_second: u32, stride: usize) -> u32 {
    (frames_per_second / stride as u32).max(1)
}

fn words(error: &dyn std::error::Error) -> ApiError {
    ApiError::unprocessable(in_words(error))
}

/// A small picture of an environment a little after its start, as PNG.
///
/// # Errors
/// In words, where it cannot be made or drawn.
pub fn picture(id: &str, environments: &EnvironmentRegistry) -> Result<Vec<u8>, ApiError> {
    let mut environment = environments.make(id, &KeywordArguments::new()).map_err(|error| words(&error))?;
    let mut observation = vec![0.0; environment.spec().observation_space.len()];
    environment.reset(Some(1), &mut observation).map_err(|error| words(&error))?;
    let mut frame = environment.render().map_err(|error| words(&error))?;
    while frame.width > SMALL {
        frame = halved(&frame);
    }
    Ok(kanrl_render::encode_png(&frame))
}

/// The frame at half its size, each pixel the mean of four.
fn halved(frame: &Frame) -> Frame {
    let (width, height) = ((frame.width / 2).max(1), (frame.height / 2).max(1));
    let mut rgb = Vec::with_capacity(width * height * 3);
    let at = |row: usize, column: usize, channel: usize| {
        let (row, column) = (row.min(frame.height - 1), column.min(frame.width - 1));
        u16::from(frame.rgb[(row * frame.width + column) * 3 + channel])
    };
    for row in 0..height {
        for column in 0..width {
            for channel in 0..3 {
                let (top, left) = (row * 2, column * 2);
                let sum = at(top, left, channel)
                    + at(top, left + 1, channel)
                    + at(top + 1, left, channel)
                    + at(top + 1, left + 1, channel);
                rgb.push((sum / 4) as u8);
            }
        }
    }
    Frame { width, height, rgb }
}

#[cfg(test)]
mod tests {
    use super::halved;
    use kanrl_core::environment::Frame;

    #[test]
    fn half_a_frame_is_the_mean_of_four_pixels() {
        let rgb = vec![0, 10, 20, 40, 10, 20, 0, 10, 20, 40, 10, 20];
        assert_eq!(halved(&Frame { width: 2, height: 2, rgb }), Frame { width: 1, height: 1, rgb: vec![20, 10, 20] });
        let odd = Frame { width: 3, height: 1, rgb: vec![8; 9] };
        assert_eq!(halved(&odd), Frame { width: 1, height: 1, rgb: vec![8; 3] });
    }
}
