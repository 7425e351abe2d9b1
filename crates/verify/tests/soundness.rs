//! What is proved of a formula holds wherever it is evaluated; what is not true any more is found out.

use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::random::Generator;
use kanrl_interval::{Affine, Interval, Number};
use kanrl_symbolic::{ActionRule, Expression, Formula};
use kanrl_verify::{Certainty, Program, ProofCard, bounds_over, claim_bounds, contradictions, observation_box};

/// Every operator, and a curve.
const EXPRESSIONS: [&str; 14] = [
    "3*x + y*z - 0.5",
    "x^2 - 2*x*y + y^2",
    "(x + y)^3 - x^-2",
    "sin(2*x) * cos(y - z) + tan(0.3*z)",
    "tanh(4*x) + gaussian(y) - exp(0.5*z)",
    "sqrt(x^2 + 1) / (y^2 + 0.25)",
    "log(x^2 + 0.1) + arctan(3*y)",
    "abs(x - y) + min(x, y, z) - max(x*y, z)",
    "clip(20*x, -1, 1) * z",
    "gate(x - 0.2, y^2, -z)",
    "sign(x) + step(y - 0.1) * z",
    "arcsin(x/4) - arccos(y/4) + arctanh(z/4)",
    "(x^2 + 0.5)^1.7 + (y^2 + 0.1)^z",
    "curve(x + 0.3*y; -1, 0, 1; 1, 2; 1, 2, -1.5, 0.5; 0.5, 0.5, 1, -1; 1.2, -1) - z",
];

fn boxes(count: usize) -> Vec<[Interval; 3]> {
    let mut random = Generator::new(7);
    let side = |random: &mut Generator| {
        let low = random.uniform(-2.0, 2.0);
        Interval::new(low, low + 1.9 * random.uniform(0.0, 1.0).powi(3))
    };
    (0..count).map(|_| [side(&mut random), side(&mut random), side(&mut random)]).collect()
}

#[test]
fn a_million_points_lie_within_the_bounds_of_their_boxes() {
    let mut random = Generator::new(3);
    let names = ["x", "y", "z"];
    for text in EXPRESSIONS {
        let expression: Expression = text.parse().expect("an expression");
        let program = Program::new(std::slice::from_ref(&expression), &names).expect("known inputs");
        let tape = kanrl_symbolic::Tape::compile(&[expression], &names).expect("known inputs");
        for sides in boxes(36) {
            let plain = program.evaluate(&sides)[0];
            let affine = program.evaluate(&Affine::<4>::of_box(&sides))[0].range();
            let searched = bounds_over(&program, &sides, 60, 1e-6)[0];
            let points: Vec<f64> = (0..2000)
                .flat_map(|_| sides.map(|side| random.uniform(side.low, side.high).clamp(side.low, side.high)))
                .collect();
            let mut values = vec![0.0; 2000];
            tape.evaluate(&points, &mut values);
            for value in values {
                for bounds in [plain, affine, searched] {
                    assert!(bounds.contains(value), "{text} over {sides:?}: {value} is not in {bounds}");
                    assert!(!value.is_nan() || bounds.is_undefined(), "{text} over {sides:?}");
                }
            }
        }
    }
}

#[test]
fn splitting_finds_bounds_that_are_nearly_attained() {
    let program = Program::new(&["x^2 - 2*x*y + y^2".parse().expect("an expression")], &["x", "y"]).expect("known");
    let sides = [Interval::new(-1.0, 1.0), Interval::new(-1.0, 1.0)];
    let bounds = bounds_over(&program, &sides, 4000, 1e-3)[0];
    assert!(bounds.low <= 0.0 && bounds.low > -0.02 && bounds.high >= 4.0 && bounds.high < 4.01, "{bounds}");
    // A budget of one box is sound, and worse.
    assert!(bounds_over(&program, &sides, 1, 1e-3)[0].encloses(bounds));
}

fn card(formula: &Formula) -> ProofCard {
    let spec = EnvironmentSpec::new("Pole-v0").observe_within("theta", "rad", -0.5..=0.5).observe("theta_dot", "rad/s");
    let mut card = ProofCard::new(&spec.id, "formula", &formula.to_string());
    card.observations = observation_box(&spec.observation_space, &[], &[0.5, 2.0]);
    claim_bounds(&mut card, formula).expect("known inputs");
    card
}

#[test]
fn a_card_says_what_holds_and_a_constant_that_is_changed_afterwards_is_caught() {
    let parse =
        |text: &str| Formula::parse(&["theta", "theta_dot"], &[("a", text)], ActionRule::Threshold).expect("a formula");
    let formula = parse("3*theta + theta_dot");
    let card = card(&formula);
    let outputs = card.about("outputs").next().expect("a line");
    assert_eq!(outputs.certainty, Certainty::Proved);
    assert!((outputs.values["high"].as_f64().expect("a number") - 5.5).abs() < 1e-6, "{outputs:?}");
    assert!(card.text().contains("∂a/∂theta is 3, ∂a/∂theta_dot is 1"), "{}", card.text());
    assert!(card.text().contains("theta by 0.333, or theta_dot by 0.999 alone"), "{}", card.text());
    assert_eq!(contradictions(&card, &formula, 1_000_000).expect("it compiles"), Vec::<String>::new());
    let found = contradictions(&card, &parse("3.1*theta + theta_dot"), 10_000).expect("it compiles");
    assert!(found.len() == 2 && found[1].starts_with("a is "), "{found:?}");
}

#[test]
fn what_may_be_infinite_is_not_called_finite() {
    let parse =
        |text: &str| Formula::parse(&["theta", "theta_dot"], &[("a", text)], ActionRule::Threshold).expect("a formula");
    for text in ["1/theta", "log(theta_dot)", "tan(4*theta)"] {
        let card = card(&parse(text));
        assert_eq!(card.about("finite").next().expect("a line").certainty, Certainty::NotKnown, "{}", card.text());
    }
    let guarded = card(&parse("log(max(theta_dot, 0.01)) + gate(theta, 1, -1)"));
    assert_eq!(guarded.about("finite").next().expect("a line").certainty, Certainty::Proved);
    // A gate jumps: its gains say nothing about the next switch.
    assert_eq!(guarded.about("switches").next().expect("a line").certainty, Certainty::NotKnown);
}
