// A formula plays in the page: its returns over many starts, one episode step by step, and what its terms do.

import { classic } from "./classic.js";
import { FormulaError, compile, parse, terms } from "./expression.js";

/** A policy from texts: `outputs` of `{name, text}`, with the rule from their values to an action. */
export class Formula {
  constructor({ inputs, outputs, action, labels = [], actions = [] }) {
    this.inputs = inputs;
    this.action = action;
    this.labels = labels;
    this.actions = actions;
    this.outputs = outputs.map(({ name, text, tree }) => ({ name, tree: tree ?? parse(text) }));
    this.compiled = this.outputs.map(({ tree }) => compile(tree, inputs));
    this.values = new Float64Array(outputs.length);
  }

  /** The values of the outputs. */
  evaluate(observation) {
    for (let index = 0; index < this.compiled.length; index++) this.values[index] = this.compiled[index](observation);
    return this.values;
  }

  /** The action: a number, or a list of single-precision numbers; null where a value is not finite. */
  act(observation) {
    const values = this.evaluate(observation);
    for (const value of values) if (!Number.isFinite(value)) return null;
    const { kind, low, high } = this.action;
    if (kind === "clip") {
      return Array.from(values, (value, index) => {
        const single = Math.fround(value);
        if (low[index] !== null && single < Math.fround(low[index])) return Math.fround(low[index]);
        return high[index] !== null && single > Math.fround(high[index]) ? Math.fround(high[index]) : single;
      });
    }
    let [best, most] = kind === "threshold" ? [0, 0] : [0, values[0]];
    for (let index = kind === "threshold" ? 0 : 1; index < values.length; index++) {
      if (values[index] > most) [best, most] = [index + (kind === "threshold" ? 1 : 0), values[index]];
    }
    return best;
  }

  /** Another formula with these trees. */
  with(trees) {
    const { inputs, action, labels, actions, outputs } = this;
    return new Formula({ inputs, action, labels, actions, outputs: outputs.map(({ name }, index) => ({ name, tree: trees[index] })) });
  }
}

/** The environment that formulas play in, if this page knows its dynamics. */
export function world({ id, constants, options, steps }) {
  const dynamics = classic[id];
  if (!dynamics || !constants || Object.keys(options).some((name) => !["sutton_barto_reward", "goal_velocity", "g", "start"].includes(name)) || constants.torque_noise_max > 0) return null;
  return { ...dynamics, constants, options, limit: steps };
}

/** The return of one episode from a start. */
export function episodeReturn(world, formula, start) {
  const state = Float64Array.from(start);
  const observation = new Float64Array(world.size);
  let total = 0;
  for (let step = 0; step < world.limit; step++) {
    world.observe(state, observation);
    const action = formula.act(observation);
    if (action === null) return null;
    const [reward, over] = world.step(state, action, world.constants, world.options, step);
    total += reward;
    if (over) break;
  }
  return total;
}

/** Mean, and all returns; null where the formula leaves its domain. */
export function returns(world, formula, starts) {
  const all = [];
  for (const start of starts) {
    const value = episodeReturn(world, formula, start);
    if (value === null) return null;
    all.push(value);
  }
  return { mean: mean(all), all };
}

/** An episode step by step: states before each action and after the last, actions, rewards. */
export function episode(world, formula, start) {
  const state = Float64Array.from(start);
  const observation = new Float64Array(world.size);
  const found = { states: [Float64Array.from(state)], observations: [], actions: [], rewards: [], total: 0, length: 0 };
  for (let step = 0; step < world.limit; step++) {
    world.observe(state, observation);
    const action = formula.act(observation);
    if (action === null) break;
    found.observations.push(Float64Array.from(observation));
    found.actions.push(action);
    const [reward, over] = world.step(state, action, world.constants, world.options, step);
    found.rewards.push(reward);
    found.total += reward;
    found.states.push(Float64Array.from(state));
    if (over) break;
  }
  found.length = found.actions.length;
  return found;
}

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** How far a formula does what the expert does in some of the expert's states, as kanrl measures it. */
export function agreement(formula, rows) {
  const actions = rows.observations.map((observation) => formula.act(observation));
  if (actions.includes(null)) return null;
  if (formula.action.kind !== "clip") return mean(actions.map((action, index) => (action === rows.actions[index] ? 1 : 0)));
  const size = formula.outputs.length;
  let [missed, spread] = [0, 0];
  for (let index = 0; index < size; index++) {
    const center = mean(rows.actions.map((action) => action[index]));
    rows.actions.forEach((action, row) => {
      missed += (action[index] - actions[row][index]) ** 2;
      spread += (action[index] - center) ** 2;
    });
  }
  return spread > 0 ? 1 - missed / spread : null;
}

/** Each term's share of its output's variance over the expert's states: the shares of an output sum to one. */
export function shares(formula, rows) {
  return formula.outputs.map(({ tree }) => {
    const found = terms(tree).map((term) => ({ term, value: compile(term, formula.inputs) }));
    const values = rows.observations.map((observation) => found.map(({ value }) => value(observation)));
    const sums = values.map((row) => row.reduce((total, value) => total + value, 0));
    const center = mean(sums);
    const variance = sums.reduce((total, sum) => total + (sum - center) ** 2, 0);
    return found.map(({ term }, index) => ({ term, share: variance > 0 ? values.reduce((total, row, place) => total + row[index] * (sums[place] - center), 0) / variance : null }));
  });
}

export { FormulaError };
