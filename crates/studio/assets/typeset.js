// Formulas as print: MathML elements of an expression's tree, whose constants can be taken hold of.

import { constants, digits, terms, variables } from "./expression.js";

const GREEK = { alpha: "α", beta: "β", gamma: "γ", delta: "δ", epsilon: "ϵ", zeta: "ζ", eta: "η", theta: "θ", iota: "ι", kappa: "κ", lambda: "λ", mu: "μ", nu: "ν", xi: "ξ", pi: "π", rho: "ρ", sigma: "σ", tau: "τ", upsilon: "υ", phi: "ϕ", chi: "χ", psi: "ψ", omega: "ω", Gamma: "Γ", Delta: "Δ", Theta: "Θ", Lambda: "Λ", Xi: "Ξ", Pi: "Π", Sigma: "Σ", Upsilon: "Υ", Phi: "Φ", Psi: "Ψ", Omega: "Ω" };
const APPLIED = ["cos", "sin", "tan", "tanh"];
const PLAIN = /^[\p{L}_][\p{L}\p{N}_]*$/u;

/** An element of MathML. */
export function m(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/1998/Math/MathML", name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value);
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const row = (...children) => m("mrow", {}, children);
const sign = (text, attributes = {}) => m("mo", attributes, text);
const word = (text) => (/^\d+$/.test(text) ? m("mn", {}, text) : m("mi", {}, GREEK[text] ?? text));
const fence = (open, inner, shut) => row(sign(open, { fence: "true", form: "prefix", stretchy: "true" }), inner, sign(shut, { fence: "true", form: "postfix", stretchy: "true" }));
const thin = () => m("mspace", { width: "0.17em" });

/** A name taken apart: sin_theta_1_dot is sin of the first derivative of θ with subscript 1. */
function parts(name) {
  const words = name.split("_");
  if (!PLAIN.test(name) || words.includes("")) return { base: name, dots: 0, subscripts: [], plain: PLAIN.test(name) };
  const dots = words.length > 1 ? { dot: 1, ddot: 2 }[words.at(-1)] ?? 0 : 0;
  if (dots) words.pop();
  const applied = words.length > 1 && APPLIED.includes(words[0]) ? words.shift() : null;
  const digitsAtEnd = /^(\p{L}|[a-z]+)(\d+)$/u.exec(words[0]);
  if (digitsAtEnd && (digitsAtEnd[1].length === 1 || GREEK[digitsAtEnd[1]])) words.splice(0, 1, digitsAtEnd[1], digitsAtEnd[2]);
  return { applied, base: words[0], dots, subscripts: words.slice(1), plain: true };
}

/** A variable's name as print: θ̇ for theta_dot. */
export function symbol(name) {
  const { applied, base, dots, subscripts, plain } = parts(name);
  if (!plain) return m("mtext", {}, /^[\p{L}_]/u.test(base) ? base : `“${base}”`);
  let text = word(base);
  if (dots) text = m("mover", {}, text, sign(dots === 1 ? "˙" : "¨", { stretchy: "false" }));
  if (subscripts.length) text = m("msub", {}, text, row(subscripts.flatMap((part, index) => [index ? thin() : null, word(part)])));
  return applied ? row(m("mi", {}, applied), sign("\u2061"), thin(), text) : text;
}

/** The same for places without mathematics. */
export function symbolText(name) {
  const { applied, base, dots, subscripts, plain } = parts(name);
  if (!plain) return base;
  const letter = GREEK[base] ?? base;
  const dotted = dots && letter.length === 1 ? letter + (dots === 1 ? "\u0307" : "\u0308") : letter + (dots ? (dots === 1 ? "˙" : "¨") : "");
  const below = subscripts.map((part) => (/^\d+$/.test(part) ? [...part].map((digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]).join("") : `_${GREEK[part] ?? part}`)).join("");
  return `${applied ? `${applied} ` : ""}${dotted}${below}`;
}

/**
 * What sets trees as print. `hold(constant)` may give attributes for a constant that a person can change, and hears its
 * element.
 */
export class Typesetter {
  constructor(hold = null) {
    this.hold = hold;
    this.curves = [];
  }

  /** The terms of a sum, each with its sign, as lists of elements with about how many characters wide they are. */
  terms(tree) {
    this.held = new Set(this.hold ? constants(tree) : []);
    return terms(tree).map((term, index) => this.term(term, index));
  }

  term(tree, index) {
    const { item, negative, level } = this.piece(tree);
    const lead = negative ? sign("−", index ? {} : { form: "prefix" }) : index ? sign("+") : null;
    const elements = [lead, level === "sum" ? fence("(", item, ")") : item].filter(Boolean);
    return { elements, width: width(elements), tree };
  }

  /** A whole expression on one line. */
  line(tree) {
    return row(this.terms(tree).map((term) => term.elements));
  }

  /** An element, whether a minus sign stands in front of it, and how tightly it binds. */
  piece(tree) {
    if (tree.op === "number") return this.constant(tree);
    if (tree.op === "alias") return { item: m("msub", {}, m("mi", {}, "u"), m("mn", {}, String(tree.place))), negative: false, level: "atom" };
    if (tree.op === "variable") return { item: symbol(tree.name), negative: false, level: parts(tree.name).applied ? "power" : "atom" };
    if (tree.op === "add") return { item: row(tree.args.map((term, index) => this.term(term, index).elements)), negative: false, level: "sum" };
    if (tree.op === "multiply") return this.product(tree.args);
    const [first, second, third] = tree.args.map((child) => this.piece(child));
    const signed = ({ item, negative }) => (negative ? row(sign("−", { form: "prefix" }), item) : item);
    const plain = (item, level = "power") => ({ item, negative: false, level });
    switch (tree.op) {
      case "negate":
        return first.negative || first.level === "sum" ? { item: fence("(", signed(first), ")"), negative: true, level: "product" } : { ...first, negative: true, level: "product" };
      case "divide": {
        const outside = first.negative && first.level !== "sum";
        return { item: m("mfrac", {}, row(outside ? first.item : signed(first)), row(signed(second))), negative: outside, level: "product" };
      }
      case "power":
        return plain(m("msup", {}, row(this.within(first, "atom")), row(signed(second))));
      case "exp":
        return plain(m("msup", {}, m("mi", {}, "e"), row(signed(first))));
      case "gaussian":
        return plain(m("msup", {}, m("mi", {}, "e"), row(sign("−", { form: "prefix" }), m("msup", {}, row(this.within(first, "atom")), m("mn", {}, "2")))));
      case "sqrt":
        return plain(m("msqrt", {}, signed(first)));
      case "abs":
        return plain(fence("|", signed(first), "|"), "atom");
      case "step":
        return plain(fence("[", row(signed(first), sign(">"), m("mn", {}, "0")), "]"), "atom");
      case "gate":
        return plain(cases([[signed(second), row(signed(first), sign(">"), m("mn", {}, "0"))], [signed(third), m("mtext", {}, "otherwise")]]), "atom");
      case "curve": {
        const known = this.curves.findIndex((curve) => curve.breakpoints === tree.breakpoints);
        const place = known < 0 ? this.curves.push(tree) : known + 1;
        return plain(row(m("msub", {}, m("mi", {}, "f"), m("mn", {}, String(place))), sign("\u2061"), fence("(", signed(first), ")")));
      }
      default: {
        const all = [first, second, third, ...tree.args.slice(3).map((child) => this.piece(child))].filter(Boolean).map(signed);
        return plain(row(m("mi", {}, tree.op), sign("\u2061"), fence("(", row(all.flatMap((item, index) => [index ? sign(",") : null, item])), ")")));
      }
    }
  }

  within(piece, least) {
    const order = ["sum", "product", "power", "atom"];
    if (piece.negative) return fence("(", row(sign("−", { form: "prefix" }), piece.item), ")");
    return order.indexOf(piece.level) < order.indexOf(least) ? fence("(", piece.item, ")") : piece.item;
  }

  product(args) {
    const pieces = args.map((child) => this.piece(child));
    const negative = pieces[0].negative && pieces[0].level !== "sum";
    if (negative) pieces[0] = { ...pieces[0], negative: false };
    const items = pieces.flatMap((piece, index) => {
      const factor = this.within(piece, "product");
      if (!index) return [factor];
      // Two numbers side by side need a sign between them.
      return /^\d/.test(factor.textContent) ? [sign("·"), factor] : [sign("\u2062"), thin(), factor];
    });
    return { item: row(items), negative, level: "product" };
  }

  constant(tree) {
    const [mantissa, exponent] = digits(Math.abs(tree.value)).split("e");
    const attributes = this.held?.has(tree) ? this.hold(tree) : {};
    const item = m("mn", attributes, mantissa);
    if (this.held?.has(tree)) item.constant = tree;
    const negative = tree.value < 0 || Object.is(tree.value, -0);
    if (exponent === undefined) return { item, negative, level: "atom" };
    const raised = m("msup", {}, m("mn", {}, "10"), row(Number(exponent) < 0 ? sign("−", { form: "prefix" }) : null, m("mn", {}, String(Math.abs(Number(exponent))))));
    return { item: row(item, sign("·"), raised), negative, level: "product" };
  }
}

/** Values and their conditions behind one brace. */
export function cases(lines) {
  return row(
    sign("{", { fence: "true", form: "prefix", stretchy: "true" }),
    m("mtable", { class: "cases" }, lines.map((cells) => m("mtr", {}, cells.map((cell) => m("mtd", {}, cell))))),
  );
}

/** About how many characters wide elements are. */
function width(elements) {
  const one = (element) => {
    if (element.localName === "mfrac") return Math.max(...[...element.children].map(one));
    if (element.localName === "mo") return /[\u2061\u2062]/.test(element.textContent) ? 0 : /[(){}|[\],]/.test(element.textContent) ? 1 : 3;
    if (element.localName === "mtable") return Math.max(...[...element.children].map((line) => [...line.children].reduce((sum, cell) => sum + one(cell) + 2, 0)));
    if (element.children.length) return [...element.children].reduce((sum, child) => sum + one(child), 0) * (element.localName === "msup" ? 0.85 : 1);
    return element.textContent.length;
  };
  return elements.reduce((sum, element) => sum + one(element), 0);
}

/** A sum whose long terms have names in place of the sums inside of them; the names' trees are added to `aliases`. */
function shortened(whole, room, typesetter, aliases) {
  typesetter.held = new Set();
  const isLong = (term) => typesetter.term(term, 1).width > room;
  const replace = (tree) => {
    if (!tree.args) return tree;
    if (tree.op === "add" && terms(tree).filter((term) => variables(term).length).length > 1) {
      const known = aliases.find((alias) => alias.tree === tree) ?? { tree, op: "alias", place: aliases.length + 1 };
      if (!aliases.includes(known)) aliases.push(known);
      return { op: "alias", place: known.place, hidden: tree };
    }
    const args = tree.args.map(replace);
    return args.some((child, index) => child !== tree.args[index]) ? { ...tree, args } : tree;
  };
  const found = terms(whole).map((term) => (isLong(term) ? replace(term) : term));
  return found.length > 1 ? { op: "add", args: found } : found[0];
}

/** Terms in lines of about `room` characters. */
function wrapped(found, room) {
  const lines = [[]];
  let used = 0;
  for (const term of found) {
    if (lines.at(-1).length && used + term.width > room) {
      lines.push([]);
      used = 0;
    }
    lines.at(-1).push(term);
    used += term.width;
  }
  return lines;
}

const mathLine = (...children) => m("math", { display: "inline" }, m("mrow", { displaystyle: "true" }, children));

/**
 * A policy as print: what it does, in the words of its actions. `room` is how many characters fit in a line.
 * Every line is a math element of its own, so that a reader hears line after line and nothing is wider than the page.
 */
export function policy(formula, { room = 60, hold = null } = {}) {
  const typesetter = new Typesetter(hold);
  const lines = [];
  const aliases = [];
  const sum = (whole, before, after) => {
    const tree = shortened(whole, room, typesetter, aliases);
    const found = wrapped(typesetter.terms(tree), room);
    found.forEach((terms, index) => {
      const last = index === found.length - 1;
      lines.push({ indent: index > 0, items: [index ? null : before, ...terms.map((term) => term.elements), last ? after : null].flat(2).filter(Boolean) });
    });
  };
  const words = (text) => m("mtext", {}, text);
  const { action, labels, outputs } = formula;
  const discrete = action.kind !== "clip";
  if (action.kind === "threshold" && outputs.length === 1) {
    sum(outputs[0].tree, words(`${labels[1]} if\u00a0`), [sign(">"), m("mn", {}, "0")]);
    lines.push({ items: [words(`${labels[0]} otherwise`)] });
  } else if (discrete) {
    const first = action.kind === "threshold" ? 1 : 0;
    lines.push({ items: [words("take the action with the largest value")], quiet: true });
    if (first) lines.push({ items: [words(`${labels[0]}:\u00a0`), m("mn", {}, "0")] });
    outputs.forEach((output, index) => sum(output.tree, words(`${labels[index + first]}:\u00a0`)));
  } else {
    outputs.forEach((output, index) => {
      const name = formula.actions?.[index]?.name ?? output.name;
      sum(output.tree, [symbol(name), sign("=")]);
    });
    const bounds = action.low.map((low, index) => [low, action.high[index]]);
    const one = bounds.every(([low, high]) => low === bounds[0][0] && high === bounds[0][1]) ? bounds.slice(0, 1) : bounds;
    const text = one.map(([low, high]) => (low === null && high === null ? null : low === -high ? `±${digits(high)}` : `${low === null ? "−∞" : digits(low).replace("-", "−")} to ${high === null ? "∞" : digits(high)}`));
    if (text.some(Boolean)) lines.push({ items: [words(`limited to ${text.map((part) => part ?? "no limit").join("; ")}`)], quiet: true });
  }
  // What stands inside of long terms has lines of its own; those may have some again.
  for (let place = 0; place < aliases.length; place++) sum(aliases[place].tree, [place ? null : words("with\u00a0"), m("msub", {}, m("mi", {}, "u"), m("mn", {}, String(place + 1))), sign("=")]);
  typesetter.held = new Set();
  const long = typesetter.curves.filter((curve) => curve.pieces.length > 6);
  if (long.length) lines.push({ items: [long.flatMap((curve, index) => [index ? sign(",") : null, m("msub", {}, m("mi", {}, "f"), m("mn", {}, String(typesetter.curves.indexOf(curve) + 1)))]), words(long.length === 1 ? "\u00a0is a curve: the diagram shows it" : "\u00a0are curves: the diagram shows them")], quiet: true });
  typesetter.curves.forEach((curve, index) => {
    const u = curve.breakpoints;
    const conditions = curve.pieces.map((coefficients, piece) => [curvePiece(coefficients, u[Math.max(piece - 1, 0)]), piece === u.length ? words("otherwise") : row(m("mi", {}, "x"), sign("<"), signedNumber(u[piece]))]);
    // A long curve is looked at, not read.
    if (!long.includes(curve)) lines.push({ items: [m("msub", {}, m("mi", {}, "f"), m("mn", {}, String(index + 1))), sign("\u2061"), fence("(", m("mi", {}, "x"), ")"), sign("="), cases(conditions)], quiet: true });
  });
  return lines.map(({ items, indent, quiet }) => ({ element: mathLine(items), indent: Boolean(indent), quiet: Boolean(quiet) }));
}

const signedNumber = (value) => row(value < 0 ? sign("−", { form: "prefix" }) : null, m("mn", {}, digits(Math.abs(value))));

function curvePiece(coefficients, origin) {
  const base = origin === 0 ? m("mi", {}, "x") : fence("(", row(m("mi", {}, "x"), sign(origin < 0 ? "+" : "−"), m("mn", {}, digits(Math.abs(origin)))), ")");
  const shown = coefficients.map((value, power) => ({ value, power })).filter(({ value, power }) => value !== 0 || (power === 0 && coefficients.every((one) => one === 0)));
  return row(shown.map(({ value, power }, index) => [
    value < 0 ? sign("−", index ? {} : { form: "prefix" }) : index ? sign("+") : null,
    m("mn", {}, digits(Math.abs(value))),
    power > 0 && [sign("\u2062"), power === 1 ? base.cloneNode(true) : m("msup", {}, row(base.cloneNode(true)), m("mn", {}, String(power)))],
  ]));
}

/** A term as one math element. */
export const inline = (tree) => m("math", {}, new Typesetter().line(tree));

export { variables };
