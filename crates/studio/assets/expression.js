// Formulas as text, as trees, and as functions: the same grammar and the same values as kanrl's own.

/** What stands in a formula's text does not make sense; `place` is where, from 0. */
export class FormulaError extends Error {
  constructor(message, place) {
    super(message);
    this.place = place;
  }
}

const FUNCTIONS = { exp: 1, log: 1, sqrt: 1, sin: 1, cos: 1, tan: 1, tanh: 1, arcsin: 1, arccos: 1, arctan: 1, arctanh: 1, abs: 1, sign: 1, gaussian: 1, step: 1, min: 2, max: 2, clip: 3, gate: 3 };
const MANY = new Set(["min", "max"]);
const NUMBER = /^(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/;
const NAME = /^[\p{L}_][\p{L}\p{N}_]*/u;
const DEEPEST = 200;

export const number = (value) => ({ op: "number", value });
export const variable = (name) => ({ op: "variable", name });
const node = (op, args) => ({ op, args });

/** A tree of an expression's text. */
export function parse(text) {
  let place = 0;
  let depth = 0;
  const fail = (message, at = place) => {
    throw new FormulaError(message, at);
  };
  const skip = () => {
    while (/\s/.test(text[place] ?? "")) place++;
  };
  const follows = (token) => {
    skip();
    return text.startsWith(token, place);
  };
  const takes = (token) => {
    const found = follows(token);
    if (found) place += token.length;
    return found;
  };
  const expect = (token) => takes(token) || fail(`expected “${token}”`);
  const plainNumberFollows = () => {
    skip();
    const found = NUMBER.exec(text.slice(place));
    return Boolean(found) && !/^\s*(\^|\*\*)/.test(text.slice(place + found[0].length));
  };
  const literal = (sign) => {
    skip();
    const found = NUMBER.exec(text.slice(place));
    if (!found) fail("expected a number");
    place += found[0].length;
    const value = sign * Number(found[0]);
    return Number.isFinite(value) ? number(value) : fail("the number is too large");
  };
  const nested = (read) => {
    if (++depth > DEEPEST) fail("nested too deeply");
    const found = read();
    depth--;
    return found;
  };
  const close = (op, args) => (args.length > 1 ? node(op, args) : args[0]);
  const sum = () =>
    nested(() => {
      const terms = [signed()];
      for (;;) {
        if (takes("+")) terms.push(signed());
        else if (takes("-")) terms.push(negated());
        else return close("add", terms);
      }
    });
  const signed = () => (takes("-") ? negated() : product(1));
  const negated = () => (plainNumberFollows() ? product(-1) : node("negate", [nested(signed)]));
  const product = (sign) => {
    let factors = [sign < 0 ? literal(-1) : factor()];
    for (;;) {
      if (!follows("**") && takes("*")) factors.push(factor());
      else if (takes("/")) factors = [node("divide", [close("multiply", factors), factor()])];
      else return close("multiply", factors);
    }
  };
  const factor = () => {
    if (!takes("-")) return power();
    return plainNumberFollows() ? literal(-1) : node("negate", [nested(factor)]);
  };
  const power = () => {
    const base = atom();
    return takes("**") || takes("^") ? node("power", [base, nested(factor)]) : base;
  };
  const atom = () => {
    skip();
    const first = text[place];
    if (first === undefined) fail("the expression ends where a number, a name or “(” should follow");
    if (first === "(") {
      place++;
      const inner = sum();
      expect(")");
      return inner;
    }
    if (/[\d.]/.test(first)) return literal(1);
    if (first === "`") {
      const end = text.indexOf("`", place + 1);
      if (end < 0) fail("the name does not end: a backtick is missing");
      const name = text.slice(place + 1, end);
      place = end + 1;
      return variable(name);
    }
    const found = NAME.exec(text.slice(place));
    if (!found) fail("expected a number, a name or “(”");
    const start = place;
    const [name] = found;
    place += name.length;
    if (!follows("(")) return Object.hasOwn(FUNCTIONS, name) ? fail(`“${name}” is a function: write ${name}(…)`, start) : variable(name);
    place++;
    if (name === "curve") return curve();
    if (!Object.hasOwn(FUNCTIONS, name)) fail(`unknown function “${name}”`, start);
    const args = [sum()];
    while (takes(",")) args.push(sum());
    expect(")");
    const wanted = FUNCTIONS[name];
    if (MANY.has(name) ? args.length < wanted : args.length !== wanted) fail(`“${name}” takes ${wanted}${MANY.has(name) ? " or more" : ""} operands, not ${args.length}`, start);
    return node(name, args);
  };
  const curve = () => {
    const argument = sum();
    const lists = [];
    while (takes(";")) {
      const numbers = [];
      do numbers.push(literal(takes("-") ? -1 : 1).value);
      while (takes(","));
      lists.push(numbers);
    }
    expect(")");
    const [breakpoints, ...pieces] = lists;
    if (!breakpoints || pieces.length !== breakpoints.length + 1) fail("a curve is written curve(x; breakpoints; coefficients; …)");
    return { op: "curve", args: [argument], breakpoints, pieces: pieces.map((piece) => [0, 1, 2, 3].map((power) => piece[power] ?? 0)) };
  };
  const whole = sum();
  skip();
  if (place < text.length) fail("expected an operator or the end");
  return whole;
}

/** Every node, operands before what is done with them. */
export function* walk(tree) {
  for (const child of tree.args ?? []) yield* walk(child);
  yield tree;
}

export const copy = (tree) => (tree.args ? { ...tree, args: tree.args.map(copy) } : { ...tree });

/** The names that a tree uses. */
export const variables = (tree) => [...new Set([...walk(tree)].filter((one) => one.op === "variable").map((one) => one.name))];

/** The constants that a person may change: all but whole exponents, in the order of the text. */
export function constants(tree) {
  const fixed = new Set();
  const found = [];
  for (const one of walk(tree)) {
    if (one.op === "power" && one.args[1].op === "number" && Number.isInteger(one.args[1].value)) fixed.add(one.args[1]);
    if (one.op === "number") found.push(one);
  }
  return found.filter((one) => !fixed.has(one));
}

function integerPower(x, exponent) {
  let [result, square, left] = [1, x, Math.abs(exponent)];
  for (; left > 0; left >>= 1) {
    if (left & 1) result *= square;
    square *= square;
  }
  return exponent < 0 ? 1 / result : result;
}

const power = (x, y) => (Number.isInteger(y) && Math.abs(y) <= 64 ? integerPower(x, y) : x ** y);
const least = (a, b) => (a < b ? a : b);
const most = (a, b) => (a > b ? a : b);

function curveValue({ breakpoints, pieces }, x) {
  let piece = 0;
  while (piece < breakpoints.length && (x >= breakpoints[piece] || Number.isNaN(x))) piece++;
  const u = x - breakpoints[Math.max(piece - 1, 0)];
  const [a, b, c, d] = pieces[piece];
  return c || d ? ((d * u + c) * u + b) * u + a : b ? b * u + a : a;
}

const ONE = {
  negate: (x) => -x, exp: Math.exp, log: Math.log, sqrt: Math.sqrt, sin: Math.sin, cos: Math.cos, tan: Math.tan, tanh: Math.tanh,
  arcsin: Math.asin, arccos: Math.acos, arctan: Math.atan, arctanh: Math.atanh, abs: Math.abs, sign: (x) => (x > 0 ? 1 : x < 0 ? -1 : x),
  gaussian: (x) => Math.exp(-(x * x)), step: (x) => (x > 0 ? 1 : 0),
};

/** A function of an observation. Constants are read when it is called, so a changed one counts at once. */
export function compile(tree, inputs) {
  if (tree.op === "number") return () => tree.value;
  if (tree.op === "variable") {
    const place = inputs.indexOf(tree.name);
    if (place < 0) throw new FormulaError(`“${tree.name}” is not an observation; there are ${inputs.join(", ")}`, 0);
    return (observation) => observation[place];
  }
  const args = tree.args.map((child) => compile(child, inputs));
  const [f, g, k] = args;
  if (ONE[tree.op]) {
    const one = ONE[tree.op];
    return (o) => one(f(o));
  }
  switch (tree.op) {
    case "curve": return (o) => curveValue(tree, f(o));
    case "divide": return (o) => f(o) / g(o);
    case "power": return (o) => power(f(o), g(o));
    case "clip": return (o) => least(most(f(o), g(o)), k(o));
    case "gate": return (o) => (f(o) > 0 ? g(o) : k(o));
  }
  const fold = { add: (a, b) => a + b, multiply: (a, b) => a * b, min: least, max: most }[tree.op];
  if (args.length === 2) {
    if (tree.op === "add") return (o) => f(o) + g(o);
    if (tree.op === "multiply") return (o) => f(o) * g(o);
  }
  return (o) => {
    let value = f(o);
    for (let index = 1; index < args.length; index++) value = fold(value, args[index](o));
    return value;
  };
}

const LEVELS = { add: 0, negate: 1, multiply: 2, divide: 3, power: 4 };
const level = (tree) => LEVELS[tree.op] ?? 5;

/** The shortest text of a number that reads back as the same. */
export const digits = (value) => (Object.is(value, -0) ? "-0" : String(value).replace("e+", "e"));

/** The text that parses as an equal tree. */
export function print(tree) {
  return piece(tree).text;
}

function piece(tree) {
  if (tree.op === "number") return { text: digits(tree.value), level: 5, number: !(tree.value < 0) };
  if (tree.op === "variable") return { text: NAME.exec(tree.name)?.[0] === tree.name && !Object.hasOwn(FUNCTIONS, tree.name) && tree.name !== "curve" ? tree.name : `\`${tree.name}\``, level: 5, number: false };
  const parts = tree.args.map(piece);
  const [first] = parts;
  const fenced = (part, needed) => (needed ? `(${part.text})` : part.text);
  const negative = (part) => part.text.startsWith("-");
  const made = (text, startsWithNumber = false) => ({ text, level: level(tree), number: startsWithNumber });
  switch (tree.op) {
    case "add":
      return made(parts.map((part, index) => {
        if (!index) return fenced(part, part.level === 0);
        return negative(part) && part.level !== 0 ? ` - ${part.text.slice(1)}` : ` + ${fenced(part, part.level === 0)}`;
      }).join(""));
    case "negate":
      return made(`-${fenced(first, first.level <= 1 || first.number || negative(first))}`);
    case "multiply":
    case "divide": {
      const bare = first.level >= 3 || (tree.op === "divide" && first.level === 2);
      const rest = parts.slice(1).map((part) => fenced(part, part.level <= 3 || negative(part)));
      return made([fenced(first, !bare), ...rest].join(tree.op === "multiply" ? "*" : "/"), bare && first.number);
    }
    case "power":
      return made(`${fenced(first, first.level < 5 || negative(first))}^${fenced(parts[1], parts[1].level < 4)}`);
    case "curve":
      return made(`curve(${first.text}; ${[tree.breakpoints, ...tree.pieces.map((coefficients) => coefficients.slice(0, 1 + coefficients.findLastIndex((one, index) => one !== 0 || index === 0)))].map((list) => list.map(digits).join(", ")).join("; ")})`);
    default:
      return made(`${tree.op}(${parts.map((part) => part.text).join(", ")})`);
  }
}

/** The terms of the outermost sum, sums in sums included. */
export const terms = (tree) => (tree.op === "add" ? tree.args.flatMap(terms) : [tree]);
