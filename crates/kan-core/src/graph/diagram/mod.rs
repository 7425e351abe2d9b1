//! The picture of a graph: inputs at the bottom, outputs at the top, the curve of every edge in a box.
//!
//! An edge is the darker the more it matters ([`Edge::importance`](super::Edge::importance)); named functions are drawn
//! in another color, with their name where it fits; a title has it in any case. The text asks for the font `DejaVu Sans` before any other.

#[cfg(feature = "png")]
mod png;

#[cfg(feature = "png")]
pub use png::{PngError, png};

use super::{EdgeFunction, NodeKind, UnivariateGraph};
use crate::function::SampledCurve;
use std::fmt::Write;

const BOX: f64 = 44.0;
const PITCH: f64 = 60.0;
const WIDEST_PITCH: f64 = 130.0;
const GAP: f64 = 170.0;
const MARGIN: f64 = 40.0;
const POINTS: usize = 60;
/// Smallest font that can be read.
const SMALLEST_FONT: f64 = 8.0;
const SPLINE_COLOR: &str = "#1f2937";
const SYMBOLIC_COLOR: &str = "#b91c1c";

/// The diagram as an SVG document.
///
/// Curves are drawn over what each edge sees on `inputs` `[rows, inputs]`, in the inputs' own units; `output_names` stand
/// at the outputs, in order.
///
/// # Panics
/// If the lengths do not fit or there is no row.
pub fn svg(graph: &UnivariateGraph, inputs: &[f64], output_names: &[String]) -> String {
    assert!(!inputs.is_empty(), "the curves' ranges need samples");
    assert_eq!(output_names.len(), graph.outputs.len(), "another number of outputs");
    let layout = Layout::new(graph);
    let curves = graph.sampled_curves(inputs);
    let mut svg = String::new();
    let (width, height) = (layout.width, layout.height);
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"DejaVu Sans, Verdana, sans-serif\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"
    );
    // The strongest edge is fully dark, whatever the scale of the scores.
    let strongest = graph.edges.iter().map(|edge| edge.importance).fold(0.0, f64::max);
    for (index, (edge, curve)) in graph.edges.iter().zip(&curves).enumerate() {
        let share = if strongest > 0.0 { edge.importance / strongest } else { 1.0 };
        let opacity = 0.12 + 0.88 * (3.0 * share).tanh() / 3f64.tanh();
        draw_edge(&mut svg, graph, &layout, index, curve, opacity);
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        draw_node(&mut svg, node.kind, layout.nodes[index]);
    }
    for (input, (x, y)) in graph.inputs.iter().zip(&layout.nodes) {
        draw_name(&mut svg, &input.name, *x, y + 28.0, layout.name_room);
    }
    let room = layout.room_between(&graph.outputs);
    for (name, output) in output_names.iter().zip(&graph.outputs) {
        let (x, y) = layout.nodes[*output];
        draw_name(&mut svg, name, x, y - 16.0, room);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Where everything stands.
struct Layout {
    width: f64,
    height: f64,
    nodes: Vec<(f64, f64)>,
    /// Center of each edge's box; `None` for an edge that only passes its input on to a product.
    boxes: Vec<Option<(f64, f64)>>,
    /// Room for an input's name.
    name_room: f64,
}

impl Layout {
    fn new(graph: &UnivariateGraph) -> Self {
        let levels = levels(graph);
        let top = levels.iter().copied().max().unwrap_or(0);
        // In each gap, one slot for each box, in the order of the sources, and one for a source without any.
        let slots: Vec<Vec<(usize, Option<usize>)>> = (0..top).map(|level| slots(graph, &levels, level)).collect();
        let count = |level: usize| levels.iter().filter(|own| **own == level).count();
        let widest = slots.iter().map(Vec::len).max().unwrap_or(1) as f64 * PITCH;
        let names = count(0) as f64 * 84.0;
        let inner = widest.max(names).max((0..=top).map(count).max().unwrap_or(1) as f64 * 100.0).max(240.0);
        let width = inner + 2.0 * MARGIN;
        let height = 2.0 * MARGIN + 20.0 + top as f64 * GAP;
        let y = |level: usize| height - MARGIN - 15.0 - level as f64 * GAP;
        let spread = |index: usize, count: usize, widest: f64| {
            let pitch = (inner / count as f64).min(widest);
            width / 2.0 + (index as f64 - (count as f64 - 1.0) / 2.0) * pitch
        };
        let mut nodes = vec![(0.0, 0.0); graph.nodes.len()];
        for level in 0..=top {
            let own: Vec<usize> = (0..graph.nodes.len()).filter(|node| levels[*node] == level).collect();
            for (index, node) in own.iter().enumerate() {
                nodes[*node] = (spread(index, own.len(), 260.0), y(level));
            }
        }
        let mut boxes = vec![None; graph.edges.len()];
        for (level, slots) in slots.iter().enumerate() {
            let widest = if level == 0 { f64::INFINITY } else { WIDEST_PITCH };
            for (index, (_, edge)) in slots.iter().enumerate() {
                if let Some(edge) = edge {
                    boxes[*edge] = Some((spread(index, slots.len(), widest), y(level) - GAP * 0.46));
                }
            }
            if level == 0 {
                // Inputs stand below the middle of their boxes.
                for (node, place) in nodes[..graph.inputs.len()].iter_mut().enumerate() {
                    let own = || slots.iter().enumerate().filter(|(_, (source, _))| *source == node);
                    let sum: f64 = own().map(|(index, _)| spread(index, slots.len(), widest)).sum();
                    place.0 = sum / own().count() as f64;
                }
            }
        }
        Self { width, height, nodes, boxes, name_room: inner / count(0) as f64 }
    }

    /// Smallest distance of neighbors among some nodes.
    fn room_between(&self, nodes: &[usize]) -> f64 {
        let mut x: Vec<f64> = nodes.iter().map(|node| self.nodes[*node].0).collect();
        x.sort_by(f64::total_cmp);
        x.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap > 0.0).fold(260.0, f64::min)
    }

    /// Distance of a box to its nearest neighbor in the same row.
    fn room_of_box(&self, (x, y): (f64, f64)) -> f64 {
        let row = self.boxes.iter().flatten().filter(|other| other.1 == y);
        row.map(|other| (other.0 - x).abs()).filter(|gap| *gap > 0.0).fold(self.width / 2.0, f64::min)
    }
}

/// The row that each node stands in: inputs 0, outputs the highest.
fn levels(graph: &UnivariateGraph) -> Vec<usize> {
    let mut levels = vec![0; graph.nodes.len()];
    for edge in &graph.edges {
        levels[edge.target] = levels[edge.target].max(levels[edge.source] + 1);
    }
    let top = levels.iter().copied().max().unwrap_or(0);
    graph.outputs.iter().filter(|output| **output >= graph.inputs.len()).for_each(|output| levels[*output] = top);
    levels
}

fn passes_on(graph: &UnivariateGraph, edge: usize) -> bool {
    let edge = &graph.edges[edge];
    let plain = matches!(&edge.function, EdgeFunction::Symbolic(symbolic) if symbolic.function.name() == "x");
    plain && graph.nodes[edge.target].kind == NodeKind::Product
}

fn slots(graph: &UnivariateGraph, levels: &[usize], level: usize) -> Vec<(usize, Option<usize>)> {
    let mut slots = Vec::new();
    for source in (0..graph.nodes.len()).filter(|node| levels[*node] == level) {
        let before = slots.len();
        let own = |(index, edge): &(usize, &super::Edge)| edge.source == source && !passes_on(graph, *index);
        slots.extend(graph.edges.iter().enumerate().filter(own).map(|(index, _)| (source, Some(index))));
        if slots.len() == before {
            slots.push((source, None));
        }
    }
    slots
}

fn draw_edge(
    svg: &mut String,
    graph: &UnivariateGraph,
    layout: &Layout,
    index: usize,
    curve: &SampledCurve,
    opacity: f64,
) {
    let edge = &graph.edges[index];
    let ((x1, y1), (x2, y2)) = (layout.nodes[edge.source], layout.nodes[edge.target]);
    let line = |svg: &mut String, x1: f64, y1: f64, x2: f64, y2: f64, color: &str| {
        let _ = writeln!(
            svg,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{color}\" stroke-width=\"1.6\"/>"
        );
    };
    let _ = writeln!(svg, "<g opacity=\"{opacity:.3}\">");
    let name = edge.function.name();
    if let Some(name) = name {
        let _ = writeln!(svg, "<title>{}</title>", escape(name));
    }
    let Some((x, y)) = layout.boxes[index] else {
        line(svg, x1, y1, x2, y2, SPLINE_COLOR);
        svg.push_str("</g>\n");
        return;
    };
    let color = if name.is_some() { SYMBOLIC_COLOR } else { SPLINE_COLOR };
    let half = BOX / 2.0;
    line(svg, x1, y1, x, y + half, color);
    line(svg, x, y - half, x2, y2, color);
    let _ = writeln!(
        svg,
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{BOX}\" height=\"{BOX}\" rx=\"3\" fill=\"#ffffff\" stroke=\"{color}\" \
         stroke-width=\"1.2\"/>",
        x - half,
        y - half
    );
    let points = curve_points(&edge.function, curve, x, y, half - 5.0);
    let _ = writeln!(svg, "<polyline points=\"{points}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>");
    svg.push_str("</g>\n");
    let size = |name: &str| font_size(name, layout.room_of_box((x, y))).min(12.0);
    if let Some(name) = name.filter(|name| size(name) >= SMALLEST_FONT) {
        // A white rim keeps the name readable where lines cross it.
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{:.1}\" font-size=\"{:.1}\" text-anchor=\"middle\" fill=\"{color}\" stroke=\"#ffffff\" \
             stroke-width=\"3\" paint-order=\"stroke\">{}</text>",
            y - half - 5.0,
            size(name),
            escape(name)
        );
    }
}

/// The curve over the range that it was sampled on, scaled into its box.
fn curve_points(function: &EdgeFunction, curve: &SampledCurve, x: f64, y: f64, half: f64) -> String {
    let range = |values: &[f64]| {
        values
            .iter()
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)))
    };
    let (low, high) = range(&curve.x);
    let at = |index: usize| low + (high - low) * index as f64 / (POINTS - 1) as f64;
    let values: Vec<f64> = (0..POINTS).map(|index| function.value(at(index))).collect();
    let (bottom, top) = range(&values);
    let flat = top - bottom <= 1e-9 * bottom.abs().max(top.abs());
    let mut points = String::new();
    for (index, value) in values.iter().enumerate().filter(|(_, value)| value.is_finite()) {
        let across = x - half + 2.0 * half * index as f64 / (POINTS - 1) as f64;
        let up = if flat { y } else { y + half - 2.0 * half * (value - bottom) / (top - bottom) };
        let _ = write!(points, "{across:.1},{up:.1} ");
    }
    points.truncate(points.trim_end().len());
    points
}

fn draw_node(svg: &mut String, kind: NodeKind, (x, y): (f64, f64)) {
    if kind == NodeKind::Product {
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"10\" fill=\"#ffffff\" stroke=\"{SPLINE_COLOR}\" stroke-width=\"1.6\"/>\n\
             <text x=\"{x:.1}\" y=\"{:.1}\" font-size=\"16\" text-anchor=\"middle\" fill=\"{SPLINE_COLOR}\">×</text>",
            y + 5.5
        );
    } else {
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\" fill=\"{SPLINE_COLOR}\"/>");
    }
}

/// The largest font in which a name fits into the room.
fn font_size(name: &str, room: f64) -> f64 {
    1.55 * (room - 6.0) / name.chars().count().max(1) as f64
}

/// A name, in a smaller font where it has little room.
fn draw_name(svg: &mut String, name: &str, x: f64, y: f64, room: f64) {
    let size = font_size(name, room).clamp(SMALLEST_FONT, 15.0);
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size:.1}\" text-anchor=\"middle\" fill=\"#111827\">{}</text>",
        escape(name)
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
