//! Wide blocks as polynomials between knots, for evaluation alone.
//!
//! The dense product holds rows in vectors, so that all rows meet all basis functions. Here targets lie in vectors: a row
//! meets the four polynomials of the interval it is in, once all rows in that interval have been found, so that they share
//! the loads. Turning coefficients into polynomials costs as much as some hundred rows, and a gradient needs the basis
//! functions themselves: small blocks, training, and losses of small batches go the dense way. Both give the same values
//! within rounding.

use super::chunk::ROWS;
use super::plan::{Block, Plan, Step};
use super::scalar::Scalar;
use super::scratch::Scratch;
use super::simd;
use super::tile::{LANES, POWERS, Tile, is_wide};

/// Rows from which on polynomials are worth their making for one pass.
pub(super) const MANY_ROWS: usize = 512;

/// The polynomials of a plan's wide blocks.
#[derive(Clone, Debug)]
pub(super) struct Pieces<S> {
    /// For each step of the plan.
    steps: Vec<Option<BlockPieces<S>>>,
}

impl<S> Default for Pieces<S> {
    /// Of no block.
    fn default() -> Self {
        Self { steps: Vec::new() }
    }
}

impl<S: Scalar> Pieces<S> {
    /// Room for those of `plan`, if there are any.
    pub fn new(plan: &Plan<S>) -> Self {
        let pieces = |step: &Step<S>| match step {
            Step::Block(block) if is_wide(block) => Some(BlockPieces::new(block)),
            _ => None,
        };
        if simd::has_pieces() { Self { steps: plan.steps.iter().map(pieces).collect() } } else { Self::default() }
    }

    /// Computes the polynomials of `parameters`.
    pub fn set(&mut self, plan: &Plan<S>, parameters: &[S]) {
        for (pieces, step) in self.steps.iter_mut().zip(&plan.steps) {
            if let (Some(pieces), Step::Block(block)) = (pieces, step) {
                pieces.set(block, &parameters[block.parameters()]);
            }
        }
    }

    /// Those of step `step`.
    pub fn of(&self, step: usize) -> Option<&BlockPieces<S>> {
        self.steps.get(step)?.as_ref()
    }
}

/// A block's splines between any two knots, by powers of the distance to the lower one.
#[derive(Clone, Debug)]
pub(super) struct BlockPieces<S> {
    /// Tiles of targets.
    tiles: usize,
    intervals: usize,
    /// Which polynomials the active basis functions are, `[source, interval][power][active]`.
    basis: Vec<[[S; POWERS]; POWERS]>,
    /// `[source, interval, tile][power]`
    polynomials: Vec<[Tile<S>; POWERS]>,
    /// The base function's factors, `[source, tile]`.
    bases: Vec<Tile<S>>,
}

impl<S: Scalar> BlockPieces<S> {
    fn new(block: &Block<S>) -> Self {
        let (sources, tiles) = (block.sources.len(), block.targets.len().div_ceil(LANES));
        let intervals = block.basis + block.degree;
        let basis = block.knots.iter().flat_map(|table| {
            let knots: Vec<f64> = table.knots.iter().map(|knot| knot.to_f64()).collect();
            (0..intervals).map(move |interval| active_polynomials(&knots, table.degree, interval))
        });
        Self {
            tiles,
            intervals,
            basis: basis.collect(),
            polynomials: vec![[Tile::ZERO; POWERS]; sources * intervals * tiles],
            bases: vec![Tile::ZERO; sources * tiles],
        }
    }

    /// From `parameters` `[sources, features, targets]`.
    fn set(&mut self, block: &Block<S>, parameters: &[S]) {
        let targets = block.targets.len();
        let (features, degree) = (block.features(), block.degree);
        for (source, parameters) in parameters.chunks_exact(features * targets).enumerate() {
            let (splines, base) = parameters.split_at(block.basis * targets);
            for (tile, base) in self.bases[source * self.tiles..].iter_mut().zip(base.chunks(LANES)) {
                tile.0[..base.len()].copy_from_slice(base);
            }
            for interval in 0..self.intervals {
                let index = source * self.intervals + interval;
                let own = &mut self.polynomials[index * self.tiles..(index + 1) * self.tiles];
                own.fill([Tile::ZERO; POWERS]);
                for active in 0..=degree {
                    // Before the first and behind the last basis function there is none.
                    let Some(feature) = (interval + active).checked_sub(degree).filter(|it| *it < block.basis) else {
                        continue;
                    };
                    let coefficients = splines[feature * targets..(feature + 1) * targets].chunks(LANES);
                    for (own, coefficients) in own.iter_mut().zip(coefficients) {
                        for (own, powers) in own.iter_mut().zip(&self.basis[index]) {
                            for (sum, coefficient) in own.0.iter_mut().zip(coefficients) {
                                *sum += powers[active] * *coefficient;
                            }
                        }
                    }
                }
            }
        }
    }

    /// Computes the block for the chunk of rows in `scratch`.
    pub fn combine(&self, block: &Block<S>, scratch: &mut Scratch<S>) {
        let sums = &mut scratch.sums[..self.tiles];
        sums.fill([Tile::ZERO; ROWS]);
        let polynomials = self.polynomials.chunks_exact(self.intervals * self.tiles);
        let sources = block.sources.iter().zip(&block.knots);
        for ((source, table), (polynomials, bases)) in sources.zip(polynomials.zip(self.bases.chunks_exact(self.tiles)))
        {
            simd::add_pieces(&table.knots, block.base, &scratch.values[*source], polynomials, bases, sums);
        }
        for (targets, sums) in block.targets.chunks(LANES).zip(sums) {
            for (lane, target) in targets.iter().enumerate() {
                for (value, sums) in scratch.combined[*target].iter_mut().zip(&*sums) {
                    *value = if block.comes_first { sums.0[lane] } else { *value + sums.0[lane] };
                }
            }
        }
    }
}

/// Cox-de Boor on polynomials: of the basis functions that are not 0 between knot `interval` and the next one, the factors
/// of the powers of the distance to that knot, `[power][active]`.
fn active_polynomials<S: Scalar>(knots: &[f64], degree: usize, interval: usize) -> [[S; POWERS]; POWERS] {
    let knot = |index: isize| knots[index.clamp(0, knots.len() as isize - 1) as usize];
    let origin = knots[interval];
    let mut active = [[0.0; POWERS]; POWERS];
    active[0][0] = 1.0;
    for order in 1..=degree {
        let lower = std::mem::take(&mut active);
        for j in 0..=order {
            let first = interval as isize - order as isize + j as isize;
            let (low, high) = (knot(first), knot(first + order as isize + 1));
            let (left, right) = (knot(first + order as isize) - low, high - knot(first + 1));
            if j > 0 && left > 0.0 {
                add_product(&mut active[j], &lower[j - 1], (origin - low) / left, 1.0 / left);
            }
            if j < order && right > 0.0 {
                add_product(&mut active[j], &lower[j], (high - origin) / right, -1.0 / right);
            }
        }
    }
    std::array::from_fn(|power| std::array::from_fn(|j| S::from_f64(active[j][power])))
}

/// `sum += polynomial · (constant + slope · distance)`, by powers.
fn add_product(sum: &mut [f64; POWERS], polynomial: &[f64; POWERS], constant: f64, slope: f64) {
    for (power, factor) in polynomial.iter().enumerate() {
        sum[power] += constant * factor;
        if power + 1 < POWERS {
            sum[power + 1] += slope * factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::batch::fill_inputs;
    use crate::compute::forward::Detail;
    use crate::compute::tile::tiles;
    use crate::graph::{
        BaseFunction, Edge, EdgeFunction, Input, Node, NodeKind, SplineEdge, SymbolicEdge, UnivariateGraph,
    };
    use crate::spline::extend_knots;

    /// A spline that no other source has, on knots that are uneven and shorter than the data.
    fn spline(source: usize, target: usize, degree: usize, base: BaseFunction) -> EdgeFunction {
        let noise = |seed: usize| ((seed * 7919 + source * 104_729 + target * 1_299_709) % 2003) as f64 / 1001.5 - 1.0;
        let even: Vec<f64> = (0..=5).map(|index| f64::from(index) / 2.5 - 1.0).collect();
        let uneven = |knot: f64| 0.8 * (knot + 0.1 * (3.0 * knot + source as f64).sin());
        let knots: Vec<f64> = extend_knots(&even, degree).into_iter().map(uneven).collect();
        let coefficients = (0..5 + degree).map(|index| 0.3 * noise(index)).collect();
        EdgeFunction::Spline(SplineEdge { base, scale_base: 0.3 * noise(99), degree, knots, coefficients })
    }

    /// Appends `count` sums of curves of all `sources`.
    fn add_sums(
        graph: &mut UnivariateGraph,
        sources: &[usize],
        count: usize,
        curve: impl Fn(usize, usize) -> EdgeFunction,
    ) -> Vec<usize> {
        let first = graph.nodes.len();
        for target in first..first + count {
            graph.nodes.push(Node { kind: NodeKind::Sum, scale: 1.0, bias: 0.0 });
            let edge =
                |source: &usize| Edge { source: *source, target, function: curve(*source, target), importance: 0.0 };
            graph.edges.extend(sources.iter().map(edge));
        }
        (first..first + count).collect()
    }

    /// 3 inputs, 33 sums and a product of two more, 16 sums, 2 outputs.
    fn wide(degree: usize, base: BaseFunction) -> UnivariateGraph {
        let input = |index| Input { name: format!("x_{index}"), shift: 0.0, scale: 1.0 };
        let mut graph = UnivariateGraph {
            inputs: (0..3).map(input).collect(),
            nodes: vec![Node { kind: NodeKind::Input, scale: 1.0, bias: 0.0 }; 3],
            edges: Vec::new(),
            outputs: Vec::new(),
        };
        let curve = |source, target| spline(source, target, degree, base);
        let mut hidden = add_sums(&mut graph, &[0, 1, 2], 35, curve);
        let factors = hidden.split_off(33);
        let product = add_sums(&mut graph, &factors, 1, |_, _| EdgeFunction::Symbolic(SymbolicEdge::identity()));
        graph.nodes[product[0]].kind = NodeKind::Product;
        hidden.extend(product);
        let second = add_sums(&mut graph, &hidden, 16, curve);
        graph.outputs = add_sums(&mut graph, &second, 2, curve);
        graph
    }

    fn compare<S: Scalar>(tolerance: f64) {
        for (degree, base) in [(3, BaseFunction::Silu), (2, BaseFunction::Identity), (0, BaseFunction::Zero)] {
            let graph = wide(degree, base);
            let plan = Plan::<S>::new(&graph);
            let parameters: Vec<S> = plan.load(&graph).into_iter().map(S::from_f64).collect();
            let mut pieces = Pieces::new(&plan);
            pieces.set(&plan, &parameters);
            assert!(tiles(&plan) == 3 && (!simd::has_pieces() || pieces.of(0).is_some()));
            let mut inputs: Vec<f64> = (0..3 * ROWS).map(|i| ((i * 7919) % 10_007) as f64 / 4000.0 - 1.25).collect();
            inputs[0] = f64::NAN;
            let outputs = |detail: Detail<'_, S>| {
                let mut scratch = Scratch::new(&plan, false);
                fill_inputs(&plan.inputs, &inputs, &mut scratch.values[..3]);
                plan.forward(&parameters, detail, &mut scratch, ROWS);
                plan.outputs.iter().flat_map(|output| scratch.values[*output]).map(S::to_f64).collect::<Vec<_>>()
            };
            let (polynomials, dense) = (outputs(Detail::Values(&pieces)), outputs(Detail::Features));
            for (a, b) in polynomials.iter().zip(&dense) {
                let near = (a - b).abs() <= tolerance * (1.0 + b.abs()) || a.is_nan() && b.is_nan();
                assert!(near, "degree {degree}: {a:e} and {b:e}");
            }
        }
    }

    #[test]
    fn polynomials_agree_with_basis_functions_within_rounding() {
        compare::<f64>(1e-12);
        compare::<f32>(1e-4);
    }
}
