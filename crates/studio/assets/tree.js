// A formula as a diagram: what a network's diagram shows, for linear, gated and all other formulas too.

import { compile, terms, variables } from "./expression.js";
import { mean } from "./play.js";

const POINTS = 40;
const NAMES = { negate: "−x", divide: "1/x", exp: "eˣ", sqrt: "√x", gaussian: "e^−x²", abs: "|x|", arcsin: "asin", arccos: "acos", arctan: "atan", arctanh: "atanh", curve: "curve" };
const CHOICES = { gate: ["if", "then", "else"], min: [], max: [], clip: [] };

/**
 * Nodes and edges as a network has them. An edge is what one variable contributes: its curve over the rows' range, and the
 * share of its node's variation. What takes several values apart from a sum is a node with a name.
 */
export function diagramOf(formula, rows) {
  const inputs = formula.inputs;
  const nodes = inputs.map(() => ({ kind: "input" }));
  const edges = [];
  const observations = rows?.observations ?? [];
  const valuesOf = (tree) => {
    const value = compile(tree, inputs);
    return observations.map((observation) => value(observation));
  };
  const columns = new Map(inputs.map((name, index) => [index, observations.map((observation) => observation[index])]));

  const outputs = formula.outputs.map(({ tree }) => (tree.op === "variable" ? sum([tree]) : build(tree)));
  return { inputs, nodes, edges, outputs, output_names: formula.outputs.map(({ name }, index) => labelOf(formula, name, index)) };

  /** The node whose value a tree is. */
  function build(tree) {
    if (tree.op === "variable") return inputs.indexOf(tree.name);
    if (tree.op === "negate") return sum([tree]);
    if (tree.op === "multiply" && tree.args.filter((factor) => variables(factor).length).length > 1) return combined("product", "×", tree.args.filter((factor) => variables(factor).length), tree);
    if (tree.op === "divide" && variables(tree.args[0]).length && variables(tree.args[1]).length) return combined("named", "÷", tree.args, tree);
    if (Object.hasOwn(CHOICES, tree.op)) return combined("named", tree.op, tree.args, tree, CHOICES[tree.op]);
    return sum(terms(tree));
  }

  function node(kind, label = null) {
    return nodes.push({ kind, label }) - 1;
  }

  function sum(all) {
    const whole = valuesOf({ op: "add", args: all.length > 1 ? all : [...all, { op: "number", value: 0 }] });
    const groups = new Map();
    for (const term of all) {
      const names = variables(term);
      if (!names.length) continue;
      const key = names.length === 1 ? names[0] : term;
      groups.set(key, [...(groups.get(key) ?? []), term]);
    }
    const made = [...groups].map(([key, members]) => (typeof key === "string" ? { from: inputs.indexOf(key), trees: members } : inner(members[0])));
    const own = node("sum");
    for (const { from, trees, argument } of made) edge(from, own, trees, argument, whole);
    return own;
  }

  /** A term of several variables: c·f(g), as an edge f from the node g. */
  function inner(term) {
    let place = term;
    for (;;) {
      const open = (place.args ?? []).filter((child) => variables(child).length);
      if (place.op === "add" || open.length !== 1 || Object.hasOwn(CHOICES, place.op)) break;
      [place] = open;
    }
    return { from: build(place), trees: [term], argument: place };
  }

  function combined(kind, label, args, tree, names = []) {
    const made = args.map((child, index) => {
      const used = variables(child);
      if (!used.length) return null;
      return { name: names[index], ...(used.length === 1 ? { from: inputs.indexOf(used[0]), trees: [child] } : { from: build(child), trees: [child], argument: child }) };
    });
    const own = node(kind, label);
    const whole = valuesOf(tree);
    for (const one of made.filter(Boolean)) edge(one.from, own, one.trees, one.argument, whole, one.name);
    return own;
  }

  /** The edge that brings `trees`, functions of the source's value, to a node. */
  function edge(source, target, trees, argument, whole, name = null) {
    const tree = trees.length > 1 ? { op: "add", args: trees } : trees[0];
    const y = valuesOf(tree);
    const x = argument ? valuesOf(argument) : columns.get(source);
    const spread = deviation(whole);
    const share = spread > 0 ? Math.min(1, deviation(y) / spread) : 1;
    const plain = argument !== undefined && tree === argument;
    edges.push({ source, target, importance: Number.isFinite(share) ? share : 0, function: name ?? nameOf(tree, argument), curve: plain ? null : curve(x, y), trees });
  }
}

function labelOf(formula, name, index) {
  if (formula.action.kind === "clip") return formula.actions?.[index]?.name ?? name;
  if (formula.action.kind === "threshold") return formula.outputs.length === 1 ? formula.labels[1] ?? name : formula.labels[index + 1] ?? name;
  return formula.labels[index] ?? name;
}

/** A function's name: of the one operation that is not an affine one. */
function nameOf(tree, argument) {
  const found = new Set();
  const visit = (one) => {
    if (one === argument || !one.args) return;
    if (one.op === "power" && one.args[1].op === "number") found.add(`x${[...String(one.args[1].value)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit] ?? (digit === "-" ? "⁻" : "·")).join("")}`);
    else if (one.op === "multiply" && one.args.filter((child) => variables(child).length).length > 1) found.add("x·x");
    else if (one.op === "divide" && variables(one.args[1]).length) found.add("1/x");
    else if (!["add", "multiply", "divide", "negate"].includes(one.op)) found.add(NAMES[one.op] ?? one.op);
    one.args.forEach(visit);
  };
  visit(tree);
  if (!found.size) return "x";
  return found.size === 1 ? [...found][0] : "f";
}

/** Points of a curve over the range of x, sorted; at most so many. */
function curve(x, y) {
  const points = x.map((value, index) => [value, y[index]]).filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b));
  points.sort((one, other) => one[0] - other[0]);
  if (points.length <= POINTS) return points;
  const [low, high] = [points[0][0], points.at(-1)[0]];
  const found = [];
  for (const point of points) {
    const place = Math.floor(((point[0] - low) / (high - low || 1)) * (POINTS - 1));
    if (found.length === 0 || place > found.at(-1)[2]) found.push([...point, place]);
  }
  return found.map(([a, b]) => [a, b]);
}

function deviation(values) {
  if (!values.length) return 0;
  const center = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - center) ** 2)));
}
