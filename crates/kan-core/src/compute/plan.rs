//! A graph compiled to steps.

use super::kernel::KnotTable;
use super::scalar::Scalar;
use crate::function::UnivariateFunction;
use crate::graph::{BaseFunction, EdgeFunction, Input, NodeKind, UnivariateGraph};
use std::sync::Arc;

/// A compiled graph. Its parameters are one flat array: blocks first, each `[source, feature, target]` (the features of
/// a source are its basis functions, then its base function), then four for each symbolic edge, then scale and bias of
/// each node that is not an input.
#[derive(Clone, Debug)]
pub struct Plan<S> {
    pub(super) inputs: Vec<Input>,
    pub(super) outputs: Vec<usize>,
    /// Values kept for each row: one for each node, then one for each edge into a product.
    pub(super) columns: usize,
    /// Basis and base functions of all blocks.
    pub(super) features: usize,
    /// Symbolic edges.
    pub(super) symbolics: usize,
    /// Targets of the widest block.
    pub(super) widest: usize,
    pub(super) steps: Vec<Step<S>>,
    /// Columns that are not overwritten by the first step that adds to them.
    pub(super) zeroed: Vec<usize>,
    pub(super) parameters: usize,
    slots: Vec<EdgeSlot>,
    /// Scale of each node; its bias is next. `None` for inputs.
    node_slots: Vec<Option<usize>>,
}

/// Where an edge's parameters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeSlot {
    /// Coefficient `i` is at `first + i · stride`; the base function's factor follows the last of `basis` coefficients.
    Spline {
        /// Index of the first coefficient.
        first: usize,
        /// Distance of neighboring coefficients.
        stride: usize,
        /// Number of coefficients.
        basis: usize,
        /// Whether the base function has a factor (it is not [`BaseFunction::Zero`]).
        base: bool,
    },
    /// a, b, c, d from `first` on.
    Symbolic {
        /// Index of a.
        first: usize,
    },
}

#[derive(Clone, Debug)]
pub(super) enum Step<S> {
    Block(Block<S>),
    Symbolic(Symbolic),
    Node(Node),
}

/// All splines from some sources to the same targets.
#[derive(Clone, Debug)]
pub(super) struct Block<S> {
    pub sources: Vec<usize>,
    pub targets: Vec<usize>,
    /// `0..targets`: the same targets where a source's edges are computed apart.
    pub own_targets: Vec<usize>,
    /// Index of the edge of each source and target, `[sources, targets]`.
    pub edges: Vec<usize>,
    pub degree: usize,
    pub base: BaseFunction,
    /// Basis functions of each source.
    pub basis: usize,
    /// Extended knots of each source.
    pub knots: Vec<KnotTable<S>>,
    pub first_parameter: usize,
    pub first_feature: usize,
    /// Whether no earlier step adds to its targets.
    pub comes_first: bool,
    /// Whether the sources are inputs, whose gradients nobody asks for.
    pub from_inputs: bool,
}

impl<S> Block<S> {
    /// Basis functions and base function of one source.
    pub fn features(&self) -> usize {
        self.basis + usize::from(self.base != BaseFunction::Zero)
    }

    pub fn parameters(&self) -> std::ops::Range<usize> {
        let count = self.sources.len() * self.features() * self.targets.len();
        self.first_parameter..self.first_parameter + count
    }
}

#[derive(Clone, Debug)]
pub(super) struct Symbolic {
    pub edge: usize,
    pub source: usize,
    pub target: usize,
    pub function: Arc<dyn UnivariateFunction>,
    pub first_parameter: usize,
    /// Which of the scratch's symbolic columns are its own.
    pub index: usize,
}

/// The end of a node: everything it depends on has been computed.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub column: usize,
    /// The factors' columns of a product; `None` for a sum.
    pub factors: Option<Vec<usize>>,
    pub first_parameter: usize,
}

impl<S: Scalar> Plan<S> {
    /// Compiles `graph`.
    pub fn new(graph: &UnivariateGraph) -> Self {
        Builder::new(graph).build()
    }

    /// Number of edges.
    pub fn edge_count(&self) -> usize {
        self.slots.len()
    }

    /// Number of nodes.
    pub fn node_count(&self) -> usize {
        self.node_slots.len()
    }

    /// Number of parameters.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// Where the parameters of edge `edge` are.
    pub fn edge_slot(&self, edge: usize) -> EdgeSlot {
        self.slots[edge]
    }

    /// Where the scale of node `node` is, with its bias next; `None` for inputs.
    pub fn node_slot(&self, node: usize) -> Option<usize> {
        self.node_slots[node]
    }

    /// Reads all parameters out of the graph that the plan was compiled from.
    pub fn load(&self, graph: &UnivariateGraph) -> Vec<f64> {
        let mut parameters = vec![0.0; self.parameters];
        for (edge, slot) in graph.edges.iter().zip(&self.slots) {
            match (&edge.function, *slot) {
                (EdgeFunction::Spline(spline), EdgeSlot::Spline { first, stride, basis, base }) => {
                    for (index, coefficient) in spline.coefficients.iter().enumerate() {
                        parameters[first + index * stride] = *coefficient;
                    }
                    if base {
                        parameters[first + basis * stride] = spline.scale_base;
                    }
                }
                (EdgeFunction::Symbolic(symbolic), EdgeSlot::Symbolic { first }) => {
                    parameters[first..first + 4].copy_from_slice(&[symbolic.a, symbolic.b, symbolic.c, symbolic.d]);
                }
                _ => unreachable!("the plan was compiled from this graph"),
            }
        }
        for (node, slot) in graph.nodes.iter().zip(&self.node_slots) {
            if let Some(slot) = *slot {
                parameters[slot..slot + 2].copy_from_slice(&[node.scale, node.bias]);
            }
        }
        parameters
    }

    /// Writes all parameters back into the graph that the plan was compiled from.
    pub fn store(&self, parameters: &[f64], graph: &mut UnivariateGraph) {
        for (edge, slot) in graph.edges.iter_mut().zip(&self.slots) {
            match (&mut edge.function, *slot) {
                (EdgeFunction::Spline(spline), EdgeSlot::Spline { first, stride, basis, base }) => {
                    for (index, coefficient) in spline.coefficients.iter_mut().enumerate() {
                        *coefficient = parameters[first + index * stride];
                    }
                    if base {
                        spline.scale_base = parameters[first + basis * stride];
                    }
                }
                (EdgeFunction::Symbolic(symbolic), EdgeSlot::Symbolic { first }) => {
                    (symbolic.a, symbolic.b) = (parameters[first], parameters[first + 1]);
                    (symbolic.c, symbolic.d) = (parameters[first + 2], parameters[first + 3]);
                }
                _ => unreachable!("the plan was compiled from this graph"),
            }
        }
        for (node, slot) in graph.nodes.iter_mut().zip(&self.node_slots) {
            if let Some(slot) = *slot {
                (node.scale, node.bias) = (parameters[slot], parameters[slot + 1]);
            }
        }
    }
}

/// The spline edges that leave one source with the same knots.
struct Fan<'a> {
    edges: Vec<usize>,
    targets: Vec<usize>,
    degree: usize,
    base: BaseFunction,
    knots: &'a [f64],
}

struct Builder<'a, S> {
    graph: &'a UnivariateGraph,
    plan: Plan<S>,
    /// Column that each edge adds to.
    edge_columns: Vec<usize>,
    /// Node that each column is part of.
    column_nodes: Vec<usize>,
    /// Edges that leave each node.
    outgoing: Vec<Vec<usize>>,
    /// Sources that are being collected into a block, with their edges.
    open: Option<(Block<S>, Vec<Vec<usize>>)>,
}

impl<'a, S: Scalar> Builder<'a, S> {
    fn new(graph: &'a UnivariateGraph) -> Self {
        let mut column_nodes: Vec<usize> = (0..graph.nodes.len()).collect();
        let mut outgoing = vec![Vec::new(); graph.nodes.len()];
        let mut edge_columns = Vec::with_capacity(graph.edges.len());
        for (index, edge) in graph.edges.iter().enumerate() {
            outgoing[edge.source].push(index);
            edge_columns.push(match graph.nodes[edge.target].kind {
                NodeKind::Product => {
                    column_nodes.push(edge.target);
                    column_nodes.len() - 1
                }
                _ => edge.target,
            });
        }
        let plan = Plan {
            inputs: graph.inputs.clone(),
            outputs: graph.outputs.clone(),
            columns: column_nodes.len(),
            features: 0,
            symbolics: 0,
            widest: 0,
            steps: Vec::new(),
            zeroed: Vec::new(),
            parameters: 0,
            slots: vec![EdgeSlot::Symbolic { first: 0 }; graph.edges.len()],
            node_slots: vec![None; graph.nodes.len()],
        };
        Self { graph, plan, edge_columns, column_nodes, outgoing, open: None }
    }

    fn build(mut self) -> Plan<S> {
        for node in 0..self.graph.nodes.len() {
            let needed =
                |(block, _): &(Block<S>, _)| block.targets.iter().any(|target| self.column_nodes[*target] == node);
            if self.open.as_ref().is_some_and(needed) {
                self.close();
            }
            self.finish_node(node);
            for fan in self.fans(node) {
                self.add_fan(node, fan);
            }
            for index in 0..self.outgoing[node].len() {
                self.add_symbolic(self.outgoing[node][index]);
            }
        }
        self.close();
        self.number_parameters();
        self.find_first_writers();
        self.plan
    }

    fn find_first_writers(&mut self) {
        let mut written = vec![false; self.plan.columns];
        let mut overwritten = vec![false; self.plan.columns];
        for step in &mut self.plan.steps {
            match step {
                Step::Block(block) => {
                    block.comes_first = block.targets.iter().all(|target| !written[*target]);
                    for target in &block.targets {
                        overwritten[*target] |= block.comes_first;
                        written[*target] = true;
                    }
                }
                Step::Symbolic(symbolic) => written[symbolic.target] = true,
                Step::Node(_) => {}
            }
        }
        // Nothing is ever added to an input's column.
        self.plan.zeroed = (self.plan.inputs.len()..self.plan.columns).filter(|column| !overwritten[*column]).collect();
    }

    fn finish_node(&mut self, node: usize) {
        let factors = match self.graph.nodes[node].kind {
            NodeKind::Input => return,
            NodeKind::Sum => None,
            NodeKind::Product => Some(
                self.graph
                    .edges
                    .iter()
                    .zip(&self.edge_columns)
                    .filter(|(edge, _)| edge.target == node)
                    .map(|(_, column)| *column)
                    .collect(),
            ),
        };
        self.plan.steps.push(Step::Node(Node { column: node, factors, first_parameter: 0 }));
    }

    fn fans(&self, node: usize) -> Vec<Fan<'a>> {
        let mut fans: Vec<Fan<'a>> = Vec::new();
        for &index in &self.outgoing[node] {
            let EdgeFunction::Spline(spline) = &self.graph.edges[index].function else { continue };
            let column = self.edge_columns[index];
            let fits = |fan: &&mut Fan<'_>| {
                fan.degree == spline.degree
                    && fan.base == spline.base
                    && fan.knots == spline.knots
                    && !fan.targets.contains(&column)
            };
            match fans.iter_mut().find(fits) {
                Some(fan) => {
                    fan.edges.push(index);
                    fan.targets.push(column);
                }
                None => fans.push(Fan {
                    edges: vec![index],
                    targets: vec![column],
                    degree: spline.degree,
                    base: spline.base,
                    knots: &spline.knots,
                }),
            }
        }
        fans
    }

    fn add_fan(&mut self, source: usize, fan: Fan<'_>) {
        let basis = crate::spline::basis_count(fan.knots, fan.degree);
        let from_inputs = self.graph.nodes[source].kind == NodeKind::Input;
        let joins = self.open.as_ref().is_some_and(|(block, _)| {
            block.targets == fan.targets
                && block.degree == fan.degree
                && block.base == fan.base
                && block.basis == basis
                && block.from_inputs == from_inputs
        });
        if !joins {
            self.close();
        }
        let (block, edges) = self.open.get_or_insert_with(|| {
            let block = Block {
                sources: Vec::new(),
                own_targets: (0..fan.targets.len()).collect(),
                edges: Vec::new(),
                targets: fan.targets,
                degree: fan.degree,
                base: fan.base,
                basis,
                knots: Vec::new(),
                first_parameter: 0,
                first_feature: 0,
                comes_first: false,
                from_inputs,
            };
            (block, Vec::new())
        });
        block.sources.push(source);
        block.knots.push(KnotTable::new(fan.knots, fan.degree));
        edges.push(fan.edges);
    }

    /// Ends the block that is being collected.
    fn close(&mut self) {
        let Some((mut block, edges)) = self.open.take() else { return };
        block.first_parameter = self.plan.parameters;
        block.first_feature = self.plan.features;
        self.plan.parameters = block.parameters().end;
        self.plan.features += block.sources.len() * block.features();
        let (features, stride) = (block.features(), block.targets.len());
        self.plan.widest = self.plan.widest.max(stride);
        block.edges = edges.concat();
        for (source, edges) in edges.iter().enumerate() {
            for (target, edge) in edges.iter().enumerate() {
                self.plan.slots[*edge] = EdgeSlot::Spline {
                    first: block.first_parameter + source * features * stride + target,
                    stride,
                    basis: block.basis,
                    base: block.base != BaseFunction::Zero,
                };
            }
        }
        self.plan.steps.push(Step::Block(block));
    }

    fn add_symbolic(&mut self, index: usize) {
        let edge = &self.graph.edges[index];
        let EdgeFunction::Symbolic(symbolic) = &edge.function else { return };
        self.plan.steps.push(Step::Symbolic(Symbolic {
            edge: index,
            source: edge.source,
            target: self.edge_columns[index],
            function: Arc::clone(&symbolic.function),
            // Parameters of symbolic edges come after those of all blocks: set when these are known.
            first_parameter: 0,
            index: self.plan.symbolics,
        }));
        self.plan.symbolics += 1;
    }

    fn number_parameters(&mut self) {
        let mut next = self.plan.parameters;
        for (index, edge) in self.graph.edges.iter().enumerate() {
            if let EdgeFunction::Symbolic(_) = edge.function {
                self.plan.slots[index] = EdgeSlot::Symbolic { first: next };
                next += 4;
            }
        }
        for (slot, node) in self.plan.node_slots.iter_mut().zip(&self.graph.nodes) {
            if node.kind != NodeKind::Input {
                *slot = Some(next);
                next += 2;
            }
        }
        for step in &mut self.plan.steps {
            match step {
                Step::Symbolic(symbolic) => {
                    let EdgeSlot::Symbolic { first } = self.plan.slots[symbolic.edge] else { unreachable!() };
                    symbolic.first_parameter = first;
                }
                Step::Node(node) => node.first_parameter = self.plan.node_slots[node.column].expect("no input"),
                Step::Block(_) => {}
            }
        }
        self.plan.parameters = next;
    }
}
