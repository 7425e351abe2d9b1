//! States in a plane, cell by cell: from which of them a set is reached, and kept.

use crate::Controller;
use crate::tubes::Set;
use kanrl_interval::{Affine, Dynamics, Interval, Number};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// How finely, and how far each cell is followed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellOptions {
    /// Cells around the circle. Default 512.
    pub angles: usize,
    /// Cells of the other coordinate. Default 512.
    pub speeds: usize,
    /// Steps that a cell is followed before it must have arrived in cells that are proved. Default 24.
    pub steps: usize,
    /// A tube is given up once it is wider than so many cells. Default 24.
    pub widest: usize,
}

impl Default for CellOptions {
    fn default() -> Self {
        Self { angles: 512, speeds: 512, steps: 24, widest: 24 }
    }
}

/// Cells of an angle, in ±π, and a speed, between bounds: what is proved of each.
#[derive(Clone, Debug)]
pub struct Cells {
    options: CellOptions,
    speed: Interval,
    /// For each cell, the boxes in which its states are after 1, 2, … steps: rows of angles and of speeds.
    tubes: Vec<Vec<Patch>>,
    /// For each cell, the most steps until every one of its states is in the kept set for good.
    arrives: Vec<Option<u32>>,
    /// Cells of the set that is never left.
    kept: Vec<bool>,
}

/// A rectangle of cells; angles may pass the end of the circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Patch {
    angle: i32,
    angles: u16,
    speed: u16,
    speeds: u16,
}

impl Cells {
    /// Follows every cell. `dynamics` has an angle and a speed that stays within `speed`; turns change nothing.
    ///
    /// # Panics
    /// If the state is not two numbers.
    pub fn new<const N: usize>(
        dynamics: &impl Dynamics<N>,
        controller: &Controller,
        speed: Interval,
        options: CellOptions,
    ) -> Self {
        assert_eq!(N, 2, "an angle and a speed");
        let mut cells = Self {
            options,
            speed,
            tubes: Vec::new(),
            arrives: vec![None; options.angles * options.speeds],
            kept: vec![false; options.angles * options.speeds],
        };
        cells.tubes =
            (0..cells.arrives.len()).into_par_iter().map(|cell| cells.tube(dynamics, controller, cell)).collect();
        cells
    }

    /// The cell's sides, rounded outward.
    fn sides(&self, cell: usize) -> [Interval; 2] {
        let (angle, speed) = (cell / self.options.speeds, cell % self.options.speeds);
        let (width, height) = self.size();
        let angle = Interval::new(-PI + width * angle as f64, -PI + width * (angle + 1) as f64);
        let low = self.speed.low + height * speed as f64;
        let speed = Interval::new(low, low + height);
        [angle.inflated(1e-12), speed.inflated(1e-12).both(self.speed)]
    }

    /// Of a cell.
    fn size(&self) -> (f64, f64) {
        (2.0 * PI / self.options.angles as f64, (self.speed.high - self.speed.low) / self.options.speeds as f64)
    }

    fn tube<const N: usize>(&self, dynamics: &impl Dynamics<N>, controller: &Controller, cell: usize) -> Vec<Patch> {
        let sides = self.sides(cell);
        let mut set: Set<N> = Affine::of_box(&std::array::from_fn(|index| sides[index]));
        let mut tube = Vec::new();
        for _ in 0..self.options.steps {
            let choices = controller.choices(&dynamics.observe(&set));
            let mut branches: Vec<_> = choices.iter().flat_map(|choice| dynamics.step(&set, choice)).collect();
            let Some(branch) = branches.pop().filter(|_| branches.is_empty()) else { break };
            set = branch.state;
            let Some(patch) = self.patch(&[set[0].range(), set[1].range()]) else { break };
            tube.push(patch);
            Affine::follow_errors(&mut set);
        }
        tube
    }

    /// The cells that cover a box; none where they are too many, or beyond the speeds.
    fn patch(&self, sides: &[Interval; 2]) -> Option<Patch> {
        let (width, height) = self.size();
        if !sides.iter().all(|side| side.is_finite()) {
            return None;
        }
        // A little outward: the borders of cells are rounded as well.
        let angle = |value: f64, outward: f64| ((value + PI + outward) / width).floor();
        let speed = |value: f64, outward: f64| ((value - self.speed.low + outward) / height).floor();
        let (first, last) = (angle(sides[0].low, -1e-11), angle(sides[0].high, 1e-11));
        let most = self.options.speeds as f64 - 1.0;
        if sides[1].low < self.speed.low - 1e-9 || sides[1].high > self.speed.high + 1e-9 {
            return None;
        }
        let (slowest, fastest) =
            (speed(sides[1].low, -1e-11).clamp(0.0, most), speed(sides[1].high, 1e-11).clamp(0.0, most));
        let widest = self.options.widest as f64;
        if last - first >= widest || fastest - slowest >= widest || first.abs() > 1e6 {
            return None;
        }
        Some(Patch {
            angle: first as i32,
            angles: (last - first) as u16 + 1,
            speed: slowest as u16,
            speeds: (fastest - slowest) as u16 + 1,
        })
    }

    /// The cells of a patch.
    fn of_patch(&self, patch: Patch) -> impl Iterator<Item = usize> + '_ {
        let angles = self.options.angles as i32;
        (0..i32::from(patch.angles)).flat_map(move |offset| {
            let angle = (patch.angle + offset).rem_euclid(angles) as usize;
            (0..usize::from(patch.speeds))
                .map(move |speed| angle * self.options.speeds + usize::from(patch.speed) + speed)
        })
    }

    /// Finds the largest set of cells within `region` that is never left again but for at most so many steps at a time,
    /// during which the states stay within `allowed`; both as angle and speed.
    pub fn keep(&mut self, region: [Interval; 2], allowed: [Interval; 2]) {
        let inside = |cell: usize, region: &[Interval; 2]| {
            let sides = self.sides(cell);
            region[0].encloses(sides[0]) && region[1].encloses(sides[1])
        };
        let mut kept: Vec<bool> = (0..self.tubes.len()).map(|cell| inside(cell, &region)).collect();
        let allowed: Vec<bool> = (0..self.tubes.len()).map(|cell| inside(cell, &allowed)).collect();
        loop {
            let stays = |cell: usize| {
                for patch in &self.tubes[cell] {
                    if self.of_patch(*patch).all(|cell| kept[cell]) {
                        return true;
                    }
                    if !self.of_patch(*patch).all(|cell| allowed[cell]) {
                        return false;
                    }
                }
                false
            };
            let next: Vec<bool> = (0..kept.len()).into_par_iter().map(|cell| kept[cell] && stays(cell)).collect();
            if next == kept {
                break;
            }
            kept = next;
        }
        for (arrives, kept) in self.arrives.iter_mut().zip(&kept) {
            *arrives = kept.then_some(0);
        }
        self.kept = kept;
    }

    /// Finds from which cells the kept set is reached within `limit` steps, backward from it.
    pub fn reach(&mut self, limit: u32) {
        loop {
            let arrival = |cell: usize| {
                if self.arrives[cell].is_some() {
                    return None;
                }
                let after = |(step, patch): (usize, &Patch)| {
                    let latest =
                        self.of_patch(*patch).try_fold(0, |latest, cell| Some(self.arrives[cell]?.max(latest)));
                    latest.map(|latest| latest + step as u32 + 1).filter(|steps| *steps <= limit)
                };
                self.tubes[cell].iter().enumerate().filter_map(after).min()
            };
            let found: Vec<Option<u32>> = (0..self.arrives.len()).into_par_iter().map(arrival).collect();
            let mut any = false;
            for (known, found) in self.arrives.iter_mut().zip(found) {
                if known.is_none() && found.is_some() {
                    *known = found;
                    any = true;
                }
            }
            if !any {
                break;
            }
        }
    }

    /// Whether every state of a box is proved to arrive, after `step` steps, before `limit`.
    pub fn holds(&self, sides: &[Interval; 2], step: u32, limit: u32) -> bool {
        let Some(patch) = self.patch(sides) else { return false };
        self.of_patch(patch).all(|cell| self.arrives[cell].is_some_and(|arrives| arrives + step <= limit))
    }

    /// Share of the box's volume in cells from which the kept set is proved to be reached, and the boxes of the other
    /// cells.
    pub fn proved(&self, starts: &[Interval; 2]) -> (f64, Vec<[Interval; 2]>) {
        let (mut proved, mut open) = (0.0, Vec::new());
        let volume = (starts[0].high - starts[0].low) * (starts[1].high - starts[1].low);
        for cell in 0..self.arrives.len() {
            let sides = self.sides(cell);
            let own: [Interval; 2] = std::array::from_fn(|index| Interval {
                low: sides[index].low.max(starts[index].low),
                high: sides[index].high.min(starts[index].high),
            });
            if own.iter().any(|side| side.low >= side.high || side.high - side.low < 1e-10) {
                continue;
            }
            match self.arrives[cell] {
                Some(_) => proved += (own[0].high - own[0].low) * (own[1].high - own[1].low) / volume,
                None => open.push(own),
            }
        }
        (proved.min(1.0), open)
    }

    /// Number of cells in the kept set, and the box around them.
    pub fn kept(&self) -> (usize, Option<[Interval; 2]>) {
        let kept = (0..self.kept.len()).filter(|cell| self.kept[*cell]);
        let hull = kept.clone().map(|cell| self.sides(cell)).reduce(|a, b| [a[0].hull(b[0]), a[1].hull(b[1])]);
        (kept.count(), hull)
    }

    /// The most steps that any proved cell needs.
    pub fn latest(&self) -> u32 {
        self.arrives.iter().flatten().copied().max().unwrap_or(0)
    }
}
