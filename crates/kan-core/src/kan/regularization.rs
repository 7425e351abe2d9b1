//! pykan's regularization: keeps few edges strong and the others weak.

use super::network::{Layer, LayerNodes, Layout, Network, Origin};
use crate::compute::{DeviationPenalty, Moment, Moments, Pull};
use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

/// Which strength of the edges is kept small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegularizationMetric {
    /// Deviation of what the spline (with the base function) gives, over that of its input plus 0.1. pykan's
    /// `edge_forward_spline_n`.
    #[default]
    EdgeForwardSplineN,
    /// Deviation of what the edge gives. pykan's `edge_forward_spline_u`.
    EdgeForwardSplineU,
    /// As the first one, named functions included. pykan's `edge_forward_sum`; there, as here, the gradient does not
    /// see it, so that it only measures.
    EdgeForwardSum,
    /// Attribution scores of the edges. pykan's `edge_backward`.
    EdgeBackward,
    /// How much of each node's attribution comes from each input. pykan's `node_backward`.
    NodeBackward,
}

/// What is added to the loss: `lambda` times the sum over layers of `l1 · Σ v + entropy · (H of the rows + H of the
/// columns)`, with v the strengths by target and source, and of the coefficients' sizes and differences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Regularization {
    /// Which strength.
    pub metric: RegularizationMetric,
    /// Factor of the sum of strengths; pykan's default is 1.
    pub l1: f64,
    /// Factor of the entropies; pykan's default is 2.
    pub entropy: f64,
    /// Factor of the coefficients' sizes (sum over inputs and basis functions of the mean over targets).
    pub coefficients: f64,
    /// Factor of the sizes of neighboring coefficients' differences.
    pub coefficient_differences: f64,
}

impl Default for Regularization {
    fn default() -> Self {
        let metric = RegularizationMetric::default();
        Self { metric, l1: 1.0, entropy: 2.0, coefficients: 0.0, coefficient_differences: 0.0 }
    }
}

/// Deviations of one layer, and derivatives by them.
struct Scales {
    /// What each edge gives, `[subnodes, inputs]`.
    edges: DMatrix<f64>,
    /// The same, 0 for named functions.
    splines: DMatrix<f64>,
    inputs: DVector<f64>,
    /// What each subnode sums up, before its affine.
    subnodes: DVector<f64>,
}

impl Regularization {
    /// The strengths' part: its value, and what its gradient needs of each row, times `factor`.
    ///
    /// `moments` are those of the network's graph.
    pub(super) fn of_strengths(
        &self,
        network: &Network,
        layout: &Layout,
        moments: &Moments,
        rows: usize,
        factor: f64,
    ) -> (f64, DeviationPenalty) {
        let scales = gather(network, layout, moments);
        let mut back: Vec<Scales> = scales.iter().map(Scales::zeros).collect();
        let value = match self.metric {
            RegularizationMetric::EdgeForwardSplineU => {
                scales.iter().zip(&mut back).map(|(scales, back)| self.penalty(&scales.edges, &mut back.edges)).sum()
            }
            RegularizationMetric::EdgeForwardSplineN => scales
                .iter()
                .zip(&mut back)
                .map(|(scales, back)| {
                    let ranges = scales.inputs.add_scalar(0.1);
                    let strengths = over_columns(&scales.splines, &ranges);
                    let mut outer = DMatrix::zeros(strengths.nrows(), strengths.ncols());
                    let value = self.penalty(&strengths, &mut outer);
                    back.splines = over_columns(&outer, &ranges);
                    for (input, range) in ranges.iter().enumerate() {
                        back.inputs[input] = -outer.column(input).dot(&strengths.column(input)) / range;
                    }
                    value
                })
                .sum(),
            RegularizationMetric::EdgeForwardSum => scales
                .iter()
                .map(|scales| {
                    let strengths = over_columns(&scales.edges, &scales.inputs.add_scalar(0.1));
                    self.penalty(&strengths, &mut DMatrix::zeros(strengths.nrows(), strengths.ncols()))
                })
                .sum(),
            RegularizationMetric::EdgeBackward => self.edge_backward(network, &scales, &mut back),
            RegularizationMetric::NodeBackward => self.node_backward(network, &scales, &mut back),
        };
        (value, scatter(network, layout, &back, moments, rows, factor))
    }

    /// The coefficients' part: its value; adds its gradient, times `factor`, to `derivatives`.
    pub(super) fn of_coefficients(&self, network: &Network, factor: f64, derivatives: &mut Network) -> f64 {
        if self.coefficients == 0.0 && self.coefficient_differences == 0.0 {
            return 0.0;
        }
        let mut value = 0.0;
        for (layer, derivatives) in network.layers.iter().zip(&mut derivatives.layers) {
            let share = 1.0 / layer.subnodes() as f64;
            let curves = layer.coefficients.chunks_exact(layer.basis());
            for (curve, back) in curves.zip(derivatives.coefficients.chunks_exact_mut(layer.basis())) {
                for (coefficient, back) in curve.iter().zip(back.iter_mut()) {
                    value += self.coefficients * share * coefficient.abs();
                    *back += factor * self.coefficients * share * sign(*coefficient);
                }
                for index in 1..curve.len() {
                    let difference = curve[index] - curve[index - 1];
                    value += self.coefficient_differences * share * difference.abs();
                    let slope = factor * self.coefficient_differences * share * sign(difference);
                    back[index] += slope;
                    back[index - 1] -= slope;
                }
            }
        }
        value
    }

    /// `l1 · Σ v + entropy · (mean entropy of the rows + mean entropy of the columns)`; writes its derivatives.
    fn penalty(&self, strengths: &DMatrix<f64>, back: &mut DMatrix<f64>) -> f64 {
        back.fill(self.l1);
        let mut value = self.l1 * strengths.sum();
        let (rows, columns) = strengths.shape();
        for row in 0..rows {
            let vector: Vec<f64> = strengths.row(row).iter().copied().collect();
            let (entropy, derivatives) = entropy(&vector);
            value += self.entropy * entropy / rows as f64;
            for (column, derivative) in derivatives.into_iter().enumerate() {
                back[(row, column)] += self.entropy * derivative / rows as f64;
            }
        }
        for column in 0..columns {
            let (entropy, derivatives) = entropy(strengths.column(column).as_slice());
            value += self.entropy * entropy / columns as f64;
            for (row, derivative) in derivatives.into_iter().enumerate() {
                back[(row, column)] += self.entropy * derivative / columns as f64;
            }
        }
        value
    }

    fn edge_backward(&self, network: &Network, scales: &[Scales], back: &mut [Scales]) -> f64 {
        let transfers = transfers(network, scales);
        let scores = node_scores(&transfers);
        let mut value = 0.0;
        // Derivatives by the scores of the layer's inputs, starting at the network's inputs.
        let mut by_inputs = DVector::<f64>::zeros(network.inputs());
        for (index, layer) in network.layers.iter().enumerate() {
            let shares = subnode_shares(&scales[index]);
            let score: Vec<f64> = (0..layer.subnodes())
                .map(|subnode| scores[index + 1][node_of(layer, subnode)] * shares[subnode])
                .collect();
            let mut edges = scales[index].edges.clone();
            edges.row_iter_mut().zip(&score).for_each(|(mut row, score)| row *= *score);
            let mut outer = DMatrix::zeros(edges.nrows(), edges.ncols());
            value += self.penalty(&edges, &mut outer);
            let mut by_nodes = DVector::zeros(layer.nodes());
            for subnode in 0..layer.subnodes() {
                for input in 0..layer.inputs {
                    let outer = outer[(subnode, input)] + by_inputs[input];
                    back[index].edges[(subnode, input)] = outer * score[subnode];
                    by_nodes[node_of(layer, subnode)] +=
                        outer * scales[index].edges[(subnode, input)] * shares[subnode];
                }
            }
            by_inputs = by_nodes;
        }
        value
    }

    fn node_backward(&self, network: &Network, scales: &[Scales], back: &mut [Scales]) -> f64 {
        let transfers = transfers(network, scales);
        let scores = node_scores(&transfers);
        let depth = transfers.len();
        // From the network's inputs to each layer's nodes.
        let mut from_inputs = vec![DMatrix::identity(network.inputs(), network.inputs())];
        for transfer in &transfers {
            from_inputs.push(transfer * &from_inputs[from_inputs.len() - 1]);
        }
        let mut value = 0.0;
        let mut by_paths: Vec<DMatrix<f64>> =
            from_inputs.iter().map(|paths| DMatrix::zeros(paths.nrows(), paths.ncols())).collect();
        let mut by_scores: Vec<DVector<f64>> = scores.iter().map(|scores| DVector::zeros(scores.len())).collect();
        for layer in 1..=depth {
            let paths = &from_inputs[layer];
            let strengths = DMatrix::from_fn(paths.nrows(), paths.ncols(), |i, j| scores[layer][i] * paths[(i, j)]);
            let mut outer = DMatrix::zeros(paths.nrows(), paths.ncols());
            value += self.penalty(&strengths, &mut outer);
            for i in 0..paths.nrows() {
                by_scores[layer][i] = outer.row(i).dot(&paths.row(i));
                by_paths[layer].row_mut(i).copy_from(&(outer.row(i) * scores[layer][i]));
            }
        }
        let mut by_transfers: Vec<DMatrix<f64>> =
            transfers.iter().map(|transfer| DMatrix::zeros(transfer.nrows(), transfer.ncols())).collect();
        for layer in (1..=depth).rev() {
            by_transfers[layer - 1] += &by_paths[layer] * from_inputs[layer - 1].transpose();
            let below = transfers[layer - 1].transpose() * &by_paths[layer];
            by_paths[layer - 1] += below;
        }
        for layer in 1..=depth {
            by_transfers[layer - 1] += &scores[layer] * by_scores[layer - 1].transpose();
            let above = &transfers[layer - 1] * &by_scores[layer - 1];
            by_scores[layer] += above;
        }
        for (index, layer) in network.layers.iter().enumerate() {
            let shares = subnode_shares(&scales[index]);
            for subnode in 0..layer.subnodes() {
                let row = by_transfers[index].row(node_of(layer, subnode)) * shares[subnode];
                back[index].edges.row_mut(subnode).copy_from(&row);
            }
        }
        value
    }
}

impl Scales {
    fn zeros(&self) -> Self {
        let matrix = || DMatrix::zeros(self.edges.nrows(), self.edges.ncols());
        Self {
            edges: matrix(),
            splines: matrix(),
            inputs: DVector::zeros(self.inputs.len()),
            subnodes: DVector::zeros(self.subnodes.len()),
        }
    }
}

/// `−Σ p log₂(p + 10⁻⁴)` with `p = v / (Σ v + 1)`, and its derivatives by v.
fn entropy(strengths: &[f64]) -> (f64, Vec<f64>) {
    let total = strengths.iter().sum::<f64>() + 1.0;
    let shares: Vec<f64> = strengths.iter().map(|value| value / total).collect();
    let entropy = -shares.iter().map(|share| share * (share + 1e-4).log2()).sum::<f64>();
    let by_share = |share: &f64| -(share + 1e-4).log2() - share / ((share + 1e-4) * std::f64::consts::LN_2);
    let by_shares: Vec<f64> = shares.iter().map(by_share).collect();
    let mean: f64 = by_shares.iter().zip(&shares).map(|(by_share, share)| by_share * share).sum();
    (entropy, by_shares.into_iter().map(|by_share| (by_share - mean) / total).collect())
}

fn sign(value: f64) -> f64 {
    if value == 0.0 { 0.0 } else { value.signum() }
}

/// Divides each column by its own number.
fn over_columns(matrix: &DMatrix<f64>, divisors: &DVector<f64>) -> DMatrix<f64> {
    DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |row, column| matrix[(row, column)] / divisors[column])
}

/// The node that a subnode is, or is a factor of.
fn node_of(layer: &Layer, subnode: usize) -> usize {
    let mut first = layer.sums;
    for (product, factors) in layer.products.iter().enumerate() {
        if subnode < first {
            break;
        }
        if subnode < first + factors {
            return layer.sums + product;
        }
        first += factors;
    }
    subnode
}

fn subnode_shares(scales: &Scales) -> DVector<f64> {
    scales.subnodes.map(|deviation| 1.0 / (deviation + 1e-4))
}

/// How much of each node's score each input of its layer gets.
fn transfers(network: &Network, scales: &[Scales]) -> Vec<DMatrix<f64>> {
    let transfer = |(layer, scales): (&Layer, &Scales)| {
        let shares = subnode_shares(scales);
        let mut transfer = DMatrix::zeros(layer.nodes(), layer.inputs);
        for subnode in 0..layer.subnodes() {
            for input in 0..layer.inputs {
                transfer[(node_of(layer, subnode), input)] += scales.edges[(subnode, input)] * shares[subnode];
            }
        }
        transfer
    };
    network.layers.iter().zip(scales).map(transfer).collect()
}

/// Attribution scores of the inputs and of each layer's nodes.
fn node_scores(transfers: &[DMatrix<f64>]) -> Vec<DVector<f64>> {
    let outputs = transfers[transfers.len() - 1].nrows();
    let mut scores = vec![DVector::from_element(outputs, 1.0 / outputs as f64)];
    for transfer in transfers.iter().rev() {
        scores.push(transfer.tr_mul(&scores[scores.len() - 1]));
    }
    scores.reverse();
    scores
}

fn gather(network: &Network, layout: &Layout, moments: &Moments) -> Vec<Scales> {
    let deviations = |nodes: &[usize], of: &[Moment]| {
        DVector::from_iterator(nodes.len(), nodes.iter().map(|node| of[*node].deviation))
    };
    let scales = |(layer, places): (&Layer, &LayerNodes)| Scales {
        edges: DMatrix::zeros(layer.subnodes(), layer.inputs),
        splines: DMatrix::zeros(layer.subnodes(), layer.inputs),
        inputs: deviations(&places.inputs, &moments.values),
        subnodes: deviations(&places.subnodes, &moments.combined),
    };
    let mut scales: Vec<Scales> = network.layers.iter().zip(&layout.layers).map(scales).collect();
    for (moment, origin) in moments.edges.iter().zip(&layout.origins) {
        let Some((layer, input, subnode)) = *origin else { continue };
        scales[layer].edges[(subnode, input)] = moment.deviation;
        if network.layers[layer].symbolic_of(input, subnode).is_none() {
            scales[layer].splines[(subnode, input)] = moment.deviation;
        }
    }
    scales
}

fn scatter(
    network: &Network,
    layout: &Layout,
    back: &[Scales],
    moments: &Moments,
    rows: usize,
    factor: f64,
) -> DeviationPenalty {
    let edge = |(origin, moment): (&Origin, &Moment)| {
        let Some((layer, input, subnode)) = *origin else { return Pull::default() };
        let mut derivative = back[layer].edges[(subnode, input)];
        if network.layers[layer].symbolic_of(input, subnode).is_none() {
            derivative += back[layer].splines[(subnode, input)];
        }
        Pull::new(factor * derivative, *moment, rows)
    };
    let mut values = vec![Pull::default(); moments.values.len()];
    for (places, back) in layout.layers.iter().zip(back) {
        for (node, derivative) in places.inputs.iter().zip(back.inputs.iter()) {
            values[*node] = Pull::new(factor * derivative, moments.values[*node], rows);
        }
    }
    DeviationPenalty { edges: layout.origins.iter().zip(&moments.edges).map(edge).collect(), values }
}
