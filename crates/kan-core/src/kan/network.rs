//! A Kolmogorov-Arnold network: layers of one-variable curves.

use crate::graph::{
    BaseFunction, Edge, EdgeFunction, Input, Node, NodeKind, SplineEdge, SymbolicEdge, UnivariateGraph,
};
use crate::spline;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// A network in pykan's parametrization: from input i to subnode j of a layer goes
/// `mask · (scale_base · base(x) + scale_spline · spline(x))`, or a named function.
#[derive(Clone, Debug)]
pub struct Network {
    /// The layers, first to last; each has as many inputs as the one before has nodes.
    pub layers: Vec<Layer>,
}

/// One layer: `inputs` values to `nodes()` values.
///
/// Subnodes sum up what the inputs send; the first `sums` of them are nodes, the others are grouped into products.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Number of inputs.
    pub inputs: usize,
    /// Number of nodes that are plain sums.
    pub sums: usize,
    /// Number of factors of each multiplication node.
    pub products: Vec<usize>,
    /// Degree k of the splines.
    pub degree: usize,
    /// Number G of inner intervals.
    pub grid: usize,
    /// The function added to the spline.
    pub base: BaseFunction,
    /// Extended knots `[inputs, grid + 2·degree + 1]`.
    pub knots: Vec<f64>,
    /// `[inputs, subnodes, grid + degree]`
    pub coefficients: Vec<f64>,
    /// `[inputs, subnodes]`
    pub scale_base: Vec<f64>,
    /// `[inputs, subnodes]`
    pub scale_spline: Vec<f64>,
    /// `[inputs, subnodes]`, 0 or 1 (any factor will do)
    pub mask: Vec<f64>,
    /// `[inputs, subnodes]`: named functions in place of curves.
    pub symbolic: Vec<Option<SymbolicEdge>>,
    /// `[subnodes]`
    pub subnode_scale: Vec<f64>,
    /// `[subnodes]`
    pub subnode_bias: Vec<f64>,
    /// `[nodes]`
    pub node_scale: Vec<f64>,
    /// `[nodes]`
    pub node_bias: Vec<f64>,
}

/// The shape of a layer and how it starts.
#[derive(Clone, Debug)]
pub struct LayerShape {
    /// Number of inputs.
    pub inputs: usize,
    /// Number of nodes that are plain sums.
    pub sums: usize,
    /// Number of factors of each multiplication node.
    pub products: Vec<usize>,
    /// Number G of intervals.
    pub grid: usize,
    /// Degree k.
    pub degree: usize,
    /// The function added to the spline.
    pub base: BaseFunction,
    /// Height of the noise that the splines start as; pykan's default is 0.3.
    pub noise: f64,
}

impl Layer {
    /// A layer as pykan starts one: knots even on [−1, 1], splines through noise, factors of the base function uniform
    /// in ±1/√inputs, factors of the splines 1/√inputs.
    pub fn new(shape: &LayerShape, random: &mut Pcg64) -> Self {
        let mut layer = Self::empty(shape);
        let (inputs, grid) = (layer.inputs, layer.grid);
        let edges = inputs * layer.subnodes();
        let mut uniform = |half: f64| half * ((random.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0);
        let inner: Vec<f64> = (0..=grid).map(|i| -1.0 + 2.0 * i as f64 / grid as f64).collect();
        let knots = spline::extend_knots(&inner, layer.degree);
        let height = 0.5 * shape.noise / grid as f64;
        let through: Vec<f64> = (0..(grid + 1) * edges).map(|_| uniform(height)).collect();
        let scale = 1.0 / (inputs as f64).sqrt();
        layer.coefficients = spline::least_squares(&knots, layer.degree, &inner, &through, edges);
        layer.knots = knots.repeat(inputs);
        layer.scale_base = (0..edges).map(|_| uniform(scale)).collect();
        layer.scale_spline = vec![scale; edges];
        layer
    }

    /// A layer whose curves are all 0 and whose knots are not set.
    pub(super) fn empty(shape: &LayerShape) -> Self {
        let LayerShape { inputs, sums, grid, degree, base, .. } = *shape;
        let products = shape.products.clone();
        let subnodes = sums + products.iter().sum::<usize>();
        let nodes = sums + products.len();
        Self {
            inputs,
            sums,
            degree,
            grid,
            base,
            knots: vec![0.0; inputs * (grid + 2 * degree + 1)],
            coefficients: vec![0.0; inputs * subnodes * (grid + degree)],
            scale_base: vec![0.0; inputs * subnodes],
            scale_spline: vec![0.0; inputs * subnodes],
            mask: vec![1.0; inputs * subnodes],
            symbolic: vec![None; inputs * subnodes],
            subnode_scale: vec![1.0; subnodes],
            subnode_bias: vec![0.0; subnodes],
            node_scale: vec![1.0; nodes],
            node_bias: vec![0.0; nodes],
            products,
        }
    }

    /// Number of sums, before any are multiplied.
    pub fn subnodes(&self) -> usize {
        self.subnode_scale.len()
    }

    /// Number of outputs.
    pub fn nodes(&self) -> usize {
        self.node_scale.len()
    }

    /// Basis functions of each input.
    pub fn basis(&self) -> usize {
        self.grid + self.degree
    }

    /// Extended knots of input `input`.
    pub fn knots_of(&self, input: usize) -> &[f64] {
        let count = self.grid + 2 * self.degree + 1;
        &self.knots[input * count..(input + 1) * count]
    }

    /// Coefficients of the curve from `input` to `subnode`.
    pub fn coefficients_of(&self, input: usize, subnode: usize) -> &[f64] {
        let start = (input * self.subnodes() + subnode) * self.basis();
        &self.coefficients[start..start + self.basis()]
    }

    /// The named function from `input` to `subnode`, if there is one.
    pub fn symbolic_of(&self, input: usize, subnode: usize) -> Option<&SymbolicEdge> {
        self.symbolic[input * self.subnodes() + subnode].as_ref()
    }

    fn edge(&self, input: usize, subnode: usize) -> Option<EdgeFunction> {
        let index = input * self.subnodes() + subnode;
        if let Some(symbolic) = &self.symbolic[index] {
            return Some(EdgeFunction::Symbolic(symbolic.clone()));
        }
        let mask = self.mask[index];
        (mask != 0.0).then(|| {
            let factor = mask * self.scale_spline[index];
            EdgeFunction::Spline(SplineEdge {
                base: self.base,
                scale_base: mask * self.scale_base[index],
                degree: self.degree,
                knots: self.knots_of(input).to_vec(),
                coefficients: self.coefficients_of(input, subnode).iter().map(|value| factor * value).collect(),
            })
        })
    }
}

/// Which curve of a network an edge of its graph is: layer, input, subnode. `None` joins a subnode to its product.
pub(super) type Origin = Option<(usize, usize, usize)>;

/// Where the parts of a network are in its graph.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    /// Of each edge.
    pub origins: Vec<Origin>,
    /// Of each layer.
    pub layers: Vec<LayerNodes>,
}

/// The nodes of a layer in the network's graph.
#[derive(Clone, Debug)]
pub(super) struct LayerNodes {
    pub inputs: Vec<usize>,
    /// A subnode that is not multiplied is the same as its node.
    pub subnodes: Vec<usize>,
    pub nodes: Vec<usize>,
}

impl Network {
    /// A network of these layers, started from `seed`.
    pub fn new(shapes: &[LayerShape], seed: u64) -> Self {
        let mut random = Pcg64::seed_from_u64(seed);
        Self { layers: shapes.iter().map(|shape| Layer::new(shape, &mut random)).collect() }
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.layers[0].inputs
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.layers[self.layers.len() - 1].nodes()
    }

    /// The same function as a graph whose inputs are called x_0, x_1, … and pass unchanged.
    pub fn graph(&self) -> UnivariateGraph {
        self.graph_and_layout().0
    }

    /// The graph, and where the network's parts are in it.
    pub(super) fn graph_and_layout(&self) -> (UnivariateGraph, Layout) {
        let plain = |index| Input { name: format!("x_{index}"), shift: 0.0, scale: 1.0 };
        let mut graph = UnivariateGraph {
            inputs: (0..self.inputs()).map(plain).collect(),
            nodes: vec![Node { kind: NodeKind::Input, scale: 1.0, bias: 0.0 }; self.inputs()],
            edges: Vec::new(),
            outputs: Vec::new(),
        };
        let mut layout = Layout::default();
        let mut sources: Vec<usize> = (0..self.inputs()).collect();
        for layer in &self.layers {
            sources = add_layer(&mut graph, &mut layout, layer, sources);
        }
        graph.outputs = sources;
        (graph, layout)
    }
}

/// Appends a layer's nodes and edges; gives the nodes that the next layer reads.
fn add_layer(graph: &mut UnivariateGraph, layout: &mut Layout, layer: &Layer, inputs: Vec<usize>) -> Vec<usize> {
    let index = layout.layers.len();
    let mut subnodes = Vec::with_capacity(layer.subnodes());
    for subnode in 0..layer.subnodes() {
        let (mut scale, mut bias) = (layer.subnode_scale[subnode], layer.subnode_bias[subnode]);
        if subnode < layer.sums {
            // A sum's two affines are one.
            scale *= layer.node_scale[subnode];
            bias = layer.node_scale[subnode] * bias + layer.node_bias[subnode];
        }
        let target = graph.nodes.len();
        graph.nodes.push(Node { kind: NodeKind::Sum, scale, bias });
        for (input, source) in inputs.iter().enumerate() {
            if let Some(function) = layer.edge(input, subnode) {
                graph.edges.push(Edge { source: *source, target, function, importance: 0.0 });
                layout.origins.push(Some((index, input, subnode)));
            }
        }
        subnodes.push(target);
    }
    let mut nodes = subnodes[..layer.sums].to_vec();
    let mut factors = &subnodes[layer.sums..];
    for (product, arity) in layer.products.iter().enumerate() {
        let node = layer.sums + product;
        let target = graph.nodes.len();
        graph.nodes.push(Node { kind: NodeKind::Product, scale: layer.node_scale[node], bias: layer.node_bias[node] });
        let (own, rest) = factors.split_at(*arity);
        for source in own {
            let function = EdgeFunction::Symbolic(SymbolicEdge::identity());
            graph.edges.push(Edge { source: *source, target, function, importance: 0.0 });
            layout.origins.push(None);
        }
        factors = rest;
        nodes.push(target);
    }
    layout.layers.push(LayerNodes { inputs, subnodes, nodes: nodes.clone() });
    nodes
}
