//! Moving the knots to where the data is.

use super::network::{Layer, Network};
use crate::spline;

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

    /// Spreads the first layer's knots evenly over the samples; the curves are refitted.
    pub(super) fn spread_first_grid(&mut self, inputs: &[f64]) {
        let columns = self.layer_inputs(inputs, 0);
        let layer = &mut self.layers[0];
        for (input, mut column) in columns.into_iter().enumerate() {
            column.sort_by(f64::total_cmp);
            if let Some(inner) = inner_knots(&column, layer.grid, 1.0) {
                layer.set_knots(input, &spline::extend_knots(&inner, layer.degree), &column);
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
    /// The splines of input `input` at `samples`, without their factors: `[samples, subnodes]`.
    fn curves(&self, input: usize, samples: &[f64]) -> Vec<f64> {
        let knots = self.knots_of(input);
        let mut values = vec![0.0; samples.len() * self.subnodes()];
        for (x, values) in samples.iter().zip(values.chunks_exact_mut(self.subnodes())) {
            spline::for_each_basis(knots, self.degree, *x, |basis, factor, _| {
                for (subnode, value) in values.iter_mut().enumerate() {
                    *value += factor * self.coefficients_of(input, subnode)[basis];
                }
            });
        }
        values
    }

    /// Gives input `input` other extended knots (as many as before) and refits its curves at `samples`.
    fn set_knots(&mut self, input: usize, knots: &[f64], samples: &[f64]) {
        let subnodes = self.subnodes();
        let curves = self.curves(input, samples);
        let coefficients = spline::least_squares(knots, self.degree, samples, &curves, subnodes);
        let (start, count) = (input * subnodes * self.basis(), coefficients.len());
        self.coefficients[start..start + count].copy_from_slice(&coefficients);
        self.knots[input * knots.len()..(input + 1) * knots.len()].copy_from_slice(knots);
    }
}

impl Network {
    /// The network with `grid` intervals on each curve, and curves that are nearest to the old ones at the samples
    /// (pykan's `refine`). The new inner knots divide the old ones' intervals evenly; nothing but knots and
    /// coefficients changes.
    ///
    /// `inputs` `[rows, inputs]`.
    ///
    /// # Panics
    /// If the length does not fit, there is no row or `grid` is 0.
    #[must_use]
    pub fn refined(&self, grid: usize, inputs: &[f64]) -> Self {
        let layers = self.layers.iter().enumerate().map(|(index, layer)| {
            let samples = self.layer_inputs(inputs, index);
            let mut refined = layer.clone();
            refined.grid = grid;
            (refined.knots, refined.coefficients) = (Vec::new(), Vec::new());
            for (input, samples) in samples.iter().enumerate() {
                let old = layer.knots_of(input);
                let inner = interpolate(&old[layer.degree..old.len() - layer.degree], grid);
                let knots = spline::extend_knots(&inner, layer.degree);
                let curves = layer.curves(input, samples);
                refined.coefficients.extend(spline::least_squares(
                    &knots,
                    layer.degree,
                    samples,
                    &curves,
                    layer.subnodes(),
                ));
                refined.knots.extend(knots);
            }
            refined
        });
        Self { layers: layers.collect() }
    }
}

/// `grid + 1` points on the polygon through `knots`, evenly spaced in their index.
fn interpolate(knots: &[f64], grid: usize) -> Vec<f64> {
    let intervals = knots.len() - 1;
    let point = |index: usize| {
        let place = index as f64 * intervals as f64 / grid as f64;
        let left = (place as usize).min(intervals - 1);
        knots[left] + (place - left as f64) * (knots[left + 1] - knots[left])
    };
    (0..=grid).map(point).collect()
}
