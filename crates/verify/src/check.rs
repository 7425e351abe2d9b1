//! A card held against a formula: whether it is about it, and whether anything contradicts it.

use crate::card::{Certainty, ProofCard, number};
use kanrl_core::random::Generator;
use kanrl_symbolic::{Formula, SymbolicError};

/// What contradicts a card, looked for at so many random observations in its box; empty where nothing does.
///
/// A card is about one formula with all of its constants: if one of them is changed after the proof, that is said, and
/// the first observation at which a proved bound no longer holds.
///
/// # Errors
/// [`SymbolicError`] for a formula that cannot be compiled.
pub fn contradictions(card: &ProofCard, formula: &Formula, points: usize) -> Result<Vec<String>, SymbolicError> {
    let mut found = Vec::new();
    if card.formula != formula.to_string() {
        found.push(format!("the card is about another formula:\n{}\nnot\n{formula}", card.formula));
    }
    let sides: Vec<(f64, f64)> = formula
        .inputs()
        .iter()
        .map(|input| {
            let side = card.observations.iter().find(|side| side.name == *input);
            side.map_or((0.0, 0.0), |side| (side.low, side.high))
        })
        .collect();
    if let Some(input) = formula.inputs().iter().find(|input| card.observations.iter().all(|side| side.name != **input))
    {
        found.push(format!("the card has no observation `{input}`"));
        return Ok(found);
    }
    let bounds: Vec<(usize, f64, f64)> = card
        .about("outputs")
        .filter(|line| line.certainty == Certainty::Proved)
        .filter_map(|line| {
            let name = line.values["output"].as_str()?;
            let index = formula.outputs().iter().position(|output| output.name == name)?;
            Some((index, line.values["low"].as_f64()?, line.values["high"].as_f64()?))
        })
        .collect();
    let tape = formula.compile()?;
    let mut random = Generator::new(0);
    let mut outputs = vec![0.0; formula.outputs().len()];
    let mut broken = vec![false; bounds.len()];
    for _ in 0..points {
        // Corners and edges hold the extremes more often than the inside does.
        let point: Vec<f64> = sides
            .iter()
            .map(|(low, high)| {
                let share = (1.5 * random.uniform(0.0, 1.0) - 0.25).clamp(0.0, 1.0);
                f64::from((low + share * (high - low)) as f32).clamp(*low, *high)
            })
            .collect();
        tape.evaluate(&point, &mut outputs);
        for ((index, low, high), broken) in bounds.iter().zip(&mut broken) {
            let value = outputs[*index];
            if !*broken && !(*low..=*high).contains(&value) {
                *broken = true;
                let name = &formula.outputs()[*index].name;
                let point: Vec<String> = formula
                    .inputs()
                    .iter()
                    .zip(&point)
                    .map(|(input, value)| format!("{input} = {}", number(*value)))
                    .collect();
                let (low, high) = (number(*low), number(*high));
                found.push(format!(
                    "{name} is {} at {}, not between {low} and {high}",
                    number(value),
                    point.join(", ")
                ));
            }
        }
    }
    Ok(found)
}
