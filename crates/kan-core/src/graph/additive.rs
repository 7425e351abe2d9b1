//! Graphs without hidden nodes, and polynomials as splines.

use super::{BaseFunction, Edge, EdgeFunction, Input, Node, NodeKind, SplineEdge, SymbolicEdge, UnivariateGraph};
use crate::spline::{MAX_DEGREE, extend_knots};
use std::ops::RangeInclusive;

impl UnivariateGraph {
    /// A graph in which every output is a sum of one function of each input, with inputs `x_0`, `x_1`, … that are taken
    /// as they are. `function` is asked for the edge from an input to an output, both by index.
    ///
    /// ```
    /// use kanrl_core::graph::{SplineEdge, UnivariateGraph};
    /// // 1 + x_0² + 3·x_1
    /// let edges = [SplineEdge::polynomial(&[1.0, 0.0, 1.0], -2.0..=2.0), SplineEdge::polynomial(&[0.0, 3.0], -2.0..=2.0)];
    /// let graph = UnivariateGraph::additive(2, 1, |input, _output| edges[input].clone());
    /// let mut output = [0.0];
    /// graph.evaluate(&[1.5, -1.0], &mut output);
    /// assert!((output[0] - 0.25).abs() < 1e-12);
    /// ```
    pub fn additive<F: Into<EdgeFunction>>(
        inputs: usize,
        outputs: usize,
        mut function: impl FnMut(usize, usize) -> F,
    ) -> Self {
        let node = |kind| Node { kind, scale: 1.0, bias: 0.0 };
        let mut edge = |index: usize| {
            let (source, output) = (index % inputs, index / inputs);
            Edge { source, target: inputs + output, function: function(source, output).into(), importance: 0.0 }
        };
        Self {
            inputs: (0..inputs).map(|index| Input { name: format!("x_{index}"), shift: 0.0, scale: 1.0 }).collect(),
            nodes: [vec![node(NodeKind::Input); inputs], vec![node(NodeKind::Sum); outputs]].concat(),
            edges: (0..inputs * outputs).map(&mut edge).collect(),
            outputs: (inputs..inputs + outputs).collect(),
        }
    }

    /// Sets the inputs' transforms so that each input's range on these data `[rows, inputs]` becomes −1 to 1. A constant
    /// input becomes 0.
    pub fn scale_inputs(&mut self, data: &[f64]) {
        let width = self.inputs.len();
        for (index, input) in self.inputs.iter_mut().enumerate() {
            let column = data.iter().skip(index).step_by(width);
            let (low, high) = column.fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
            if low <= high {
                (input.shift, input.scale) = (0.5 * (low + high), 2.0 / (high - low).max(1e-9));
            }
        }
    }
}

impl SplineEdge {
    /// A spline of `pieces` equal pieces on `range` that is 0 everywhere, to be fitted.
    ///
    /// # Panics
    /// For a degree above [`MAX_DEGREE`] or below 1, no piece, or an empty range.
    pub fn zero(degree: usize, pieces: usize, range: RangeInclusive<f64>) -> Self {
        assert!((1..=MAX_DEGREE).contains(&degree) && pieces > 0 && range.start() < range.end(), "a spline on a range");
        let step = (range.end() - range.start()) / pieces as f64;
        let inner: Vec<f64> = (0..=pieces).map(|index| range.start() + step * index as f64).collect();
        let (base, scale_base, coefficients) = (BaseFunction::Zero, 0.0, vec![0.0; pieces + degree]);
        Self { base, scale_base, degree, knots: extend_knots(&inner, degree), coefficients }
    }

    /// The polynomial `coefficients[0] + coefficients[1]·x + coefficients[2]·x² + …` as a spline of one piece on `range`;
    /// beyond it the curve falls back to 0.
    ///
    /// # Panics
    /// For a degree above [`MAX_DEGREE`], no coefficient, or an empty range.
    pub fn polynomial(coefficients: &[f64], range: RangeInclusive<f64>) -> Self {
        assert!(!coefficients.is_empty() && range.start() < range.end(), "a polynomial on a range");
        let degree = (coefficients.len() - 1).max(1);
        assert!(degree <= MAX_DEGREE, "a degree of at most {MAX_DEGREE}");
        let knots = extend_knots(&[*range.start(), *range.end()], degree);
        // The coefficient of a basis function is the polynomial's blossom at the knots inside it (Ramshaw 1987,
        // "Blossoming: a connect-the-dots approach to splines").
        let blossom = |basis: usize| {
            let means = symmetric_means(&knots[basis + 1..=basis + degree]);
            coefficients.iter().zip(means).map(|(coefficient, mean)| coefficient * mean).sum()
        };
        let coefficients = (0..=degree).map(blossom).collect();
        Self { base: BaseFunction::Zero, scale_base: 0.0, degree, knots, coefficients }
    }
}

/// For each k the mean of all products of k of the numbers: their elementary symmetric polynomials by the number of
/// terms.
fn symmetric_means(numbers: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; numbers.len() + 1];
    let mut terms = sums.clone();
    (sums[0], terms[0]) = (1.0, 1.0);
    for number in numbers {
        for k in (1..sums.len()).rev() {
            sums[k] += number * sums[k - 1];
            terms[k] += terms[k - 1];
        }
    }
    sums.iter().zip(&terms).map(|(sum, terms)| sum / terms).collect()
}

impl From<SplineEdge> for EdgeFunction {
    fn from(edge: SplineEdge) -> Self {
        Self::Spline(edge)
    }
}

impl From<SymbolicEdge> for EdgeFunction {
    fn from(edge: SymbolicEdge) -> Self {
        Self::Symbolic(edge)
    }
}

#[cfg(test)]
mod tests {
    use super::{EdgeFunction, SplineEdge, UnivariateGraph};

    #[test]
    fn a_polynomial_is_met_on_its_whole_range() {
        for coefficients in
            [&[2.5][..], &[-1.0, 0.5], &[0.3, -2.0, 1.0, 0.25], &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]]
        {
            let edge = EdgeFunction::from(SplineEdge::polynomial(coefficients, -1.5..=2.0));
            for step in 0..70 {
                let x = -1.5 + 0.05 * f64::from(step);
                let wanted = coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient);
                assert!((edge.value(x) - wanted).abs() < 1e-9 * wanted.abs().max(1.0), "{coefficients:?} at {x}");
            }
        }
    }

    #[test]
    fn inputs_are_scaled_to_their_range() {
        let mut graph = UnivariateGraph::additive(2, 1, |_, _| SplineEdge::polynomial(&[0.0, 1.0], -1.0..=1.0));
        graph.scale_inputs(&[0.0, 7.0, 4.0, 7.0, 2.0, 7.0]);
        let transforms = [(2.0, 0.5), (7.0, 2e9)];
        assert!(
            graph
                .inputs
                .iter()
                .zip(transforms)
                .all(|(input, (shift, scale))| { input.shift == shift && (input.scale - scale).abs() <= 1e-9 * scale })
        );
    }
}
