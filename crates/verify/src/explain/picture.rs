//! Pictures as SVG: where the action switches, and where expert and formula differ.

use super::{ExplainError, Laboratory, Player, differing};
use kanrl_core::action::{Action, ActionBatch};
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::policy::Policy;
use kanrl_core::rollout::{RolloutOptions, Rollouts};
use kanrl_symbolic::Formula;
use std::fmt::Write;

/// Cells of a picture in each direction.
const CELLS: usize = 60;
const SIDE: f64 = 360.0;
const MARGIN: f64 = 46.0;
/// From the first action to the last.
const COLORS: [&str; 4] = ["#b9d3ee", "#f2efe6", "#f5c9a6", "#d9a0a0"];

/// The two coordinates that weigh most in the formula's outputs, by the change of the outputs as they alone are fixed at
/// their means.
fn two_most_important(player: &Player, laboratory: &Laboratory<'_>) -> Option<(usize, usize)> {
    let size = player.size;
    let rows = laboratory.states.len() / size;
    let outputs = player.outputs(&laboratory.states);
    let mut weights: Vec<(f64, usize)> = (0..size)
        .map(|index| {
            let mean = laboratory.states.iter().skip(index).step_by(size).sum::<f64>() / rows.max(1) as f64;
            let mut fixed = laboratory.states.clone();
            fixed.iter_mut().skip(index).step_by(size).for_each(|value| *value = mean);
            let change = player.outputs(&fixed).iter().zip(&outputs).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            (if change.is_finite() { change } else { 0.0 }, index)
        })
        .collect();
    weights.sort_by(|a, b| b.0.total_cmp(&a.0));
    (size >= 2).then(|| (weights[0].1, weights[1].1))
}

struct Plane {
    across: usize,
    up: usize,
    x: (f64, f64),
    y: (f64, f64),
    /// Means of all coordinates.
    means: Vec<f64>,
}

impl Plane {
    fn new(laboratory: &Laboratory<'_>, size: usize, (across, up): (usize, usize)) -> Self {
        let column = |index: usize| laboratory.states.iter().skip(index).step_by(size).copied();
        let range = |index: usize| {
            let (low, high) = column(index)
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
            let room = 0.05 * (high - low).max(1e-9);
            (low - room, high + room)
        };
        let rows = (laboratory.states.len() / size).max(1) as f64;
        Self {
            across,
            up,
            x: range(across),
            y: range(up),
            means: (0..size).map(|index| column(index).sum::<f64>() / rows).collect(),
        }
    }

    /// Rows of observations, one for the middle of each cell, from the top left.
    fn grid(&self) -> Vec<f64> {
        let mut rows = Vec::with_capacity(CELLS * CELLS * self.means.len());
        for row in 0..CELLS {
            for column in 0..CELLS {
                let at = |(low, high): (f64, f64), share: f64| low + (high - low) * share;
                let mut observation = self.means.clone();
                observation[self.across] = at(self.x, (column as f64 + 0.5) / CELLS as f64);
                observation[self.up] = at(self.y, 1.0 - (row as f64 + 0.5) / CELLS as f64);
                rows.extend(observation);
            }
        }
        rows
    }

    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let share = |(low, high): (f64, f64), value: f64| (value - low) / (high - low);
        (MARGIN + SIDE * share(self.x, x), MARGIN / 2.0 + SIDE * (1.0 - share(self.y, y)))
    }

    fn open(&self, spec: &EnvironmentSpec, title: &str) -> String {
        let (width, height) = (SIDE + 1.5 * MARGIN, SIDE + 1.7 * MARGIN);
        let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
        let axis = |index: usize| {
            let coordinate = &spec.observation_space.coordinates[index];
            escape(&match coordinate.unit.as_str() {
                "" => coordinate.name.clone(),
                unit => format!("{} ({unit})", coordinate.name),
            })
        };
        let number = crate::card::number;
        let bottom = MARGIN / 2.0 + SIDE;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
             font-size=\"11\" role=\"img\"><title>{}</title>\n",
            escape(title)
        );
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n<text x=\"14\" y=\"{}\" text-anchor=\"middle\" \
             transform=\"rotate(-90 14 {})\">{}</text>\n<text x=\"{MARGIN}\" y=\"{}\">{}</text>\n<text x=\"{}\" y=\"{}\" \
             text-anchor=\"end\">{}</text>\n<text x=\"{}\" y=\"{bottom}\" text-anchor=\"end\">{}</text>\n<text x=\"{}\" y=\"{}\" \
             text-anchor=\"end\">{}</text>\n",
            MARGIN + SIDE / 2.0,
            bottom + 30.0,
            axis(self.across),
            MARGIN / 2.0 + SIDE / 2.0,
            MARGIN / 2.0 + SIDE / 2.0,
            axis(self.up),
            bottom + 14.0,
            number(self.x.0),
            MARGIN + SIDE,
            bottom + 14.0,
            number(self.x.1),
            MARGIN - 4.0,
            number(self.y.0),
            MARGIN - 4.0,
            MARGIN / 2.0 + 9.0,
            number(self.y.1),
        );
        svg
    }

    fn cell(&self, svg: &mut String, index: usize, fill: &str, opacity: f64) {
        let (row, column) = (index / CELLS, index % CELLS);
        let cell = SIDE / CELLS as f64;
        let (x, y) = (MARGIN + cell * column as f64, MARGIN / 2.0 + cell * row as f64);
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{cell:.1}\" height=\"{cell:.1}\" fill=\"{fill}\" fill-opacity=\"{opacity:.2}\"/>"
        );
    }
}

/// Episodes of the formula, the formula as a player, and the plane of its two most important coordinates; none of one input.
fn prepared<'a>(
    rollouts: &'a Rollouts,
    formula: &'a Formula,
    first_seed: u64,
    episodes: u64,
) -> Result<Option<(Laboratory<'a>, Player, Plane)>, ExplainError> {
    let seeds: Vec<u64> = (0..episodes).map(|index| first_seed.wrapping_add(index)).collect();
    let laboratory = Laboratory::new(rollouts, formula, seeds)?;
    let player = Player::new(formula, rollouts.spec())?;
    let plane = two_most_important(&player, &laboratory).map(|two| Plane::new(&laboratory, player.size, two));
    Ok(plane.map(|plane| (laboratory, player, plane)))
}

/// Where the formula's action switches, in the plane of the two most important coordinates, the others at their means; with
/// a few trajectories over it. None for a formula of one input.
///
/// # Errors
/// [`ExplainError`].
pub fn switching_surface(
    rollouts: &Rollouts,
    formula: &Formula,
    first_seed: u64,
) -> Result<Option<String>, ExplainError> {
    let Some((_, player, plane)) = prepared(rollouts, formula, first_seed, 8)? else { return Ok(None) };
    let spec = rollouts.spec();
    let mut svg = plane.open(spec, "where the action switches");
    let actions = player.actions(&plane.grid());
    for index in 0..CELLS * CELLS {
        let color = match actions.row(index) {
            Action::Discrete(action) => COLORS[action % COLORS.len()].to_owned(),
            Action::F32(values) => shade(spec, f64::from(values[0])),
            Action::F64(values) => shade(spec, values[0]),
        };
        plane.cell(&mut svg, index, &color, 1.0);
    }
    let options = RolloutOptions { record: true, ..RolloutOptions::default() };
    let few: Vec<u64> = (0..4).map(|index| first_seed.wrapping_add(index)).collect();
    for trajectory in rollouts.run(&player, &few, &options)?.iter().filter_map(|episode| episode.trajectory.as_ref()) {
        let points: Vec<String> = trajectory
            .observations
            .chunks_exact(player.size)
            .map(|row| {
                let (x, y) = plane.place(row[plane.across], row[plane.up]);
                format!("{x:.1},{y:.1}")
            })
            .collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"#333\" stroke-width=\"0.8\"/>",
            points.join(" ")
        );
    }
    Ok(Some(svg + "</svg>\n"))
}

/// From blue over white to orange across the first number's range.
fn shade(spec: &EnvironmentSpec, value: f64) -> String {
    let (low, high) = match &spec.action_space {
        kanrl_core::space::ActionSpace::Box(space) => (space.coordinates[0].low, space.coordinates[0].high),
        kanrl_core::space::ActionSpace::Discrete(_) => (0.0, 1.0),
    };
    let share = if low.is_finite() && high.is_finite() { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 };
    let mix = |from: f64, to: f64, share: f64| (from + (to - from) * share).round() as u8;
    let (one, other, share) = if share < 0.5 {
        ([0x6b, 0x9b, 0xd1], [0xff, 0xff, 0xff], 2.0 * share)
    } else {
        ([0xff, 0xff, 0xff], [0xe0, 0x8e, 0x45], 2.0 * share - 1.0)
    };
    let [r, g, b]: [u8; 3] = std::array::from_fn(|index| mix(f64::from(one[index]), f64::from(other[index]), share));
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Where expert and formula differ: share of the states visited in each cell in which they act differently.
///
/// # Errors
/// [`ExplainError`].
pub fn heat_map(
    rollouts: &Rollouts,
    formula: &Formula,
    expert: &dyn Policy,
    first_seed: u64,
) -> Result<Option<String>, ExplainError> {
    let Some((laboratory, player, plane)) = prepared(rollouts, formula, first_seed, 40)? else { return Ok(None) };
    let spec = rollouts.spec();
    let rows = laboratory.states.len() / player.size;
    let mut theirs = ActionBatch::zeros(&spec.action_space, rows);
    expert.act(&laboratory.states, &vec![0; rows], &mut theirs)?;
    let differs = differing(&laboratory.actions, &theirs, &spec.action_space);
    let mut counts = vec![(0_u32, 0_u32); CELLS * CELLS];
    for (row, differs) in laboratory.states.chunks_exact(player.size).zip(differs) {
        let (x, y) = plane.place(row[plane.across], row[plane.up]);
        let cell = |value: f64| ((value / SIDE * CELLS as f64) as usize).min(CELLS - 1);
        let count = &mut counts[cell(y - MARGIN / 2.0) * CELLS + cell(x - MARGIN)];
        count.0 += u32::from(differs);
        count.1 += 1;
    }
    let mut svg = plane.open(spec, "share of the states in which expert and formula act differently");
    for (index, (differing, visits)) in counts.into_iter().enumerate().filter(|(_, (_, visits))| *visits > 0) {
        plane.cell(&mut svg, index, "#e8e8e8", 1.0);
        plane.cell(&mut svg, index, "#b2182b", f64::from(differing) / f64::from(visits));
    }
    Ok(Some(svg + "</svg>\n"))
}
