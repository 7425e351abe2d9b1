use super::{Episode, Monitor, RolloutError, RolloutOptions, Trajectory};
use crate::action::ActionBatch;
use crate::environment::{
    DivergedLane, EnvironmentSpec, LaneError, StepOutcome, VectorEnvironment, step_lanes_past_divergence,
};
use crate::policy::{Policy, PolicyError};
use crate::random::{Generator, SeedSequence};
use crate::space::ActionSpace;

/// Ticks between two looks at whether the run was cancelled.
const TICKS_BETWEEN_REPORTS: u32 = 1000;

/// Lanes of the environment with the buffers to step them: nothing is allocated per step.
pub(super) struct Worker {
    environment: Box<dyn VectorEnvironment>,
    observation_size: usize,
    /// `[lanes, observation_size]`.
    observations: Vec<f64>,
    elapsed_steps: Vec<u32>,
    returns: Vec<f64>,
    outcomes: Vec<StepOutcome>,
    actions: ActionBatch,
}

impl Worker {
    pub fn new(environment: Box<dyn VectorEnvironment>) -> Self {
        let lanes = environment.lanes();
        let observation_size = environment.spec().observation_space.len();
        Self {
            observation_size,
            observations: vec![0.0; lanes * observation_size],
            elapsed_steps: vec![0; lanes],
            returns: vec![0.0; lanes],
            outcomes: vec![StepOutcome::default(); lanes],
            actions: ActionBatch::zeros(&environment.spec().action_space, lanes),
            environment,
        }
    }

    pub fn spec(&self) -> &EnvironmentSpec {
        self.environment.spec()
    }

    pub fn lanes(&self) -> usize {
        self.environment.lanes()
    }

    pub fn environment(&mut self) -> &mut dyn VectorEnvironment {
        &mut *self.environment
    }

    fn observation(&self, lane: usize) -> &[f64] {
        &self.observations[lane * self.observation_size..(lane + 1) * self.observation_size]
    }

    fn swap(&mut self, first: usize, second: usize) {
        if first == second {
            return;
        }
        self.environment.swap_lanes(first, second);
        self.elapsed_steps.swap(first, second);
        self.returns.swap(first, second);
        for coordinate in 0..self.observation_size {
            self.observations
                .swap(first * self.observation_size + coordinate, second * self.observation_size + coordinate);
        }
    }
}

/// Episodes that one thread runs, in lanes.
pub(super) struct Chunk<'a, P: ?Sized> {
    pub policy: &'a P,
    pub seeds: &'a [u64],
    pub options: &'a RolloutOptions,
    pub monitor: &'a Monitor<'a>,
}

/// The episode that a lane is in.
struct Running {
    place: usize,
    seed: u64,
    trajectory: Option<Trajectory>,
    exploration: Option<Generator>,
    diverged: Option<String>,
}

impl<P: Policy + ?Sized> Chunk<'_, P> {
    pub fn run(&self, worker: &mut Worker) -> Result<Vec<Episode>, RolloutError> {
        let mut episodes: Vec<Option<Episode>> = self.seeds.iter().map(|_| None).collect();
        let lanes = self.options.lanes.clamp(1, self.seeds.len());
        let mut running = Vec::with_capacity(lanes);
        for lane in 0..lanes {
            running.push(self.start(worker, lane, lane)?);
        }
        let mut next = lanes;
        let mut ticks = 0;
        // The lanes in front run; one that ends takes the next seed or changes places with the last one that runs.
        while !running.is_empty() {
            self.tick(worker, &mut running)?;
            for lane in (0..running.len()).rev() {
                let outcome = worker.outcomes[lane];
                worker.returns[lane] += outcome.reward;
                worker.elapsed_steps[lane] += 1;
                if let Some(trajectory) = &mut running[lane].trajectory {
                    trajectory.rewards.push(outcome.reward);
                }
                let cut_off = self.options.max_steps.is_some_and(|limit| worker.elapsed_steps[lane] >= limit);
                if !(outcome.is_over() || cut_off) {
                    continue;
                }
                let truncated = outcome.truncated || cut_off;
                let episode = finish(worker, lane, &mut running[lane], StepOutcome { truncated, ..outcome });
                self.monitor.tell(Some(&episode))?;
                episodes[running[lane].place] = Some(episode);
                if next < self.seeds.len() {
                    running[lane] = self.start(worker, lane, next)?;
                    next += 1;
                } else {
                    worker.swap(lane, running.len() - 1);
                    running.swap_remove(lane);
                }
            }
            ticks += 1;
            if ticks % TICKS_BETWEEN_REPORTS == 0 {
                self.monitor.tell(None)?;
            }
        }
        Ok(episodes.into_iter().map(|episode| episode.expect("every seed was run")).collect())
    }

    /// Resets `lane` for the seed at `place`.
    fn start(&self, worker: &mut Worker, lane: usize, place: usize) -> Result<Running, RolloutError> {
        let seed = self.seeds[place];
        let size = worker.observation_size;
        let observation = &mut worker.observations[lane * size..(lane + 1) * size];
        worker.environment.reset_lane(lane, Some(seed), observation).map_err(|source| RolloutError::Environment {
            seed,
            step: 0,
            source,
        })?;
        worker.elapsed_steps[lane] = 0;
        worker.returns[lane] = 0.0;
        let explores = self.options.random_actions > 0.0;
        Ok(Running {
            place,
            seed,
            trajectory: self.options.record.then(|| Trajectory::new(worker.actions.clone())),
            exploration: explores.then(|| Generator::from_seed_sequence(&SeedSequence::new(seed).child(0))),
            diverged: None,
        })
    }

    /// One step in every running lane.
    fn tick(&self, worker: &mut Worker, running: &mut [Running]) -> Result<(), RolloutError> {
        let lanes = running.len();
        let observations = &worker.observations[..lanes * worker.observation_size];
        let elapsed_steps = &worker.elapsed_steps[..lanes];
        if let Err(source) = self.policy.act(observations, elapsed_steps, &mut worker.actions) {
            return Err(self.policy_error(worker, running, source));
        }
        let space = &worker.environment.spec().action_space;
        if worker.actions.rows() != lanes || !is_for(&worker.actions, space) {
            return Err(RolloutError::Mismatch(PolicyError::Mismatch {
                policy: format!("gave {:?}", worker.actions),
                environment: format!("wants {lanes} actions of {space:?}"),
            }));
        }
        if self.options.random_actions > 0.0 {
            for (lane, running) in running.iter_mut().enumerate() {
                let generator = running.exploration.as_mut().expect("made at the start");
                if generator.random() < self.options.random_actions {
                    space.sample(generator, &mut worker.actions, lane);
                }
            }
        }
        if self.options.record {
            for (lane, running) in running.iter_mut().enumerate() {
                let trajectory = running.trajectory.as_mut().expect("made at the start");
                trajectory.push(worker.observation(lane), worker.actions.row(lane));
            }
        }
        let Worker { environment, actions, observations, outcomes, .. } = worker;
        let stepped = step_lanes_past_divergence(&mut **environment, actions, observations, outcomes);
        let diverged = stepped.map_err(|LaneError { lane, source }| {
            let step = worker.elapsed_steps[lane] + 1;
            RolloutError::Environment { seed: running[lane].seed, step, source }
        })?;
        for DivergedLane { lane, reason } in diverged {
            running[lane].diverged = Some(reason);
        }
        Ok(())
    }

    /// Finds the row that the policy cannot answer.
    #[cold]
    fn policy_error(&self, worker: &mut Worker, running: &[Running], source: PolicyError) -> RolloutError {
        let mut actions = worker.actions.clone();
        for (lane, running) in running.iter().enumerate() {
            let step = worker.elapsed_steps[lane];
            if let Err(source) = self.policy.act(worker.observation(lane), &[step], &mut actions) {
                return RolloutError::Policy { seed: running.seed, step, source };
            }
        }
        RolloutError::Policy { seed: running[0].seed, step: worker.elapsed_steps[0], source }
    }
}

fn is_for(actions: &ActionBatch, space: &ActionSpace) -> bool {
    match (actions, space) {
        (ActionBatch::Discrete(_), ActionSpace::Discrete(_)) => true,
        (ActionBatch::Continuous { size, .. }, ActionSpace::Box(space)) => *size == space.len(),
        _ => false,
    }
}

fn finish(worker: &Worker, lane: usize, running: &mut Running, outcome: StepOutcome) -> Episode {
    let mut trajectory = running.trajectory.take();
    if let Some(trajectory) = &mut trajectory {
        trajectory.final_observation = worker.observation(lane).to_vec();
    }
    Episode {
        seed: running.seed,
        episode_return: worker.returns[lane],
        length: worker.elapsed_steps[lane],
        terminated: outcome.terminated,
        truncated: outcome.truncated,
        diverged: running.diverged.take(),
        trajectory,
    }
}
