use super::trace::{Trace, play};
use crate::action::{Action, ActionBatch};
use crate::environment::{DynEnvironment, EnvironmentEntry, EnvironmentError, EnvironmentSpec, KeywordArguments};
use crate::environment::{Parameter, StepOutcome};
use crate::space::{ActionSpace, BoxSpace, ElementType};
use std::collections::BTreeSet;
use std::fmt::Display;

/// What an environment has to keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// It can be made and does not fail.
    Runs,
    /// Names are unique identifiers, bounds are in order, nothing is empty.
    Spec,
    /// `reset(seed)` gives the same start again, on the same and on another instance.
    Seeding,
    /// The same seed and actions give the same observations, rewards, flags, `info` numbers and states.
    Determinism,
    /// Observations lie in their space.
    Bounds,
    /// Float32 observations hold float32 numbers.
    Precision,
    /// Episodes end after at most `max_episode_steps`.
    TimeLimit,
    /// Observations and rewards are finite.
    Finite,
    /// Actions that do not fit are refused, those beyond the bounds of a vector are not.
    Actions,
    /// Chunks and lanes do what single steps do, and lanes do not disturb each other.
    Lanes,
    /// Listed parameters can be set and stay set; others are refused.
    Parameters,
    /// Pictures have pixels, and drawing changes nothing.
    Rendering,
}

/// A rule that an environment breaks.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{rule:?}: {message}")]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// What was seen, and where.
    pub message: String,
}

const SEEDS: [u64; 3] = [0, 1, 123_456_789_012];
const MOST_STEPS: usize = 2000;

/// Checks that an environment keeps its contract, with a few episodes of random actions; no violation is good news.
///
/// ```
/// # use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
/// # let registry = EnvironmentRegistry::new();
/// for entry in registry.entries() {
///     for violation in kanrl_core::testing::check_environment(entry, &KeywordArguments::new()) {
///         println!("{}: {violation}", entry.id);
///     }
/// }
/// ```
pub fn check_environment(entry: &EnvironmentEntry, arguments: &KeywordArguments) -> Vec<Violation> {
    let mut check = Check { entry, arguments, violations: Vec::new() };
    if let Err(error) = check.all() {
        let rule = if matches!(error, EnvironmentError::NotFinite { .. }) { Rule::Finite } else { Rule::Runs };
        check.report(rule, error);
    }
    check.violations
}

struct Check<'a> {
    entry: &'a EnvironmentEntry,
    arguments: &'a KeywordArguments,
    violations: Vec<Violation>,
}

impl Check<'_> {
    fn report(&mut self, rule: Rule, message: impl Display) {
        // One example of a broken rule is enough.
        if self.violations.iter().all(|violation| violation.rule != rule) {
            self.violations.push(Violation { rule, message: message.to_string() });
        }
    }

    fn require(&mut self, holds: bool, rule: Rule, message: impl FnOnce() -> String) {
        if !holds {
            self.report(rule, message());
        }
    }

    fn make(&self) -> Result<Box<dyn DynEnvironment>, EnvironmentError> {
        self.entry.factory.make(self.arguments)
    }

    fn all(&mut self) -> Result<(), EnvironmentError> {
        let mut environment = self.make()?;
        let spec = environment.spec().clone();
        self.spec(&spec);
        self.parameters(&mut *environment, &spec);
        if spec.observation_space.is_empty() || spec.action_space.outputs() == 0 {
            return Ok(());
        }
        let steps = spec.max_episode_steps.map_or(MOST_STEPS, |limit| (limit as usize).min(MOST_STEPS));
        for seed in SEEDS {
            let first = play(&mut *self.make()?, seed, steps)?;
            self.trace(&first, &spec);
            self.repeated(&first, "another instance", &play(&mut *self.make()?, seed, steps)?);
            environment.reset(Some(seed + 1), &mut vec![0.0; spec.observation_space.len()])?;
            self.repeated(&first, "an instance that was used before", &play(&mut *environment, seed, steps)?);
            self.repeated(&first, "the same instance again", &play(&mut *environment, seed, steps)?);
            self.unseeded(seed, &spec)?;
            self.chunks(&first, &spec)?;
            self.lanes(&first, &spec)?;
            self.rendering(&first, &spec)?;
        }
        self.actions(&spec)
    }

    fn spec(&mut self, spec: &EnvironmentSpec) {
        let ids: Vec<&String> = std::iter::once(&self.entry.id).chain(&self.entry.aliases).collect();
        let known = ids.contains(&&spec.id);
        self.require(known, Rule::Spec, || format!("its spec says `{}`, the registry {ids:?}", spec.id));
        self.box_space("observation", &spec.observation_space);
        match &spec.action_space {
            ActionSpace::Box(space) => self.box_space("action", space),
            ActionSpace::Discrete(space) => {
                self.require(!space.is_empty(), Rule::Spec, || "there is no action".to_owned());
            }
        }
        self.identifiers("info number", &spec.info_names);
        self.require(spec.frames_per_second > 0, Rule::Spec, || "0 frames per second".to_owned());
        self.require(spec.max_episode_steps != Some(0), Rule::Spec, || "a time limit of 0 steps".to_owned());
    }

    fn box_space(&mut self, which: &str, space: &BoxSpace) {
        self.require(!space.is_empty(), Rule::Spec, || format!("the {which} has no coordinate"));
        self.identifiers(which, &space.names());
        for coordinate in &space.coordinates {
            let (low, high) = (coordinate.low, coordinate.high);
            self.require(low < high, Rule::Spec, || {
                format!("{which} {}: the lower bound {low} is not below the upper one, {high}", coordinate.name)
            });
            self.require(!coordinate.unit.is_empty(), Rule::Spec, || {
                format!("{which} {} has no unit: write `1` if it is a pure number", coordinate.name)
            });
        }
    }

    fn identifiers(&mut self, which: &str, names: &[String]) {
        let mut seen = BTreeSet::new();
        for name in names {
            let plain = name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
            let starts = name.starts_with(|character: char| character.is_ascii_alphabetic() || character == '_');
            self.require(plain && starts, Rule::Spec, || {
                format!("{which} `{name}`: a name is letters, digits and `_`, and starts with no digit")
            });
            self.require(seen.insert(name), Rule::Spec, || format!("{which} `{name}` appears twice"));
        }
    }

    fn trace(&mut self, trace: &Trace, spec: &EnvironmentSpec) {
        let limit = spec.max_episode_steps.unwrap_or(u32::MAX) as usize;
        for (step, row) in trace.rows.iter().enumerate() {
            for (coordinate, value) in spec.observation_space.coordinates.iter().zip(&row.observation) {
                let inside = (coordinate.low..=coordinate.high).contains(value);
                self.require(inside, Rule::Bounds, || {
                    let (name, low, high) = (&coordinate.name, coordinate.low, coordinate.high);
                    format!("{name} is {value} at step {step} of seed {}, its space {low} to {high}", trace.seed)
                });
                let narrow = f64::from(*value as f32) == *value;
                self.require(
                    narrow || spec.observation_space.element_type == ElementType::F64,
                    Rule::Precision,
                    || format!("{} is {value} at step {step}, which is not a float32", coordinate.name),
                );
            }
            self.require(step < limit || row.outcome.is_over(), Rule::TimeLimit, || {
                format!("an episode is still running after {step} steps, the limit is {limit}")
            });
            self.require(step < limit || row.outcome.truncated, Rule::TimeLimit, || {
                format!("`truncated` is not set at step {step}, the time limit")
            });
        }
    }

    fn repeated(&mut self, first: &Trace, which: &str, second: &Trace) {
        let Some(step) = first.first_difference(second) else { return };
        let rule = if step == 0 { Rule::Seeding } else { Rule::Determinism };
        self.report(rule, format!("seed {}, step {step}: {which} gives {}", first.seed, first.compare(second, step)));
    }

    fn unseeded(&mut self, seed: u64, spec: &EnvironmentSpec) -> Result<(), EnvironmentError> {
        let mut starts = Vec::new();
        for _ in 0..2 {
            let mut environment = self.make()?;
            let mut observation = vec![0.0; spec.observation_space.len()];
            environment.reset(Some(seed), &mut observation)?;
            for _ in 0..2 {
                environment.reset(None, &mut observation)?;
                starts.push(observation.clone());
            }
        }
        self.require(starts[..2] == starts[2..], Rule::Seeding, || {
            format!("resets without a seed after reset(seed={seed}) differ from instance to instance")
        });
        Ok(())
    }

    fn chunks(&mut self, first: &Trace, spec: &EnvironmentSpec) -> Result<(), EnvironmentError> {
        let (size, steps) = (spec.observation_space.len(), first.rows.len() - 1);
        let mut environment = self.make()?;
        let mut observations = vec![0.0; steps * size];
        let mut outcomes = vec![StepOutcome::default(); steps];
        environment.reset(Some(first.seed), &mut observations[..size])?;
        let taken = environment.step_chunk(&first.actions, &mut observations, &mut outcomes)?;
        let same = taken == steps
            && first.rows[1..]
                .iter()
                .zip(observations.chunks_exact(size).zip(&outcomes))
                .all(|(row, (observation, outcome))| row.observation == observation && row.outcome == *outcome);
        self.require(same, Rule::Lanes, || format!("seed {}: `step_chunk` differs from `step`", first.seed));
        Ok(())
    }

    /// Two lanes with the same seed, one of which goes first and is swapped on the way.
    fn lanes(&mut self, first: &Trace, spec: &EnvironmentSpec) -> Result<(), EnvironmentError> {
        let size = spec.observation_space.len();
        let mut lanes = self.entry.factory.make_vector(self.arguments, 2)?;
        let mut observations = vec![0.0; 2 * size];
        let mut outcomes = [StepOutcome::default(); 2];
        let (ahead, behind) = observations.split_at_mut(size);
        lanes.reset_lane(0, Some(first.seed), ahead)?;
        lanes.reset_lane(1, Some(first.seed), behind)?;
        let mut action = ActionBatch::zeros(&spec.action_space, 1);
        for (step, row) in first.rows.iter().enumerate().skip(1) {
            action.resize(0);
            action.push(first.actions.row(step - 1));
            for _ in 0..2 {
                lanes.step_lanes(&action, &mut observations, &mut outcomes).map_err(|error| error.source)?;
                let same = observations[..size] == row.observation && outcomes[0] == row.outcome;
                self.require(same, Rule::Lanes, || {
                    format!("seed {}, step {step}: a lane differs from an environment alone", first.seed)
                });
                lanes.swap_lanes(0, 1);
            }
        }
        Ok(())
    }

    fn rendering(&mut self, first: &Trace, spec: &EnvironmentSpec) -> Result<(), EnvironmentError> {
        let mut environment = self.make()?;
        let mut observation = vec![0.0; spec.observation_space.len()];
        environment.reset(Some(first.seed), &mut observation)?;
        for (step, row) in first.rows.iter().enumerate().take(5) {
            if step > 0 {
                environment.step(first.actions.row(step - 1), &mut observation)?;
            }
            self.require(step == 0 || observation == row.observation, Rule::Rendering, || {
                format!("seed {}: drawing changes step {step}", first.seed)
            });
            match environment.render() {
                Ok(frame) => {
                    let sound = frame.width > 0 && frame.rgb.len() == frame.width * frame.height * 3;
                    self.require(sound, Rule::Rendering, || {
                        format!("a picture of {}×{} has {} bytes", frame.width, frame.height, frame.rgb.len())
                    });
                }
                Err(EnvironmentError::NoRendering { .. }) => return Ok(()),
                Err(error) => self.report(Rule::Rendering, error),
            }
        }
        Ok(())
    }

    fn actions(&mut self, spec: &EnvironmentSpec) -> Result<(), EnvironmentError> {
        let mut environment = self.make()?;
        let mut observation = vec![0.0; spec.observation_space.len()];
        let outputs = spec.action_space.outputs();
        let (short, wild) = (vec![0.0; outputs - 1], vec![f32::NAN; outputs]);
        let bad = match &spec.action_space {
            ActionSpace::Discrete(_) => [Action::Discrete(outputs), Action::F32(&[0.0])],
            ActionSpace::Box(_) => [Action::F32(&short), Action::F32(&wild)],
        };
        for action in bad {
            environment.reset(Some(0), &mut observation)?;
            let refused = matches!(environment.step(action, &mut observation), Err(EnvironmentError::BadAction { .. }));
            self.require(refused, Rule::Actions, || format!("{action:?} is not refused as a bad action"));
        }
        if let ActionSpace::Box(_) = &spec.action_space {
            environment.reset(Some(0), &mut observation)?;
            let (far, wide) = (vec![1e3; outputs], vec![0.0; outputs]);
            for action in [Action::F32(&far), Action::F64(&wide)] {
                if let Err(error) = environment.step(action, &mut observation) {
                    self.report(Rule::Actions, format!("{action:?} is refused: {error}"));
                }
            }
        }
        Ok(())
    }

    fn parameters(&mut self, environment: &mut dyn DynEnvironment, spec: &EnvironmentSpec) {
        let parameters = environment.parameters();
        let names: Vec<String> = parameters.iter().map(|parameter| parameter.name.clone()).collect();
        self.identifiers("parameter", &names);
        let mut observation = vec![0.0; spec.observation_space.len()];
        for Parameter { name, value, .. } in parameters {
            let changed = value * 1.25 + 0.01;
            let set = environment.set_parameter(&name, changed);
            environment.reset(Some(0), &mut observation).ok();
            let now = environment.parameters().into_iter().find(|parameter| parameter.name == name);
            self.require(set.is_ok() && now.is_some_and(|now| now.value == changed), Rule::Parameters, || {
                format!("`{name}` does not keep the value {changed}")
            });
            environment.set_parameter(&name, value).ok();
        }
        let refused = environment.set_parameter("no such parameter", 1.0);
        self.require(matches!(refused, Err(EnvironmentError::UnknownParameter { .. })), Rule::Parameters, || {
            "an unknown parameter is not refused".to_owned()
        });
    }
}
