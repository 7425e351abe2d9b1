use super::recording::{Episode, Header, Recording, RecordingError, Rows, Space, plain};
use crate::action::ActionBatch;
use crate::environment::{DynEnvironment, EnvironmentError, EnvironmentRegistry, EnvironmentSpec, KeywordArguments};
use crate::random::Generator;
use crate::space::{ActionSpace, BoxSpace, ElementType};
use std::path::Path;

/// How an environment compares with one recording of it.
#[derive(Clone, Debug, PartialEq)]
pub struct TrajectoryReport {
    /// The recording's id.
    pub id: String,
    /// Its parts: the spec, seeded resets, action samples, episodes.
    pub parts: Vec<PartReport>,
}

impl TrajectoryReport {
    /// The first part that deviates, with its deviation.
    pub fn first_deviation(&self) -> Option<(&PartReport, &Deviation)> {
        self.parts.iter().find_map(|part| Some((part, part.deviation.as_ref()?)))
    }
}

/// How one part of a recording was met.
#[derive(Clone, Debug, PartialEq)]
pub struct PartReport {
    /// Such as `reset(seed=3)` or `episode 5 (seed 1005, random)`.
    pub name: String,
    /// Numbers compared, up to the first deviation.
    pub compared: usize,
    /// The first deviation beyond the tolerance.
    pub deviation: Option<Deviation>,
}

/// Where an environment leaves a recording.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("step {step}: {what} is {found}, recorded {expected}")]
pub struct Deviation {
    /// Steps since the reset; 0 for the reset itself.
    pub step: usize,
    /// Which number, such as `observation theta` or `state[2]`.
    pub what: String,
    /// What was recorded.
    pub expected: f64,
    /// What the environment gave.
    pub found: f64,
}

/// The comparison itself could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrajectoryError {
    /// A file cannot be used.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The environment cannot be made, or fails.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
}

/// Replays every recording in `folder` whose id is, or is an alias of, a registered environment (only `id` if given)
/// and compares spaces, seeded resets, action samples, observations, rewards, flags, states and `info` numbers.
///
/// A recording is a pair `<Id>.json`, `<Id>.safetensors` recorded from Gymnasium:
/// per episode `i` the tensors `ep{i}/obs`, `actions`, `rewards`, `terminated`, `truncated`, and `state` (or `qpos` and
/// `qvel`, or `bodies`) and `info_*` where there are any. Two numbers agree if `|found - expected| <= tolerance * max(1, |expected|)`;
/// a tolerance of 0 asks for equal bits, but for the sign of zero and of NaN.
///
/// # Errors
/// [`TrajectoryError`] for files that cannot be read, an unknown `id`, and an environment that fails. Deviations are
/// not errors: they are in the reports.
pub fn check_trajectories(
    registry: &EnvironmentRegistry,
    id: Option<&str>,
    folder: &Path,
    tolerance: f64,
) -> Result<Vec<TrajectoryReport>, TrajectoryError> {
    let wanted = id.map(|id| registry.get(id)).transpose()?.map(|entry| entry.id.as_str());
    let unreadable = |error: std::io::Error| RecordingError { path: folder.to_owned(), reason: error.to_string() };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();

    let mut reports = Vec::new();
    for path in paths {
        let id = Recording::read_header(&path)?.id;
        let Ok(entry) = registry.get(&id) else { continue };
        if wanted.is_none_or(|wanted| wanted == entry.id) {
            let recording = Recording::read(&path)?;
            let parts = Replay { registry, recording: &recording, tolerance }.parts()?;
            reports.push(TrajectoryReport { id, parts });
        }
    }
    Ok(reports)
}

struct Replay<'a> {
    registry: &'a EnvironmentRegistry,
    recording: &'a Recording,
    tolerance: f64,
}

impl Replay<'_> {
    fn parts(&self) -> Result<Vec<PartReport>, TrajectoryError> {
        let header = &self.recording.header;
        let spec = self.make(&KeywordArguments::new())?.spec().clone();
        let mut parts = vec![self.part("spec".to_owned(), |compare| {
            compare.spec(header, &spec);
            Ok(())
        })?];
        if parts[0].deviation.is_some() {
            return Ok(parts);
        }
        parts.push(self.part("action samples".to_owned(), |compare| {
            compare.action_samples(header, &spec);
            Ok(())
        })?);
        for reset in &header.seeded_resets {
            let name = format!("reset(seed={})", reset.seed);
            parts.push(self.part(name, |compare| {
                let mut environment = self.make(&KeywordArguments::new())?;
                let mut observation = vec![0.0; spec.observation_space.len()];
                environment.reset(Some(reset.seed), &mut observation)?;
                let state = match (&reset.state, &reset.qpos, &reset.qvel, &reset.bodies) {
                    (Some(state), ..) => Some(plain(state)),
                    (None, Some(qpos), Some(qvel), _) => Some([plain(qpos), plain(qvel)].concat()),
                    (None, _, _, Some(bodies)) => Some(plain(&bodies.concat())),
                    _ => None,
                };
                let state = state.as_deref().into_iter().collect::<Vec<_>>();
                let same = compare.observation(0, &plain(&reset.obs), &observation, &spec)
                    && compare.state(0, &state, &*environment);
                for expected in reset.then_unseeded_resets_obs.iter().filter(|_| same) {
                    environment.reset(None, &mut observation)?;
                    if !compare.observation(0, &plain(expected), &observation, &spec) {
                        break;
                    }
                }
                Ok(())
            })?);
        }
        for (index, episode) in header.episodes.iter().enumerate() {
            let name = format!("episode {index} (seed {}, {})", episode.seed, episode.policy);
            parts.push(self.part(name, |compare| self.episode(index, episode, compare))?);
        }
        Ok(parts)
    }

    fn make(&self, arguments: &KeywordArguments) -> Result<Box<dyn DynEnvironment>, EnvironmentError> {
        self.registry.make(&self.recording.header.id, arguments)
    }

    fn part(
        &self,
        name: String,
        check: impl FnOnce(&mut Comparison) -> Result<(), TrajectoryError>,
    ) -> Result<PartReport, TrajectoryError> {
        let mut comparison = Comparison { tolerance: self.tolerance, compared: 0, deviation: None };
        check(&mut comparison)?;
        Ok(PartReport { name, compared: comparison.compared, deviation: comparison.deviation })
    }

    fn episode(&self, index: usize, episode: &Episode, compare: &mut Comparison) -> Result<(), TrajectoryError> {
        let recording = self.recording;
        let actions = recording.actions(index)?;
        let steps = actions.len();
        let observations = recording.required(index, "obs", steps + 1)?;
        let rewards = recording.required(index, "rewards", steps)?;
        let terminated = recording.required(index, "terminated", steps)?;
        let truncated = recording.required(index, "truncated", steps)?;
        let mut states: Vec<Rows<'_>> = Vec::new();
        for name in ["state", "qpos", "qvel", "bodies"] {
            states.extend(recording.rows(index, name, steps + 1)?);
        }
        let mut infos = Vec::new();
        for name in recording.info_names(index) {
            let rows = recording.required(index, &format!("info_{name}"), steps)?;
            infos.push((name, rows));
        }

        let mut environment = self.make(&episode.kwargs)?;
        let spec = environment.spec().clone();
        let mut observation = vec![0.0; spec.observation_space.len()];
        let mut info = vec![0.0; spec.info_names.len()];
        let state_rows = |row| states.iter().map(|rows| rows.row(row)).collect::<Vec<_>>();
        environment.reset(Some(episode.seed), &mut observation)?;
        if !compare.observation(0, observations.row(0), &observation, &spec)
            || !compare.state(0, &state_rows(0), &*environment)
        {
            return Ok(());
        }
        for step in 1..=steps {
            let outcome = environment.step(actions.row(step - 1), &mut observation)?;
            environment.info(&mut info);
            let flag = f64::from;
            let same = compare.observation(step, observations.row(step), &observation, &spec)
                && compare.number(step, || "reward".into(), rewards.row(step - 1)[0], outcome.reward)
                && compare.number(step, || "terminated".into(), terminated.row(step - 1)[0], flag(outcome.terminated))
                && compare.number(step, || "truncated".into(), truncated.row(step - 1)[0], flag(outcome.truncated))
                && compare.state(step, &state_rows(step), &*environment)
                && infos.iter().all(|(name, rows)| {
                    let place = spec.info_names.iter().position(|known| known == name);
                    let found = place.map_or(f64::NAN, |place| info[place]);
                    compare.number(step, || format!("info {name}"), rows.row(step - 1)[0], found)
                });
            if !same {
                break;
            }
        }
        Ok(())
    }
}

struct Comparison {
    tolerance: f64,
    compared: usize,
    deviation: Option<Deviation>,
}

impl Comparison {
    /// Compares two numbers and notes the first deviation; returns whether they agree.
    fn number(&mut self, step: usize, what: impl FnOnce() -> String, expected: f64, found: f64) -> bool {
        let close = (found - expected).abs() <= self.tolerance * expected.abs().max(1.0);
        if close || found == expected || (found.is_nan() && expected.is_nan()) {
            self.compared += 1;
            return true;
        }
        self.deviation.get_or_insert_with(|| Deviation { step, what: what(), expected, found });
        false
    }

    fn observation(&mut self, step: usize, expected: &[f64], found: &[f64], spec: &EnvironmentSpec) -> bool {
        let coordinates = &spec.observation_space.coordinates;
        self.number(step, || "length of the observation".into(), expected.len() as f64, found.len() as f64)
            && coordinates.iter().zip(expected.iter().zip(found)).all(|(coordinate, (expected, found))| {
                self.number(step, || format!("observation {}", coordinate.name), *expected, *found)
            })
    }

    /// `expected` holds the state in pieces; none means that it was not recorded.
    fn state(&mut self, step: usize, expected: &[&[f64]], environment: &dyn DynEnvironment) -> bool {
        if expected.is_empty() {
            return true;
        }
        let (expected, found) = (expected.concat(), environment.state());
        self.number(step, || "length of the state".into(), expected.len() as f64, found.len() as f64)
            && expected
                .iter()
                .zip(&found)
                .enumerate()
                .all(|(index, (expected, found))| self.number(step, || format!("state[{index}]"), *expected, *found))
    }

    fn spec(&mut self, header: &Header, spec: &EnvironmentSpec) {
        let limit = |limit: Option<u32>| limit.map_or(f64::INFINITY, f64::from);
        let threshold = |threshold: Option<f64>| threshold.unwrap_or(f64::NAN);
        self.number(0, || "max_episode_steps".into(), limit(header.max_episode_steps), limit(spec.max_episode_steps));
        let thresholds = (threshold(header.reward_threshold), threshold(spec.reward_threshold));
        self.number(0, || "reward_threshold".into(), thresholds.0, thresholds.1);
        self.box_space("observation", &header.observation_space, &spec.observation_space);
        match (&header.action_space, &spec.action_space) {
            (Space::Discrete { n }, ActionSpace::Discrete(space)) => {
                self.number(0, || "number of actions".into(), *n as f64, space.len() as f64);
            }
            (expected, ActionSpace::Box(space)) => self.box_space("action", expected, space),
            (Space::Box { low, .. }, ActionSpace::Discrete(_)) => {
                self.number(0, || "length of the action".into(), low.len() as f64, f64::NAN);
            }
        }
    }

    fn box_space(&mut self, which: &str, expected: &Space, found: &BoxSpace) {
        let Space::Box { dtype, low, high } = expected else {
            self.number(0, || format!("length of the {which}"), f64::NAN, found.len() as f64);
            return;
        };
        let bits = if dtype == "float32" { 32.0 } else { 64.0 };
        let found_bits = if found.element_type == ElementType::F32 { 32.0 } else { 64.0 };
        self.number(0, || format!("element width of the {which}"), bits, found_bits);
        self.number(0, || format!("length of the {which}"), low.len() as f64, found.len() as f64);
        for (coordinate, (low, high)) in found.coordinates.iter().zip(low.iter().zip(high)) {
            self.number(0, || format!("low of {}", coordinate.name), low.0, coordinate.low);
            self.number(0, || format!("high of {}", coordinate.name), high.0, coordinate.high);
        }
    }

    fn action_samples(&mut self, header: &Header, spec: &EnvironmentSpec) {
        for (seed, samples) in &header.action_space_samples {
            let mut generator = Generator::new(*seed);
            let mut action = ActionBatch::zeros(&spec.action_space, 1);
            for (index, expected) in samples.iter().enumerate() {
                spec.action_space.sample(&mut generator, &mut action, 0);
                let expected: Vec<f64> = match expected.as_array() {
                    Some(values) => values.iter().filter_map(serde_json::Value::as_f64).collect(),
                    None => expected.as_f64().into_iter().collect(),
                };
                let found: Vec<f64> = match &action {
                    ActionBatch::Discrete(actions) => actions.iter().map(|action| *action as f64).collect(),
                    ActionBatch::Continuous { values, .. } => values.iter().copied().map(f64::from).collect(),
                };
                let what = || format!("sample {index} after action_space.seed({seed})");
                if expected.len() != found.len() {
                    self.number(0, what, expected.len() as f64, found.len() as f64);
                } else {
                    expected.iter().zip(&found).all(|(expected, found)| self.number(0, what, *expected, *found));
                }
            }
        }
    }
}
