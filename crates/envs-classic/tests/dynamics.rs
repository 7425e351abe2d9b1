//! Dynamics for boxes hold every step that the environment takes from a state of the box.

use kanrl_core::action::Action;
use kanrl_core::environment::{DynEnvironment, EnvironmentRegistry, KeywordArguments, StepOutcome};
use kanrl_core::random::Generator;
use kanrl_core::space::ActionSpace;
use kanrl_envs_classic::{Visitor, with_dynamics};
use kanrl_interval::{Affine, Branch, Choice, Dynamics, Interval, Number};

struct Compare {
    id: &'static str,
    /// Where boxes lie: middle and radius of each coordinate, and the boxes' largest size relative to it.
    region: Vec<(f64, f64)>,
    boxes: usize,
}

fn environment_at(id: &str, state: &[f64], observation: &mut [f64]) -> Box<dyn DynEnvironment> {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("distinct ids");
    let arguments = KeywordArguments::from_iter([("start".to_owned(), serde_json::json!(state))]);
    let mut environment = registry.make(id, &arguments).expect("a start");
    environment.reset(Some(0), observation).expect("it cannot fail");
    environment
}

impl Visitor for Compare {
    type Output = ();

    fn visit<const N: usize>(self, dynamics: &impl Dynamics<N>) {
        let mut random = Generator::new(5);
        let mut observation = vec![0.0; environment_size(self.id)];
        let (mut steps, mut ends) = (0, 0);
        for round in 0..self.boxes {
            let sides: [Interval; N] = std::array::from_fn(|index| {
                let (middle, radius) = self.region[index];
                let size = radius * random.uniform(0.0, 1.0).powi(4) * f64::from(u8::from(round % 7 != 0));
                let low = middle + random.uniform(-radius, radius);
                Interval::new(low, low + size)
            });
            for _ in 0..8 {
                let state: [f64; N] = sides.map(|side| random.uniform(side.low, side.high).clamp(side.low, side.high));
                let mut environment = environment_at(self.id, &state, &mut observation);
                let force = [random.uniform(-1.5, 1.5) as f32];
                let (action, choices) = match &environment.spec().action_space {
                    ActionSpace::Discrete(space) => {
                        let index = random.integers(0, space.len() as i64) as usize;
                        (Action::Discrete(index), (Choice::Discrete(index), Choice::Discrete(index)))
                    }
                    ActionSpace::Box(_) => {
                        let range = Interval::point(f64::from(force[0])).inflated(0.01);
                        let vectors = (Choice::Vector(vec![Affine::unknown(range)]), Choice::Vector(vec![range]));
                        (Action::F32(&force), vectors)
                    }
                };
                let forms = Affine::<12>::of_box(&sides);
                for (value, bounds) in observation.iter().zip(dynamics.observe(&forms)) {
                    assert!(bounds.range().contains(*value), "{} observes {value} of {state:?}: {bounds:?}", self.id);
                }
                let outcome = environment.step(action, &mut observation).expect("it cannot fail");
                let after: [f64; N] = environment.state().try_into().expect("as many numbers");
                let mut branches = ranges(&dynamics.first_step(&forms, &choices.0));
                self.assert_holds(&branches, &after, &outcome);
                branches = ranges(&dynamics.first_step(&sides, &choices.1));
                self.assert_holds(&branches, &after, &outcome);
                if !outcome.terminated {
                    // A step that is not the first one, from a box around where it is now.
                    let around =
                        |index: usize| after[index] - random.uniform(0.0, 1.0).powi(3) * 0.1 * self.region[index].1;
                    let lows: [f64; N] = std::array::from_fn(around);
                    let sides =
                        std::array::from_fn(|index| Interval::new(lows[index], 2.0 * after[index] - lows[index]));
                    let sides = if round % 5 == 0 { after.map(Interval::point) } else { sides };
                    let outcome = environment.step(action, &mut observation).expect("it cannot fail");
                    let after = environment.state().try_into().expect("as many numbers");
                    branches = ranges(&dynamics.step(&Affine::<12>::of_box(&sides), &choices.0));
                    self.assert_holds(&branches, &after, &outcome);
                    branches = ranges(&dynamics.step(&sides, &choices.1));
                    self.assert_holds(&branches, &after, &outcome);
                }
                steps += 1;
                ends += usize::from(outcome.terminated);
            }
        }
        assert!(steps == 8 * self.boxes);
        assert!(self.id == "Pendulum-v1" || ends > 0, "{}: no episode ended", self.id);
    }
}

/// What a branch says of the state, of the reward and of the end.
type Ranges<const N: usize> = ([Interval; N], Interval, bool);

fn ranges<T: Number, const N: usize>(branches: &[Branch<T, N>]) -> Vec<Ranges<N>> {
    let of = |branch: &Branch<T, N>| (branch.state.each_ref().map(Number::range), branch.reward, branch.ended);
    branches.iter().map(of).collect()
}

impl Compare {
    fn assert_holds<const N: usize>(&self, branches: &[Ranges<N>], after: &[f64; N], outcome: &StepOutcome) {
        let holds = |(sides, reward, ended): &Ranges<N>| {
            let inside = sides.iter().zip(after).all(|(side, value)| {
                // Angles are wrapped by the environment.
                let turn = 2.0 * std::f64::consts::PI;
                let turns = if self.id == "Acrobot-v1" { 3 } else { 0 };
                (-turns..=turns).any(|times| side.inflated(1e-14).contains(value + f64::from(times) * turn))
            });
            inside && reward.contains(outcome.reward) && *ended == outcome.terminated
        };
        assert!(branches.iter().any(holds), "{}: {after:?}, {outcome:?} is in none of {branches:?}", self.id);
    }
}

fn environment_size(id: &str) -> usize {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("distinct ids");
    registry.spec(id).expect("known").observation_space.len()
}

#[test]
fn no_step_leaves_what_the_dynamics_say_of_its_box() {
    for (id, region, boxes) in [
        ("CartPole-v1", vec![(0.0, 2.5), (0.0, 2.0), (0.0, 0.25), (0.0, 3.0)], 1500),
        ("MountainCar-v0", vec![(-0.3, 0.9), (0.0, 0.07)], 3000),
        ("MountainCarContinuous-v0", vec![(-0.3, 0.9), (0.0, 0.07)], 3000),
        ("Pendulum-v1", vec![(0.0, 4.0), (0.0, 8.0)], 3000),
        ("Acrobot-v1", vec![(0.0, 3.1), (0.0, 3.1), (0.0, 6.0), (0.0, 12.0)], 1500),
    ] {
        let compared = with_dynamics(id, Compare { id, region, boxes });
        assert!(compared.is_ok(), "{id} has dynamics");
    }
    assert!(with_dynamics("Corridor-v0", Compare { id: "Corridor-v0", region: Vec::new(), boxes: 0 }).is_err());
}
