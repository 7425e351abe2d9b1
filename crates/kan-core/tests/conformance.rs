//! `check_environment` finds nothing wrong with a sound environment and names what is wrong with broken ones.

use kanrl_core::action::ContinuousAction;
use kanrl_core::environment::{
    Continuous, DynEnvironment, Environment, EnvironmentEntry, EnvironmentError, EnvironmentFactory, EnvironmentSpec,
    Frame, KeywordArguments, Parameter, StepOutcome,
};
use kanrl_core::random::Generator;
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, ElementType};
use kanrl_core::testing::{Rule, check_environment};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What is wrong with the environment.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    UnseededStart,
    UnseededStep,
    LeavesTheSpace,
    NotFloat32,
    NaN,
    RemembersTheLastEpisode,
    CannotBeMade,
    NameWithSpace,
    BoundsSwapped,
    RefusesLargeActions,
    ForgetsParameters,
    DrawingMoves,
    EmptyPicture,
    LanesShareState,
}

/// A cart on ±2 m that is pushed about.
struct Cart {
    spec: EnvironmentSpec,
    flaw: Flaw,
    generator: Generator,
    x: f64,
    mass: f64,
    episodes: u32,
}

/// Different in every instance: the operating system's randomness would do as well.
static INSTANCES: AtomicU32 = AtomicU32::new(1);

thread_local! {
    static SHARED: Cell<f64> = const { Cell::new(0.0) };
}

fn entry(flaw: Flaw) -> EnvironmentEntry {
    EnvironmentEntry::new("Cart-v0", "", "", move |_: BTreeMap<String, f64>| cart(flaw))
}

fn cart(flaw: Flaw) -> Result<Cart, EnvironmentError> {
    if flaw == Flaw::CannotBeMade {
        return Err(EnvironmentError::Engine { id: "Cart-v0".into(), reason: "the engine is missing".into() });
    }
    let (low, high) = if flaw == Flaw::BoundsSwapped { (2.0, -2.0) } else { (-2.0, 2.0) };
    let name = if flaw == Flaw::NameWithSpace { "the position" } else { "x" };
    let spec = EnvironmentSpec {
        id: "Cart-v0".into(),
        observation_space: BoxSpace::new(ElementType::F32, vec![Coordinate::new(name, "m", low, high)]),
        action_space: ActionSpace::Box(BoxSpace::new(ElementType::F32, vec![Coordinate::new("push", "N", -1.0, 1.0)])),
        max_episode_steps: Some(30),
        reward_threshold: None,
        frames_per_second: 10,
        info_names: vec!["mass".into()],
    };
    Ok(Cart { spec, flaw, generator: Generator::new(0), x: 0.0, mass: 5.0, episodes: 0 })
}

/// Makes carts that nobody stops.
struct WithoutTimeLimit;

impl EnvironmentFactory for WithoutTimeLimit {
    fn make(&self, _: &KeywordArguments) -> Result<Box<dyn DynEnvironment>, EnvironmentError> {
        Ok(Box::new(cart(Flaw::None)?))
    }
}

impl Cart {
    fn observe(&self, observation: &mut [f64]) {
        observation[0] = if self.flaw == Flaw::NotFloat32 { self.x } else { f64::from(self.x as f32) };
    }
}

impl Environment for Cart {
    type Action = Continuous;

    fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        let seed = match self.flaw {
            Flaw::UnseededStart => Some(INSTANCES.fetch_add(1, Ordering::Relaxed).into()),
            _ => seed,
        };
        if let Some(seed) = seed {
            self.generator = Generator::new(seed);
        }
        self.x = self.generator.uniform(-0.1, 0.1);
        if self.flaw == Flaw::RemembersTheLastEpisode {
            self.x += 0.01 * f64::from(self.episodes);
        }
        self.episodes += 1;
        SHARED.set(self.x);
        self.observe(observation);
        Ok(())
    }

    fn step(&mut self, action: ContinuousAction<'_>, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        let push = action.get(0);
        if self.flaw == Flaw::RefusesLargeActions && push.abs() > 1.0 {
            return Err(EnvironmentError::BadAction { id: "Cart-v0".into(), reason: "too large".into() });
        }
        if self.flaw == Flaw::LanesShareState {
            self.x = SHARED.get();
        }
        self.x += push.clamp(-1.0, 1.0) / self.mass + self.generator.uniform(-0.01, 0.01);
        match self.flaw {
            Flaw::UnseededStep => self.x += 0.001 * f64::from(INSTANCES.fetch_add(1, Ordering::Relaxed) % 7),
            Flaw::LeavesTheSpace => self.x += 0.2,
            Flaw::NaN if self.x.abs() > 0.2 => self.x = f64::NAN,
            _ => {}
        }
        if self.flaw != Flaw::LeavesTheSpace {
            self.x = if self.x.is_nan() { self.x } else { self.x.clamp(-2.0, 2.0) };
        }
        SHARED.set(self.x);
        self.observe(observation);
        Ok(StepOutcome { reward: -self.x.abs(), terminated: false, truncated: false })
    }

    fn info(&self, info: &mut [f64]) {
        info[0] = self.mass;
    }

    fn state(&self) -> Vec<f64> {
        vec![self.x]
    }

    fn parameters(&self) -> Vec<Parameter> {
        vec![Parameter { name: "mass".into(), unit: "kg".into(), value: self.mass }]
    }

    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError> {
        match name {
            "mass" if self.flaw == Flaw::ForgetsParameters => {}
            "mass" => self.mass = value,
            _ => return Err(EnvironmentError::unknown_parameter("Cart-v0", name, &Environment::parameters(self))),
        }
        Ok(())
    }

    fn render(&mut self) -> Result<Frame, EnvironmentError> {
        let height = 2;
        if self.flaw == Flaw::DrawingMoves {
            self.x += 0.1;
        }
        let bytes = if self.flaw == Flaw::EmptyPicture { 0 } else { 2 * height * 3 };
        Ok(Frame { width: 2, height, rgb: vec![0; bytes] })
    }
}

fn broken_rules(flaw: Flaw) -> Vec<Rule> {
    rules(&entry(flaw))
}

fn rules(entry: &EnvironmentEntry) -> Vec<Rule> {
    let violations = check_environment(entry, &KeywordArguments::new());
    violations.iter().for_each(|violation| println!("{violation}"));
    violations.iter().map(|violation| violation.rule).collect()
}

#[test]
fn a_sound_environment_breaks_no_rule() {
    assert_eq!(broken_rules(Flaw::None), []);
}

#[test]
fn an_episode_has_to_end() {
    let entry = EnvironmentEntry { factory: Arc::new(WithoutTimeLimit), ..entry(Flaw::None) };
    assert_eq!(rules(&entry), [Rule::TimeLimit]);
}

#[test]
fn every_flaw_breaks_its_rule() {
    for (flaw, rule) in [
        (Flaw::UnseededStart, Rule::Seeding),
        (Flaw::RemembersTheLastEpisode, Rule::Seeding),
        (Flaw::UnseededStep, Rule::Determinism),
        (Flaw::LeavesTheSpace, Rule::Bounds),
        (Flaw::NotFloat32, Rule::Precision),
        (Flaw::NaN, Rule::Finite),
        (Flaw::CannotBeMade, Rule::Runs),
        (Flaw::NameWithSpace, Rule::Spec),
        (Flaw::BoundsSwapped, Rule::Spec),
        (Flaw::RefusesLargeActions, Rule::Actions),
        (Flaw::ForgetsParameters, Rule::Parameters),
        (Flaw::DrawingMoves, Rule::Rendering),
        (Flaw::EmptyPicture, Rule::Rendering),
        (Flaw::LanesShareState, Rule::Lanes),
    ] {
        assert!(broken_rules(flaw).contains(&rule), "{flaw:?} should break {rule:?}");
    }
}
