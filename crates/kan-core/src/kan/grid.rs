//! Moving the knots to where the data is.

use super::network::{Layer, Network};
use super::spline;

impl Network {
    /// Moves each layer's knots to its inputs' samples, layer by layer, and refits the curves (pykan's
    /// `update_grid_from_samples`): the inner knots are `even_share` times evenly spaced ones plus `1 − even_share`
    /// times quantiles. An input that is constant keeps its knots (pykan's curves become NaN).
    ///
    /// `inputs` `[rows, inputs]`.
    ///
    /// # Panics
    /// If the length does not fit or there is no row.
    pub fn update_grid(&mut self, inputs: &[f64], even_share: f64) {
        for index in 0..self.layers.len() {
            let columns = self.layer_inputs(inputs, index);
            let layer = &mut self.layers[index];
            for (input, column) in columns.into_iter().enumerate() {
                let mut sorted = column;
                sorted.sort_by(f64::total_cmp);
                if let Some(inner) = inner_knots(&sorted, layer.grid, even_share) {
                    layer.set_knots(input, &spline::extend_knots(&inner, layer.degree), &sorted);
                }
            }
        }
    }

    /// What goes into layer `index`, one column for each of its inputs.
    pub(super) fn layer_inputs(&self, inputs: &[f64], index: usize) -> Vec<Vec<f64>> {
        if index == 0 {
            let width = self.inputs();
            return (0..width).map(|input| inputs.iter().skip(input).step_by(width).copied().collect()).collect();
        }
        let before = Self { layers: self.layers[..index].to_vec() };
        let graph = before.graph();
        let mut values = graph.node_values(inputs);
        graph.outputs.iter().map(|output| std::mem::take(&mut values[*output])).collect()
    }
}

/// `grid + 1` knots for sorted samples, or `None` where all of them are the same.
fn inner_knots(sorted: &[f64], grid: usize, even_share: f64) -> Option<Vec<f64>> {
    let (first, last) = (sorted[0], sorted[sorted.len() - 1]);
    if first >= last {
        return None;
    }
    let spacing = (last - first) / grid as f64;
    let knot = |index: usize| {
        let even = first + spacing * index as f64;
        let quantile =
            if index == grid { last } else { sorted[(sorted.len() as f64 / grid as f64 * index as f64) as usize] };
        even_share * even + (1.0 - even_share) * quantile
    };
    Some((0..=grid).map(knot).collect())
}

impl Layer {
    /// Gives input `input` other extended knots (as many as before) and refits its curves at `samples`.
    fn set_knots(&mut self, input: usize, knots: &[f64], samples: &[f64]) {
        let subnodes = self.subnodes();
        let mut curves = Vec::with_capacity(samples.len() * subnodes);
        for x in samples {
            for subnode in 0..subnodes {
                let coefficients = self.coefficients_of(input, subnode);
                curves.push(spline::evaluate(self.knots_of(input), self.degree, coefficients, *x).0);
            }
        }
        let coefficients = spline::least_squares(knots, self.degree, samples, &curves, subnodes);
        let (start, count) = (input * subnodes * self.basis(), coefficients.len());
        self.coefficients[start..start + count].copy_from_slice(&coefficients);
        self.knots[input * knots.len()..(input + 1) * knots.len()].copy_from_slice(knots);
    }
}
