use kanrl_core::action::ActionBatch;
use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments, StepOutcome, VectorEnvironment};
use kanrl_core::policy::Policy;
use kanrl_core::random::Generator;

/// Batches of actions drawn beforehand, used in turn.
const BATCHES: usize = 16;

/// Lanes of one environment that go on for ever: one that ends is reset, as EnvPool's are.
pub struct Lanes {
    environment: Box<dyn VectorEnvironment>,
    batches: Vec<ActionBatch>,
    chosen: ActionBatch,
    observations: Vec<f64>,
    elapsed_steps: Vec<u32>,
    outcomes: Vec<StepOutcome>,
    ticks: usize,
}

impl Lanes {
    /// `lanes` lanes of a classic-control or Box2D environment.
    ///
    /// # Panics
    /// If there is no such environment.
    pub fn new(id: &str, lanes: usize) -> Self {
        let mut registry = EnvironmentRegistry::new();
        kanrl_envs_classic::register(&mut registry).expect("each id once");
        kanrl_envs_box2d::register(&mut registry).expect("each id once");
        Self::from_registry(&registry, id, lanes)
    }

    /// `lanes` lanes of an environment.
    ///
    /// # Panics
    /// If there is no such environment.
    pub fn from_registry(registry: &EnvironmentRegistry, id: &str, lanes: usize) -> Self {
        let mut environment = registry.make_vector(id, &KeywordArguments::new(), lanes).expect("a known id");
        let (space, size) = (environment.spec().action_space.clone(), environment.spec().observation_space.len());
        let mut observations = vec![0.0; lanes * size];
        for (lane, observation) in observations.chunks_exact_mut(size).enumerate() {
            environment.reset_lane(lane, Some(lane as u64), observation).expect("it cannot fail");
        }
        let mut generator = Generator::new(0);
        let mut draw = || {
            let mut batch = ActionBatch::zeros(&space, lanes);
            (0..lanes).for_each(|lane| space.sample(&mut generator, &mut batch, lane));
            batch
        };
        Self {
            batches: (0..BATCHES).map(|_| draw()).collect(),
            chosen: ActionBatch::zeros(&space, lanes),
            observations,
            elapsed_steps: vec![0; lanes],
            outcomes: vec![StepOutcome::default(); lanes],
            environment,
            ticks: 0,
        }
    }

    /// One step in every lane, with an action drawn beforehand.
    pub fn tick(&mut self) {
        self.ticks += 1;
        let Self { environment, batches, observations, outcomes, ticks, .. } = self;
        environment.step_lanes(&batches[*ticks % BATCHES], observations, outcomes).expect("it cannot fail");
        self.reset_ended();
    }

    /// One step in every lane, with the policy's actions.
    pub fn tick_with<P: Policy + ?Sized>(&mut self, policy: &P) {
        let Self { environment, chosen, observations, elapsed_steps, outcomes, .. } = self;
        policy.act(observations, elapsed_steps, chosen).expect("finite outputs");
        environment.step_lanes(chosen, observations, outcomes).expect("it cannot fail");
        self.elapsed_steps.iter_mut().for_each(|steps| *steps += 1);
        self.reset_ended();
    }

    fn reset_ended(&mut self) {
        let size = self.observations.len() / self.outcomes.len();
        for (lane, outcome) in self.outcomes.iter().enumerate() {
            if outcome.is_over() {
                let observation = &mut self.observations[lane * size..(lane + 1) * size];
                self.environment.reset_lane(lane, None, observation).expect("it cannot fail");
                self.elapsed_steps[lane] = 0;
            }
        }
    }
}
