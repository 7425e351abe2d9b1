//! Exports on microcontrollers: cross-compiled, and run in QEMU.

mod board;
#[path = "../common/mod.rs"]
mod common;
mod network;

use board::{Board, Core, defines, files, is_installed, numbers, observations, sizes};
use kanrl_core::action::Action;
use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
use kanrl_export::fixed::{Fixed, FixedAction, Word};
use kanrl_export::replay::compare;
use kanrl_export::{Contract, Scalar, Target};
use kanrl_symbolic::{ActionRule, Format};
use std::io::{Read, Write};

const ROWS: usize = 2000;

/// Runs a policy on a board; gives its outputs and actions as the board's own numbers.
fn replayed(core: Core, contract: &Contract, scalar: Scalar, points: &[f64]) -> [Vec<f64>; 2] {
    let board = Board::new(core, "replay.c", scalar, &files(contract, scalar), defines(contract));
    std::fs::write(board.path("points"), observations(contract, scalar, points)).expect("written");
    board.run();
    let is_vector = matches!(contract.formula.action(), ActionRule::Clip { .. });
    let [output, action] = sizes(scalar, is_vector);
    let whole = matches!(scalar, Scalar::Fixed(_));
    let read = |name: &str| std::fs::read(board.path(name)).expect("what the board wrote");
    [numbers(&read("values"), output, whole), numbers(&read("actions"), action, whole || !is_vector)]
}

#[test]
fn fixed_point_on_a_board_is_what_is_proved_to_the_bit() {
    if !is_installed() {
        return;
    }
    for contract in common::contracts() {
        let points = contract.points(ROWS);
        for (core, word) in
            [(Core::M0, Word::Q15), (Core::M4F, Word::Q15), (Core::M0, Word::Q31), (Core::M4F, Word::Q31)]
        {
            let scalar = Scalar::Fixed(word);
            let [mut values, mut actions] = replayed(core, &contract, scalar, &points);
            let fixed = Fixed::new(&contract.formula, &contract.ranges(), word).expect("bounded");
            let width = fixed.outputs.len();
            for (index, value) in values.iter_mut().enumerate() {
                *value *= f64::exp2(-f64::from(fixed.outputs[index % width].fraction));
            }
            if let FixedAction::Clip(coordinates) = &fixed.action {
                for (index, action) in actions.iter_mut().enumerate() {
                    *action *= f64::exp2(-f64::from(coordinates[index % width].fraction));
                }
            }
            let (mut own_values, mut own_actions) = (Vec::new(), Vec::new());
            for row in points.chunks_exact(3) {
                own_values.extend(fixed.outputs(&fixed.observe(row)));
                own_actions.extend(fixed.action(&fixed.observe(row)));
            }
            assert!(values == own_values && actions == own_actions, "{} {word:?} {}", core.name(), contract.formula);
            let target = Target { format: Format::C.into(), scalar };
            let compared = compare(target, &contract, &points, Some(&values), &actions);
            let compared = compared.unwrap_or_else(|error| panic!("{}: {error}", contract.formula));
            assert!(compared.rows > ROWS - 100, "{compared:?}");
        }
    }
}

#[test]
fn floats_on_a_board_are_the_formula_s() {
    if !is_installed() {
        return;
    }
    for contract in common::contracts() {
        let single = |value: f64| f64::from(value as f32);
        let points: Vec<f64> = contract.points(ROWS).into_iter().map(single).collect();
        let [values, actions] = replayed(Core::M4F, &contract, Scalar::Float, &points);
        let target = Target { format: Format::C.into(), scalar: Scalar::Float };
        let compared = compare(target, &contract, &points, Some(&values), &actions);
        compared.unwrap_or_else(|error| panic!("{}: {error}", contract.formula));
    }
}

#[test]
fn a_controller_in_16_bits_balances_the_pole() {
    if !is_installed() {
        return;
    }
    let headline = common::headlines().into_iter().find(|(name, _)| name == "CartPole-v1");
    let (contract, scalar) = (headline.expect("CartPole's").1, Scalar::Fixed(Word::Q15));
    let board = Board::new(Core::M0, "loop.c", scalar, &files(&contract, scalar), &[]);
    let (mut controller, mut to, mut from) = board.start();
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("an empty registry");
    let mut environment = registry.make("CartPole-v1", &KeywordArguments::new()).expect("no arguments");
    let mut observation = vec![0.0; 4];
    let mut returns = Vec::new();
    for seed in 0..100 {
        environment.reset(Some(seed), &mut observation).expect("a start");
        let mut total = 0.0;
        loop {
            to.write_all(&observations(&contract, scalar, &observation)).expect("QEMU listens");
            let mut action = [0];
            from.read_exact(&mut action).expect("QEMU answers");
            let step = environment.step(Action::Discrete(action[0].into()), &mut observation).expect("a step");
            total += step.reward;
            if step.is_over() {
                break;
            }
        }
        returns.push(total);
    }
    drop(to);
    controller.wait().expect("QEMU ends");
    assert_eq!(returns, [500.0; 100]);
}

#[test]
fn headline_formulas_on_a_board_are_within_their_bounds() {
    if !is_installed() {
        return;
    }
    for (name, contract) in common::headlines() {
        let points = contract.points(ROWS);
        for (core, scalar) in [(Core::M0, Scalar::Fixed(Word::Q31)), (Core::M4F, Scalar::Float)] {
            if has_no_fixed_point(&name, &contract, scalar) {
                continue;
            }
            let points: Vec<f64> = match scalar {
                Scalar::Float => points.iter().map(|value| f64::from(*value as f32)).collect(),
                _ => points.clone(),
            };
            let [mut values, mut actions] = replayed(core, &contract, scalar, &points);
            if let Scalar::Fixed(word) = scalar {
                let fixed = Fixed::new(&contract.formula, &contract.ranges(), word).expect("bounded");
                let width = fixed.outputs.len();
                let scale = |fraction: i32| f64::exp2(-f64::from(fraction));
                values
                    .iter_mut()
                    .enumerate()
                    .for_each(|(at, value)| *value *= scale(fixed.outputs[at % width].fraction));
                if let FixedAction::Clip(coordinates) = &fixed.action {
                    actions
                        .iter_mut()
                        .enumerate()
                        .for_each(|(at, value)| *value *= scale(coordinates[at % width].fraction));
                }
            }
            let target = Target { format: Format::C.into(), scalar };
            let compared = compare(target, &contract, &points, Some(&values), &actions);
            compared.unwrap_or_else(|error| panic!("{name} on {} in {}: {error}", core.name(), scalar.name()));
        }
    }
}

/// Whether a formula is refused in fixed point, as Acrobot's quotient with an exponential may be.
fn has_no_fixed_point(name: &str, contract: &kanrl_export::Contract, scalar: Scalar) -> bool {
    let Scalar::Fixed(word) = scalar else { return false };
    match Fixed::new(&contract.formula, &contract.ranges(), word) {
        Err(error) if name == "Acrobot-v1" => {
            println!("{name} has no {}: {error}", scalar.name());
            true
        }
        _ => false,
    }
}

/// Bytes and instructions of a policy on a board, less those of a program that does nothing.
fn cost(
    core: Core,
    scalar: Scalar,
    files: &[(String, Vec<u8>)],
    defines: &[&str],
    observations: &[u8],
) -> (usize, usize) {
    let board = Board::new(core, "count.c", scalar, files, defines);
    let nothing = Board::new(core, "count.c", scalar, files, &[defines, &["NOTHING"]].concat());
    std::fs::write(board.path("points"), observations).expect("written");
    let instructions = board.instructions().into_iter().max().expect("a point");
    (board.size() - nothing.size(), instructions)
}

/// `cargo xtask firmware` runs this, to write docs/firmware.md.
#[test]
#[ignore = "writes docs/firmware.md"]
fn the_table_of_sizes_and_instructions() {
    assert!(is_installed());
    let mut text = "# On microcontrollers\n\n`cargo xtask firmware` writes this file. Bytes of code and constants that a policy adds to a \
                    program, library functions that it needs included (arm-none-eabi-gcc with `-Os`), and the most instructions that \
                    an action took at 20 observations that fill its ranges (a network's at one), counted in QEMU from the call to the return. The bound is what \
                    is proved of the outputs' error in fixed point; the experts' networks are the same agents in floats.\n\n\
                    | environment | policy | numbers | bound | Cortex-M0 | Cortex-M4F |\n|---|---|---|---|---|---|\n"
        .to_owned();
    let cell = |(bytes, instructions): (usize, usize)| format!("{bytes} bytes, {instructions} instructions");
    for (name, contract) in common::headlines() {
        let points = contract.points(20);
        for scalar in [Scalar::Fixed(Word::Q15), Scalar::Fixed(Word::Q31), Scalar::Float] {
            if has_no_fixed_point(&name, &contract, scalar) {
                text += &format!("| {name} | formula | {} | refused | | |\n", scalar.name());
                continue;
            }
            let bound = match scalar {
                Scalar::Fixed(word) => {
                    let fixed = Fixed::new(&contract.formula, &contract.ranges(), word).expect("bounded");
                    let largest = fixed.outputs.iter().map(|output| output.bound).fold(0.0, f64::max);
                    format!("{largest:.1e}")
                }
                _ => String::new(),
            };
            let observations = observations(&contract, scalar, &points);
            let files = files(&contract, scalar);
            let costs = [Core::M0, Core::M4F].map(|core| cost(core, scalar, &files, defines(&contract), &observations));
            let [small, large] = costs.map(cell);
            text += &format!("| {name} | formula | {} | {bound} | {small} | {large} |\n", scalar.name());
        }
        let environment = contract.environment.as_deref().expect("a headline's environment");
        let expert = kanrl_experts::bundled::find(environment).expect("a bundled expert");
        let network = expert.file().standalone().expect("a network");
        // Without floating point a network takes a million instructions, and QEMU writes a line for each.
        let observations = observations(&contract, Scalar::Float, &contract.points(1));
        let files = network::files(&network);
        let costs =
            [Core::M0, Core::M4F].map(|core| cost(core, Scalar::Float, &files, defines(&contract), &observations));
        let [small, large] = costs.map(cell);
        let parameters = network.network().parameters();
        text += &format!("| {name} | network, {parameters} parameters | float | | {small} | {large} |\n");
    }
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/firmware.md");
    std::fs::write(file, text).expect("written");
}
