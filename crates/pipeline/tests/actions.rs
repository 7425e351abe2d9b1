//! Drafts, formulas, their text and file, networks and experts choose the same actions from the same outputs.

use kanrl_core::action::ActionBatch;
use kanrl_core::approximator::{ApproximatorError, FitObserver, FitReport, FitTask, FunctionApproximator, Samples};
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::graph::UnivariateGraph;
use kanrl_core::policy::{Policy, PolicyError};
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};
use kanrl_experts::network::{Activation, Layer, Mlp};
use kanrl_experts::{FunctionPolicy, Head, NetworkPolicy};
use kanrl_pipeline::formulas::Draft;
use kanrl_pipeline::head::StudentHead;
use kanrl_pipeline::policies::Student;
use kanrl_symbolic::{Expression, Formula};
use proptest::prelude::*;

/// Whose outputs are its inputs.
struct Echo(usize);

impl FunctionApproximator for Echo {
    fn kind(&self) -> &'static str {
        "echo"
    }

    fn inputs(&self) -> usize {
        self.0
    }

    fn outputs(&self) -> usize {
        self.0
    }

    fn fit(&mut self, _: FitTask<'_>, _: &mut FitObserver<'_>) -> Result<FitReport, ApproximatorError> {
        unreachable!("it is not fitted")
    }

    fn predict(&self, inputs: &[f64], outputs: &mut [f64]) {
        outputs.copy_from_slice(inputs);
    }

    fn graph(&self, _: Samples<'_>) -> Option<UnivariateGraph> {
        None
    }

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// An environment whose observations are the outputs of a student.
fn environment(action_space: ActionSpace) -> EnvironmentSpec {
    let outputs = StudentHead::new(action_space.clone()).outputs();
    let coordinate = |index| Coordinate::new(format!("y_{index}"), "", f64::NEG_INFINITY, f64::INFINITY);
    EnvironmentSpec {
        id: "Echo-v0".to_owned(),
        observation_space: BoxSpace::new(ElementType::F64, (0..outputs).map(coordinate).collect()),
        action_space,
        max_episode_steps: None,
        reward_threshold: None,
        frames_per_second: 1,
        info_names: Vec::new(),
    }
}

fn discrete(actions: usize) -> ActionSpace {
    ActionSpace::Discrete(DiscreteSpace::new((0..actions).map(|index| format!("action {index}"))))
}

fn vector(size: usize) -> ActionSpace {
    let coordinate = |index| Coordinate::new(format!("push_{index}"), "N", -0.75, f64::INFINITY);
    ActionSpace::Box(BoxSpace::new(ElementType::F32, (0..size).map(coordinate).collect()))
}

/// Both an identity, and for discrete actions a 0 in front of it.
fn network(spec: &EnvironmentSpec) -> NetworkPolicy {
    let (inputs, outputs) = (spec.observation_space.len(), spec.action_space.outputs());
    // Row-major `[outputs, inputs]`, as torch stores it.
    let weight = |index: usize| if index / inputs == index % inputs + (outputs - inputs) { 1.0 } else { 0.0 };
    let weights: Vec<f32> = (0..inputs * outputs).map(weight).collect();
    let layer = Layer::new(inputs, outputs, &weights, None, Activation::Identity).expect("sizes fit");
    let head = if inputs == outputs { Head::Means } else { Head::Logits };
    let network = Mlp::new(vec![layer]).expect("one layer");
    NetworkPolicy::new(network, head, spec.action_space.clone(), None, None, "test".to_owned()).expect("sizes fit")
}

/// The formula that its own printed text stands for.
fn reread(formula: &Formula) -> Formula {
    let text = formula.to_string();
    let lines: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once(" = ")).collect();
    let inputs: Vec<&str> = formula.inputs().iter().map(String::as_str).collect();
    Formula::parse(&inputs, &lines[..formula.outputs().len()], formula.action().clone()).expect("its own text")
}

/// What an actor of each kind does in each row, after the outputs have been found finite.
fn policies_agree(spec: &EnvironmentSpec, formula: &Formula, rows: &[f64]) {
    let head = StudentHead::new(spec.action_space.clone());
    let width = head.outputs();
    let draft = Draft::from_formula(head.clone(), formula).expect("of this head");
    let name = || "test".to_owned();
    let policies: [Box<dyn Policy + '_>; 5] = [
        Box::new(Student::new(width, head.clone(), |x: &[f64], y: &mut [f64]| y.copy_from_slice(x))),
        Box::new(draft.policy(draft.constants())),
        Box::new(FunctionPolicy::from_formula(formula, spec, name()).expect("it fits")),
        Box::new(FunctionPolicy::from_approximator(Box::new(Echo(width)), spec, name()).expect("it fits")),
        Box::new(network(spec)),
    ];
    for row in rows.chunks_exact(width) {
        let mut wanted = ActionBatch::zeros(&spec.action_space, 0);
        head.act(row, &mut wanted);
        for (kind, policy) in policies.iter().enumerate() {
            let mut actions = ActionBatch::zeros(&spec.action_space, 0);
            match policy.act(row, &[0], &mut actions) {
                Ok(()) => assert_eq!(actions, wanted, "policy {kind} on {row:?}"),
                Err(PolicyError::NotFinite { .. }) => {
                    assert!(row.iter().any(|value| !value.is_finite()), "policy {kind} on {row:?}");
                }
                Err(error) => panic!("policy {kind} on {row:?}: {error}"),
            }
        }
    }
}

/// The rule alone, NaN and infinities included.
fn rules_agree(spec: &EnvironmentSpec, formula: &Formula, rows: &[f64]) {
    let head = StudentHead::new(spec.action_space.clone());
    let mut wanted = ActionBatch::zeros(&spec.action_space, 0);
    head.act(rows, &mut wanted);
    let json = Formula::from_json(&formula.to_json()).expect("its own file");
    for formula in [formula, &reread(formula), &json] {
        let mut values = vec![0.0; rows.len() / head.outputs() * formula.outputs().len()];
        formula.compile().expect("a good formula").evaluate(rows, &mut values);
        let mut actions = ActionBatch::zeros(&spec.action_space, 0);
        formula.act(&values, &mut actions);
        // Debug text, in which NaN equals NaN.
        assert_eq!(format!("{actions:?}"), format!("{wanted:?}"), "{formula} on {rows:?}");
    }
}

/// Few values, so that ties are common; exact in f32, so that networks in f32 compute the same.
fn outputs(rows: usize, width: usize) -> impl Strategy<Value = Vec<f64>> {
    const SPECIAL: &[f64] = &[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0, 1.0, -1.0, -0.75];
    let value = prop_oneof![prop::sample::select(SPECIAL), (-8i32..8).prop_map(|it| f64::from(it) / 4.0)];
    prop::collection::vec(value, rows * width)
}

fn spaces() -> impl Strategy<Value = ActionSpace> {
    prop_oneof![(2usize..5).prop_map(discrete), (1usize..4).prop_map(vector)]
}

proptest! {
    #[test]
    fn everybody_chooses_the_same_action_from_the_same_outputs(
        (space, rows) in spaces().prop_flat_map(|space| {
            let width = StudentHead::new(space.clone()).outputs();
            (Just(space), outputs(12, width))
        })
    ) {
        let spec = environment(space);
        let head = StudentHead::new(spec.action_space.clone());
        let inputs = spec.observation_space.names();
        let echo: Vec<Expression> = inputs.iter().map(|name| name.parse().expect("a name")).collect();
        let formula = head.formula(inputs, echo).expect("an expression for each output");
        rules_agree(&spec, &formula, &rows);
        policies_agree(&spec, &formula, &rows);
    }
}
