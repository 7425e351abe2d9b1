//! Rollouts do not depend on lanes and threads, record what happened and name what failed.

use kanrl_core::action::{Action, ActionBatch};
use kanrl_core::environment::{
    Discrete, Environment, EnvironmentEntry, EnvironmentError, EnvironmentSpec, KeywordArguments, Parameter,
    StepOutcome,
};
use kanrl_core::policy::{Policy, PolicyError};
use kanrl_core::random::Generator;
use kanrl_core::rollout::{RolloutError, RolloutOptions, Rollouts};
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};
use std::ops::ControlFlow;

/// A random walk that ends beyond ±3, after anything from a few steps to the limit. It cannot go on beyond `range`.
struct Walk {
    spec: EnvironmentSpec,
    generator: Generator,
    x: f64,
    stride: f64,
    range: f64,
}

fn actions() -> ActionSpace {
    ActionSpace::Discrete(DiscreteSpace::new(["left", "right"]))
}

fn walk(max_episode_steps: Option<u32>) -> EnvironmentEntry {
    EnvironmentEntry::new("Walk-v0", "", "", move |_: std::collections::BTreeMap<String, f64>| {
        let x = Coordinate::new("x", "m", f64::NEG_INFINITY, f64::INFINITY);
        let spec = EnvironmentSpec {
            id: "Walk-v0".into(),
            observation_space: BoxSpace::new(ElementType::F64, vec![x]),
            action_space: actions(),
            max_episode_steps,
            reward_threshold: None,
            frames_per_second: 1,
            info_names: vec![],
        };
        Ok(Walk { spec, generator: Generator::new(0), x: 0.0, stride: 1.0, range: f64::INFINITY })
    })
}

impl Environment for Walk {
    type Action = Discrete;

    fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        if let Some(seed) = seed {
            self.generator = Generator::new(seed);
        }
        self.x = self.generator.uniform(-1.0, 1.0);
        observation[0] = self.x;
        Ok(())
    }

    fn step(&mut self, action: usize, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        self.x += self.stride * (self.generator.standard_normal() + action as f64 - 0.5);
        if self.x.abs() > self.range {
            return Err(EnvironmentError::Diverged { id: self.spec.id.clone(), reason: format!("x is {}", self.x) });
        }
        observation[0] = self.x;
        Ok(StepOutcome { reward: self.x, terminated: self.x.abs() > 3.0, truncated: false })
    }

    fn state(&self) -> Vec<f64> {
        vec![self.x]
    }

    fn parameters(&self) -> Vec<Parameter> {
        vec![Parameter { name: "stride".into(), unit: "m".into(), value: self.stride }]
    }

    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError> {
        match name {
            "stride" => self.stride = value,
            "range" => self.range = value,
            _ => return Err(EnvironmentError::unknown_parameter("Walk-v0", name, &self.parameters())),
        }
        Ok(())
    }
}

/// Goes back towards 0; fails beyond `limit`.
struct GoBack {
    space: ActionSpace,
    limit: f64,
}

fn go_back() -> GoBack {
    GoBack { space: actions(), limit: f64::INFINITY }
}

impl Policy for GoBack {
    fn observation_size(&self) -> usize {
        1
    }

    fn action_space(&self) -> &ActionSpace {
        &self.space
    }

    fn act(&self, observations: &[f64], elapsed: &[u32], actions: &mut ActionBatch) -> Result<(), PolicyError> {
        assert_eq!(observations.len(), elapsed.len());
        if let Some(x) = observations.iter().find(|x| x.abs() > self.limit) {
            return Err(PolicyError::NotFinite { output: 0, value: f64::NAN, observation: vec![*x] });
        }
        actions.resize(elapsed.len());
        let ActionBatch::Discrete(actions) = actions else { panic!("the space is discrete") };
        for (action, x) in actions.iter_mut().zip(observations) {
            *action = usize::from(*x < 0.0);
        }
        Ok(())
    }
}

fn rollouts() -> Rollouts {
    Rollouts::new(&walk(Some(50)), &KeywordArguments::new()).expect("no arguments are needed")
}

fn seeds() -> Vec<u64> {
    (0..200).map(|index| 1000 + 7 * index).collect()
}

#[test]
fn episodes_depend_on_their_seed_alone() {
    let rollouts = rollouts();
    let run = |seeds: &[u64], lanes, threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let options = RolloutOptions { lanes, record: true, random_actions: 0.3, ..RolloutOptions::default() };
        pool.install(|| rollouts.run(&go_back(), seeds, &options)).expect("nothing fails here")
    };
    let expected = run(&seeds(), 1, 1);
    assert!(expected.iter().any(|episode| episode.terminated) && expected.iter().any(|episode| episode.truncated));
    for (lanes, threads) in [(3, 1), (16, 2), (500, 3), (0, 2)] {
        assert_eq!(run(&seeds(), lanes, threads), expected, "{lanes} lanes, {threads} threads");
    }
    assert_eq!(run(&seeds()[77..80], 2, 1), expected[77..80]);
}

#[test]
fn a_recording_replays() {
    let entry = walk(Some(50));
    let options = RolloutOptions { record: true, random_actions: 0.5, ..RolloutOptions::default() };
    let episodes = rollouts().run(&go_back(), &seeds()[..5], &options).expect("nothing fails here");
    for episode in episodes {
        let trajectory = episode.trajectory.expect("recorded");
        let mut environment = entry.factory.make(&KeywordArguments::new()).expect("no arguments are needed");
        let mut observation = [0.0];
        environment.reset(Some(episode.seed), &mut observation).expect("it cannot fail");
        assert_eq!(trajectory.elapsed_steps().len(), episode.length as usize);
        for row in 0..episode.length as usize {
            assert_eq!(trajectory.observations[row], observation[0]);
            let outcome = environment.step(trajectory.actions.row(row), &mut observation).expect("it cannot fail");
            assert_eq!(outcome.reward, trajectory.rewards[row]);
            assert_eq!(outcome.is_over(), row + 1 == episode.length as usize);
        }
        assert_eq!(trajectory.final_observation, observation);
        assert_eq!(trajectory.rewards.iter().sum::<f64>(), episode.episode_return);
        let ActionBatch::Discrete(actions) = &trajectory.actions else { panic!("the space is discrete") };
        let chosen = trajectory.observations.iter().map(|x| usize::from(*x < 0.0));
        assert!(actions.iter().copied().ne(chosen), "some actions are random");
    }
}

#[test]
fn options_change_what_they_say() {
    let mut rollouts = rollouts();
    let options = RolloutOptions { max_steps: Some(2), ..RolloutOptions::default() };
    let episodes = rollouts.run(&go_back(), &seeds(), &options).expect("nothing fails here");
    assert!(episodes.iter().all(|episode| episode.length <= 2 && (episode.terminated || episode.truncated)));
    assert!(episodes.iter().all(|episode| episode.trajectory.is_none()));

    rollouts.set_parameter("stride", 0.0).expect("a known name");
    let episodes = rollouts.run(&go_back(), &seeds(), &RolloutOptions::default()).expect("nothing fails here");
    assert!(episodes.iter().all(|episode| episode.length == 50), "nobody moves");
    let error = rollouts.set_parameter("stridd", 1.0).expect_err("a typo");
    assert!(error.to_string().contains("did you mean `stride`?"), "{error}");

    let endless = Rollouts::new(&walk(None), &KeywordArguments::new()).expect("no arguments are needed");
    let error = endless.run(&go_back(), &[1], &RolloutOptions::default()).expect_err("no limit");
    assert_eq!(error.to_string(), "environment `Walk-v0` has no time limit: set `max_steps`");
    let bounded = RolloutOptions { max_steps: Some(100), ..RolloutOptions::default() };
    assert_eq!(endless.run(&go_back(), &[1], &bounded).expect("bounded").len(), 1);
    assert!(endless.run(&go_back(), &[], &bounded).expect("no seeds").is_empty());
}

#[test]
fn errors_name_seed_and_step() {
    let mut rollouts = rollouts();
    let options = RolloutOptions { record: true, ..RolloutOptions::default() };
    let episodes = rollouts.run(&go_back(), &seeds(), &options).expect("nothing fails here");
    let limit = 2.9;
    let (seed, step) = episodes
        .iter()
        .find_map(|episode| {
            let observations = &episode.trajectory.as_ref()?.observations;
            Some((episode.seed, observations.iter().position(|x| x.abs() > limit)? as u32))
        })
        .expect("some walk comes near the edge");
    let policy = GoBack { limit, ..go_back() };
    let options = RolloutOptions { lanes: 1, ..RolloutOptions::default() };
    let error = rollouts.run(&policy, &seeds(), &options).expect_err("it meets the limit");
    assert_eq!(error.to_string(), format!("the policy failed at step {step} of the episode with seed {seed}"));

    rollouts.set_parameter("stride", f64::INFINITY).expect("a known name");
    let error = rollouts.run(&go_back(), &[5, 6], &options).expect_err("infinite strides");
    assert_eq!(error.to_string(), "the episode with seed 5 failed at step 1");
    assert!(matches!(error, RolloutError::Environment { source: EnvironmentError::NotFinite { .. }, .. }));

    let other = GoBack { space: ActionSpace::Discrete(DiscreteSpace::new(["a", "b", "c"])), ..go_back() };
    let error = rollouts.run(&other, &[5], &options).expect_err("three actions");
    assert_eq!(
        error.to_string(),
        "the policy takes 1 observations and 3 discrete actions, but the environment 1 observations and 2 discrete actions"
    );
}

#[test]
fn a_simulation_that_diverges_ends_its_own_episode_only() {
    let (healthy, mut diverging) = (rollouts(), rollouts());
    diverging.set_parameter("range", 3.5).expect("a known name");
    let options = |lanes| RolloutOptions { lanes, record: true, ..RolloutOptions::default() };
    let expected = healthy.run(&go_back(), &seeds(), &options(16)).expect("nothing fails here");
    for lanes in [1, 3, 500] {
        let episodes = diverging.run(&go_back(), &seeds(), &options(lanes)).expect("the others go on");
        let mut diverged = 0;
        for (episode, whole) in episodes.iter().zip(&expected) {
            // The reward is the position.
            let positions = &whole.trajectory.as_ref().expect("recorded").rewards;
            let Some(end) = positions.iter().position(|x| x.abs() > 3.5) else {
                assert_eq!(episode, whole);
                continue;
            };
            diverged += 1;
            assert_eq!(episode.diverged.as_deref(), Some(format!("x is {}", positions[end]).as_str()));
            assert_eq!((episode.length as usize, episode.terminated, episode.truncated), (end + 1, false, true));
            assert_eq!(episode.episode_return, positions[..end].iter().sum::<f64>());
            let trajectory = episode.trajectory.as_ref().expect("recorded");
            assert_eq!((&trajectory.rewards[..end], trajectory.rewards[end]), (&positions[..end], 0.0));
            assert_eq!(trajectory.final_observation[0], trajectory.observations[end]);
        }
        assert!((20..180).contains(&diverged), "some walks leave the range, some do not: {diverged}");
    }
}

#[test]
fn an_observer_hears_everything_and_can_cancel() {
    let rollouts = rollouts();
    let last = std::sync::Mutex::new(None);
    let observer = |progress| {
        *last.lock().expect("no panics") = Some(progress);
        ControlFlow::Continue(())
    };
    let options = RolloutOptions { lanes: 500, ..RolloutOptions::default() };
    let episodes = rollouts.run_observed(&go_back(), &seeds(), &options, &observer).expect("not cancelled");
    let last = last.into_inner().expect("no panics").expect("heard");
    assert_eq!((last.episodes, last.total), (200, 200));
    assert_eq!(last.steps, episodes.iter().map(|episode| u64::from(episode.length)).sum::<u64>());

    let error = rollouts.run_observed(&go_back(), &seeds(), &options, &|progress| {
        if progress.episodes < 10 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert!(matches!(error, Err(RolloutError::Cancelled { episodes: 10, total: 200 })));
}

#[test]
fn environments_are_independent_of_their_past() {
    let rollouts = rollouts();
    let first = rollouts.run(&go_back(), &[3], &RolloutOptions::default()).expect("nothing fails here");
    rollouts.run(&go_back(), &seeds(), &RolloutOptions::default()).expect("nothing fails here");
    assert_eq!(rollouts.run(&go_back(), &[3], &RolloutOptions::default()).expect("nothing fails here"), first);
    let mut environment = walk(Some(50)).factory.make(&KeywordArguments::new()).expect("no arguments are needed");
    assert!(environment.step(Action::Discrete(2), &mut [0.0]).is_err());
}
