//! The environments that PPO learns from: stepped side by side, reset when an episode ends, restored from a checkpoint.

use super::TrainingError;
use kanrl_core::action::ActionBatch;
use kanrl_core::environment::{
    EnvironmentRegistry, EnvironmentSpec, KeywordArguments, LaneError, StepOutcome, VectorEnvironment,
    step_lanes_past_divergence,
};
use kanrl_core::random::SeedSequence;
use kanrl_core::space::ActionSpace;
use rayon::prelude::*;
use std::time::{Duration, Instant};

/// Steps of all lanes that are timed before it is decided whether threads pay. The results are the same either way.
const TIMED_STEPS: u32 = 32;
/// A step of all lanes must take this long on one thread for several to pay.
const WORTH_SHARING: Duration = Duration::from_micros(30);

/// An episode that is under way. Its seed and its actions say all about the environment's state, which is how a
/// checkpoint restores environments that cannot save themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Episode {
    /// Episodes that this lane ended before.
    pub index: u32,
    /// The actions so far, as the environment got them: `[steps, action_size]`.
    pub actions: Vec<f32>,
}

/// What the last step of one lane led to.
#[derive(Clone, Debug, Default)]
pub(super) struct LaneStep {
    pub outcome: StepOutcome,
    /// Where the episode ended, its last observation; `observation` is then the next episode's first one.
    pub last_observation: Vec<f64>,
    pub observation: Vec<f64>,
}

/// Independent lanes, in as many groups as there are threads.
pub(super) struct Lanes {
    seeds: SeedSequence,
    spec: EnvironmentSpec,
    groups: Vec<Group>,
    steps: u32,
    time: Duration,
}

/// Lanes that one task steps.
struct Group {
    first_lane: usize,
    environments: Box<dyn VectorEnvironment>,
    actions: ActionBatch,
    observations: Vec<f64>,
    outcomes: Vec<StepOutcome>,
    episodes: Vec<Episode>,
    steps: Vec<LaneStep>,
}

impl Lanes {
    /// `count` lanes. Every episode is reset with a seed of its own, drawn from `seed`, the lane and its number.
    ///
    /// # Errors
    /// The environment's.
    pub fn new(
        registry: &EnvironmentRegistry,
        id: &str,
        arguments: &KeywordArguments,
        count: usize,
        seeds: SeedSequence,
    ) -> Result<Self, TrainingError> {
        let per_group = count.div_ceil(rayon::current_num_threads());
        let mut groups = Vec::new();
        for first_lane in (0..count).step_by(per_group) {
            let lanes = per_group.min(count - first_lane);
            let environments = registry.make_vector(id, arguments, lanes)?;
            let size = environments.spec().observation_space.len();
            groups.push(Group {
                first_lane,
                actions: ActionBatch::zeros(&environments.spec().action_space, lanes),
                observations: vec![0.0; lanes * size],
                outcomes: vec![StepOutcome::default(); lanes],
                episodes: vec![Episode::default(); lanes],
                steps: vec![
                    LaneStep {
                        outcome: StepOutcome::default(),
                        last_observation: vec![0.0; size],
                        observation: vec![0.0; size]
                    };
                    lanes
                ],
                environments,
            });
        }
        let spec = groups[0].environments.spec().clone();
        Ok(Self { seeds, spec, groups, steps: 0, time: Duration::ZERO })
    }

    /// What is fixed about the environment.
    pub fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    /// Number of lanes.
    pub fn count(&self) -> usize {
        self.groups.iter().map(|group| group.steps.len()).sum()
    }

    /// The last step of every lane, in order.
    pub fn steps(&self) -> impl Iterator<Item = &LaneStep> {
        self.groups.iter().flat_map(|group| &group.steps)
    }

    /// The running episode of every lane, in order.
    pub fn episodes(&self) -> impl Iterator<Item = &Episode> {
        self.groups.iter().flat_map(|group| &group.episodes)
    }

    /// Starts every lane's first episode.
    ///
    /// # Errors
    /// The environment's.
    pub fn reset(&mut self) -> Result<(), TrainingError> {
        let episodes = vec![Episode::default(); self.count()];
        self.restore(&episodes)
    }

    /// Brings every lane to where these episodes were: resets and takes their actions again.
    ///
    /// # Errors
    /// The environment's, or [`TrainingError::BadCheckpoint`] where the actions are not this environment's.
    pub fn restore(&mut self, episodes: &[Episode]) -> Result<(), TrainingError> {
        let (seeds, size) = (&self.seeds, action_size(&self.spec.action_space));
        self.groups.par_iter_mut().try_for_each(|group| {
            for lane in 0..group.steps.len() {
                group.restore(seeds, lane, &episodes[group.first_lane + lane], size)?;
            }
            Ok(())
        })
    }

    /// One step in every lane with `actions` `[lanes, action_size]`, a discrete one given by its index.
    ///
    /// # Errors
    /// [`TrainingError::Lane`] with the first lane that fails.
    pub fn step(&mut self, actions: &[f32]) -> Result<(), TrainingError> {
        let (seeds, size) = (&self.seeds, action_size(&self.spec.action_space));
        let step = |group: &mut Group| group.step(seeds, &actions[group.first_lane * size..], size);
        if self.steps < TIMED_STEPS {
            let start = Instant::now();
            self.groups.iter_mut().try_for_each(step)?;
            self.time += start.elapsed();
            self.steps += 1;
            return Ok(());
        }
        if self.groups.len() > 1 && self.time > WORTH_SHARING * TIMED_STEPS {
            self.groups.par_iter_mut().try_for_each(step)
        } else {
            self.groups.iter_mut().try_for_each(step)
        }
    }
}

impl Group {
    fn step(&mut self, seeds: &SeedSequence, actions: &[f32], size: usize) -> Result<(), TrainingError> {
        let lanes = self.steps.len();
        let actions = &actions[..lanes * size];
        match &mut self.actions {
            ActionBatch::Discrete(batch) => {
                batch.iter_mut().zip(actions).for_each(|(action, index)| *action = *index as usize);
            }
            ActionBatch::Continuous { values, .. } => values.copy_from_slice(actions),
        }
        let first_lane = self.first_lane;
        // A simulation that diverges ends its episode, as in rollouts.
        step_lanes_past_divergence(&mut *self.environments, &self.actions, &mut self.observations, &mut self.outcomes)
            .map_err(|LaneError { lane, source }| TrainingError::Lane(LaneError { lane: lane + first_lane, source }))?;
        let width = self.observations.len() / lanes;
        for lane in 0..lanes {
            let observation = &self.observations[lane * width..][..width];
            let step = &mut self.steps[lane];
            step.outcome = self.outcomes[lane];
            self.episodes[lane].actions.extend_from_slice(&actions[lane * size..][..size]);
            if step.outcome.is_over() {
                step.last_observation.copy_from_slice(observation);
                self.episodes[lane].index += 1;
                self.episodes[lane].actions.clear();
                self.reset(seeds, lane)?;
            } else {
                step.observation.copy_from_slice(observation);
            }
        }
        Ok(())
    }

    /// Starts the episode whose number stands in `self.episodes`.
    fn reset(&mut self, seeds: &SeedSequence, lane: usize) -> Result<(), TrainingError> {
        let mut seed = [0];
        let lane_seeds = seeds.child((self.first_lane + lane) as u32);
        lane_seeds.child(self.episodes[lane].index).generate_u64(&mut seed);
        self.environments.reset_lane(lane, Some(seed[0]), &mut self.steps[lane].observation)?;
        Ok(())
    }

    fn restore(
        &mut self,
        seeds: &SeedSequence,
        lane: usize,
        episode: &Episode,
        size: usize,
    ) -> Result<(), TrainingError> {
        self.episodes[lane] = episode.clone();
        self.reset(seeds, lane)?;
        self.environments.swap_lanes(0, lane);
        self.actions.resize(1);
        for action in episode.actions.chunks_exact(size) {
            match &mut self.actions {
                ActionBatch::Discrete(batch) => batch[0] = action[0] as usize,
                ActionBatch::Continuous { values, .. } => values.copy_from_slice(action),
            }
            let observation = &mut self.steps[lane].observation;
            self.environments
                .step_lanes(&self.actions, observation, &mut self.outcomes)
                .map_err(TrainingError::Lane)?;
            if self.outcomes[0].is_over() {
                let reason = format!("lane {lane}'s recorded actions end its episode early");
                return Err(TrainingError::BadCheckpoint { reason });
            }
        }
        self.actions.resize(self.steps.len());
        self.environments.swap_lanes(0, lane);
        Ok(())
    }
}

/// Numbers that an action is stored in: one for a discrete action.
pub(super) fn action_size(space: &ActionSpace) -> usize {
    match space {
        ActionSpace::Discrete(_) => 1,
        ActionSpace::Box(space) => space.len(),
    }
}
