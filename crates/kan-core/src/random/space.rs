use super::Generator;
use crate::action::ActionBatch;
use crate::space::{ActionSpace, BoxSpace, Coordinate};

impl ActionSpace {
    /// Writes a random action into row `row`, as Gymnasium's `action_space.sample()`: with a generator seeded by
    /// [`Generator::new`], the draws are those after `action_space.seed(seed)`.
    ///
    /// Coordinates with two bounds are uniform between them; where both are missing the draw is standard normal, where
    /// one is, exponential from the other.
    ///
    /// # Panics
    /// If there is no such row, the space is empty, or the batch is for another kind of space.
    pub fn sample(&self, generator: &mut Generator, actions: &mut ActionBatch, row: usize) {
        match (self, actions) {
            (Self::Discrete(space), ActionBatch::Discrete(actions)) => {
                actions[row] = generator.integers(0, space.len() as i64) as usize;
            }
            (Self::Box(space), ActionBatch::Continuous { values, size }) => {
                sample_box(space, generator, &mut values[row * *size..(row + 1) * *size]);
            }
            _ => panic!("the batch and the action space are of different kinds"),
        }
    }
}

/// Gymnasium draws for one kind of interval after the other, not in the coordinates' order.
fn sample_box(space: &BoxSpace, generator: &mut Generator, values: &mut [f32]) {
    let mut draw_where = |bounds: (bool, bool), draw: fn(&mut Generator, &Coordinate) -> f64| {
        for (value, coordinate) in values.iter_mut().zip(&space.coordinates) {
            if (coordinate.low.is_finite(), coordinate.high.is_finite()) == bounds {
                *value = draw(generator, coordinate) as f32;
            }
        }
    };
    draw_where((false, false), |generator, _| generator.standard_normal());
    // By inversion: the only draw here whose bits are not NumPy's.
    draw_where((true, false), |generator, coordinate| coordinate.low - (-generator.random()).ln_1p());
    draw_where((false, true), |generator, coordinate| coordinate.high + (-generator.random()).ln_1p());
    draw_where((true, true), |generator, coordinate| generator.uniform(coordinate.low, coordinate.high));
}
