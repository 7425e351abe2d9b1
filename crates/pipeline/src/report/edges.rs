//! Every edge's named function over the spline that it replaced.

use super::html::{escape, number};
use super::plot::curve;
use kanrl_core::dataset::Dataset;
use kanrl_core::graph::{Edge, EdgeFunction, NodeKind, UnivariateGraph};
use kanrl_symbolic::export::mathml_symbol;

/// Rows that curves are compared on.
const ROWS: usize = 1000;
/// Dots of a spline.
const DOTS: usize = 60;
/// Points of a function's curve.
const POINTS: usize = 80;

/// A small picture of each edge. Naming fits all constants together, so a function is compared with its spline up to an
/// affine map: r² is the squared correlation of the two over the dataset.
pub(super) fn part(splines: Option<&UnivariateGraph>, network: &UnivariateGraph, data: &Dataset) -> String {
    let rows = spread_rows(&data.observations, network.inputs.len());
    let values = network.node_values(&rows);
    let before = splines.map(|graph| Before::new(graph, network, &rows, &values));
    let names = node_names(network, &data.output_names);
    let mut order: Vec<&Edge> = network.edges.iter().collect();
    order.sort_by(|first, second| second.importance.total_cmp(&first.importance));
    let cards = order.into_iter().map(|edge| {
        let x = &values[edge.source];
        let y: Vec<f64> = x.iter().map(|x| edge.value(*x)).collect();
        let fit = before.as_ref().and_then(|before| before.fit(edge, &y));
        // Inputs are shown in the environment's own units.
        let unit = network.inputs.get(edge.source).map_or((1.0, 0.0), |input| (input.scale, input.shift));
        let shown = |x: f64| x / unit.0 + unit.1;
        let (low, high) =
            x.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(*x), high.max(*x)));
        let at = |index: usize| low + (high - low) * index as f64 / (POINTS - 1) as f64;
        let line: Vec<(f64, f64)> = (0..POINTS).map(|index| (shown(at(index)), edge.value(at(index)))).collect();
        let dots: Vec<(f64, f64)> = fit
            .iter()
            .flat_map(|fit| spread_dots(x, &fit.aligned, low, high))
            .map(|(x, y)| (shown(x), y))
            .collect();
        let (function, constants) = describe(&edge.function);
        let quality = fit.map_or_else(String::new, |fit| format!("r² {:.4}<br>", fit.r_squared));
        let (source, target) = (&names[edge.source], &names[edge.target]);
        format!(
            "<figure>{}<figcaption><b>{} → {}</b>: {}<br>{quality}<small>{constants}<br>importance {}</small></figcaption></figure>\n",
            curve(&line, &dots, &format!("{source} to {target}: {function}")),
            symbol(source),
            symbol(target),
            escape(&function),
            number(edge.importance),
        )
    });
    let cards: String = cards.collect();
    let about = if before.is_some() {
        "Line: the named function. Dots: the spline that it replaced, up to a factor and a shift, in the expert's states. \
         r² is their squared correlation."
    } else {
        "The named functions over the range of the expert's states."
    };
    format!(
        "<p>{about} Importance is the edge's share of the outputs' variation; the most important edge comes first.</p>\n<div class=\"edges\">{cards}</div>"
    )
}

/// For each edge of a named network, the r² that its card shows: of its function with the spline that it replaced, brought as close
/// as a factor and a shift can, in the expert's states.
pub fn edge_fits(splines: &UnivariateGraph, network: &UnivariateGraph, data: &Dataset) -> Vec<Option<f64>> {
    let rows = spread_rows(&data.observations, network.inputs.len());
    let values = network.node_values(&rows);
    let before = Before::new(splines, network, &rows, &values);
    let fit = |edge: &Edge| {
        let y: Vec<f64> = values[edge.source].iter().map(|x| edge.value(*x)).collect();
        before.fit(edge, &y).map(|fit| fit.r_squared)
    };
    network.edges.iter().map(fit).collect()
}

/// At most one dot for each [`DOTS`]th of the range, so that rare states show as well as common ones.
fn spread_dots(x: &[f64], y: &[f64], low: f64, high: f64) -> Vec<(f64, f64)> {
    let mut dots: Vec<Option<(f64, f64)>> = vec![None; DOTS];
    for (x, y) in x.iter().zip(y) {
        let place = ((x - low) / (high - low) * DOTS as f64) as usize;
        dots[place.min(DOTS - 1)].get_or_insert((*x, *y));
    }
    dots.into_iter().flatten().collect()
}

/// A node's name as it stands in the formula.
fn symbol(name: &str) -> String {
    if name.contains(' ') { escape(name) } else { format!("<math>{}</math>", mathml_symbol(name)) }
}

fn describe(function: &EdgeFunction) -> (String, String) {
    match function {
        EdgeFunction::Spline(spline) => ("spline".to_owned(), format!("{} coefficients", spline.coefficients.len())),
        EdgeFunction::Symbolic(edge) => {
            if function.name().is_none() {
                return ("curve".to_owned(), "no name fits it".to_owned());
            }
            let [a, b, c, d] = [edge.a, edge.b, edge.c, edge.d].map(number);
            (edge.function.name().to_owned(), format!("c·f(a·x + b) + d with a {a}, b {b}, c {c}, d {d}"))
        }
    }
}

/// Inputs by their names, outputs by theirs, hidden nodes by a number.
fn node_names(network: &UnivariateGraph, outputs: &[String]) -> Vec<String> {
    let mut hidden = 0;
    let name = |(index, node): (usize, &kanrl_core::graph::Node)| match network.inputs.get(index) {
        Some(input) => input.name.clone(),
        None => match network.outputs.iter().position(|output| *output == index) {
            Some(output) => outputs.get(output).cloned().unwrap_or_else(|| format!("output {output}")),
            None => {
                hidden += 1;
                let kind = if node.kind == NodeKind::Product { "product" } else { "hidden" };
                format!("{kind} {hidden}")
            }
        },
    };
    network.nodes.iter().enumerate().map(name).collect()
}

fn spread_rows(observations: &[f64], inputs: usize) -> Vec<f64> {
    let step = (observations.len() / inputs).div_ceil(ROWS).max(1);
    observations.chunks_exact(inputs).step_by(step).flatten().copied().collect()
}

/// The network before its edges were named, and which of its nodes the later ones are.
struct Before<'a> {
    graph: &'a UnivariateGraph,
    values: Vec<Vec<f64>>,
    counterpart: Vec<Option<usize>>,
}

/// A spline brought as close to its function as a factor and a shift can.
struct Fit {
    aligned: Vec<f64>,
    r_squared: f64,
}

impl<'a> Before<'a> {
    /// Inputs and outputs are known by their places; a hidden node is the one whose value follows its own most closely,
    /// since naming drops and renumbers nodes but keeps what they stand for.
    fn new(graph: &'a UnivariateGraph, network: &UnivariateGraph, rows: &[f64], later: &[Vec<f64>]) -> Self {
        let values = graph.node_values(rows);
        let mut counterpart: Vec<Option<usize>> = (0..network.inputs.len()).map(Some).collect();
        counterpart.resize(network.nodes.len(), None);
        for (output, earlier) in network.outputs.iter().zip(&graph.outputs) {
            counterpart[*output] = Some(*earlier);
        }
        for node in network.inputs.len()..network.nodes.len() {
            if counterpart[node].is_some() {
                continue;
            }
            let free = |candidate: &usize| !counterpart.contains(&Some(*candidate));
            let same_kind = |candidate: &usize| graph.nodes[*candidate].kind == network.nodes[node].kind;
            let closeness = |candidate: &usize| {
                Regression::of(&values[*candidate], &later[node]).map_or(0.0, |regression| regression.r_squared)
            };
            counterpart[node] = (graph.inputs.len()..graph.nodes.len())
                .filter(|candidate| free(candidate) && same_kind(candidate))
                .max_by(|first, second| closeness(first).total_cmp(&closeness(second)));
        }
        Self { graph, values, counterpart }
    }

    fn fit(&self, edge: &Edge, y: &[f64]) -> Option<Fit> {
        let (source, target) = (self.counterpart[edge.source]?, self.counterpart[edge.target]?);
        let earlier = &self.graph.edges[self.graph.edge_between(source, target)?];
        let spline: Vec<f64> = self.values[source].iter().map(|x| earlier.value(*x)).collect();
        let regression = Regression::of(&spline, y)?;
        let aligned = spline.iter().map(|value| regression.slope * value + regression.intercept).collect();
        Some(Fit { aligned, r_squared: regression.r_squared })
    }
}

/// Least squares of y on x.
struct Regression {
    slope: f64,
    intercept: f64,
    r_squared: f64,
}

impl Regression {
    /// `None` where either does not vary.
    fn of(x: &[f64], y: &[f64]) -> Option<Self> {
        let n = x.len() as f64;
        let (x_mean, y_mean) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
        let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
        for (x, y) in x.iter().zip(y) {
            let (x, y) = (x - x_mean, y - y_mean);
            (xx, xy, yy) = (xx + x * x, xy + x * y, yy + y * y);
        }
        if !(xx > 0.0 && yy > 0.0) {
            return None;
        }
        let slope = xy / xx;
        Some(Self { slope, intercept: y_mean - slope * x_mean, r_squared: xy * xy / (xx * yy) })
    }
}

#[cfg(test)]
mod tests {
    use super::Regression;

    #[test]
    fn a_line_is_found_again() {
        let x: Vec<f64> = (0..20).map(f64::from).collect();
        let y: Vec<f64> = x.iter().map(|x| 3.0 - 2.0 * x).collect();
        let regression = Regression::of(&x, &y).unwrap();
        assert!((regression.slope + 2.0).abs() < 1e-12 && (regression.intercept - 3.0).abs() < 1e-12);
        assert!((regression.r_squared - 1.0).abs() < 1e-12);
        assert!(Regression::of(&[1.0, 1.0], &[1.0, 2.0]).is_none());
    }
}
