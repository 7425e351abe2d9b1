// What a formula does while its constants are moved: its value along one observation, its decisions over two of them, and the
// returns along a constant.

import { h, number, svg } from "./page.js";
import { symbolText } from "./typeset.js";
import { returns } from "./play.js";

const GRID = [84, 56];
const STEPS = 60;

const median = (values) => [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;

/** Two pictures for formulas of one run; `draw(formula, original)` draws both. */
export function pictures(formula, rows, signal) {
  const inputs = formula.inputs;
  const columns = inputs.map((_, index) => rows.observations.map((observation) => observation[index]));
  const ranges = columns.map((column) => {
    const [low, high] = [Math.min(...column), Math.max(...column)];
    const room = 0.1 * (high - low || 1);
    return [low - room, high + room];
  });
  const middle = columns.map(median);
  const spread = columns.map((column, index) => influence(formula, middle, ranges[index], index));
  const order = inputs.map((_, index) => index).sort((one, other) => spread[other] - spread[one]);
  const axes = { x: order[0], y: order[1] ?? order[0] };
  let last = [formula, null];
  const choose = (axis, label) => {
    const select = h("select", { class: "slim", "aria-label": label, onchange: () => { axes[axis] = Number(select.value); draw(...last); } }, inputs.map((name, index) => h("option", { value: String(index) }, symbolText(name))));
    select.value = String(axes[axis]);
    return select;
  };
  const line = svg("svg", { class: "chart response", viewBox: "0 0 300 190", role: "img" });
  const surface = h("canvas", { class: "surface", width: String(GRID[0]), height: String(GRID[1]), role: "img" });
  const key = h("div", { class: "key small soft" });
  const scale = h("div", { class: "ends small soft" });
  const element = h(
    "div",
    { class: "pictures" },
    h("figure", {}, h("figcaption", { class: "row between" }, h("span", { class: "soft small" }, "value along"), choose("x", "Observation of both pictures")), line),
    inputs.length > 1 && h("figure", {}, h("figcaption", { class: "row between" }, h("span", { class: "soft small" }, "decisions against"), choose("y", "Second observation")), h("div", { class: "map" }, surface), scale, key),
  );

  function draw(current, original) {
    last = [current, original];
    drawLine(current, original);
    if (inputs.length > 1) drawSurface(current, original);
  }

  function along(one, index, place) {
    const observation = Float64Array.from(middle);
    observation[index] = place;
    const value = one.evaluate(observation)[0];
    if (one.action.kind !== "clip") return value;
    const action = one.act(observation);
    return action === null ? NaN : action[0];
  }

  function drawLine(current, original) {
    const [low, high] = ranges[axes.x];
    const at = (step) => low + ((high - low) * step) / STEPS;
    const points = (one) => Array.from({ length: STEPS + 1 }, (_, step) => [at(step), along(one, axes.x, at(step))]).filter(([, y]) => Number.isFinite(y));
    const series = [original && original !== current ? points(original) : null, points(current)];
    const all = series.flatMap((one) => one ?? []).map(([, y]) => y);
    let [bottom, top] = [Math.min(0, ...all), Math.max(0, ...all)];
    if (!(top > bottom)) [bottom, top] = [bottom - 1, top + 1];
    const x = (value) => 38 + ((value - low) / (high - low)) * 254;
    const y = (value) => 160 - ((value - bottom) / (top - bottom)) * 148;
    const path = (one) => one.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(" ");
    line.replaceChildren(
      svg("line", { class: "grid", x1: 38, x2: 292, y1: y(0), y2: y(0) }),
      ...[[bottom, y(bottom)], [top, y(top)]].map(([value, place]) => svg("text", { class: "axis", x: 34, y: place + 4, "text-anchor": "end" }, number(value))),
      ...[low, high].map((value, index) => svg("text", { class: "axis", x: index ? 292 : 38, y: 178, "text-anchor": index ? "end" : "start" }, number(value))),
      ...(series[0] ? [svg("polyline", { class: "line ghost", points: path(series[0]) })] : []),
      svg("polyline", { class: "line", points: path(series[1]) }),
    );
    line.setAttribute("aria-label", `The formula's value along ${symbolText(inputs[axes.x])}, the other observations at their medians`);
  }

  /** A color for each decision, and the border of the original's decisions where it was another one. */
  function drawSurface(current, original) {
    const [wide, tall] = GRID;
    const context = surface.getContext("2d");
    const image = context.createImageData(wide, tall);
    const styles = getComputedStyle(surface);
    const colors = [1, 2, 3, 4].map((index) => channels(styles.getPropertyValue(`--decision-${index}`)));
    const ink = channels(styles.color);
    const [[left, right], [bottom, top]] = [ranges[axes.x], ranges[axes.y]];
    const observation = Float64Array.from(middle);
    const decide = (one) => {
      const found = new Float32Array(wide * tall);
      for (let place = 0; place < wide * tall; place++) {
        observation[axes.x] = left + ((right - left) * ((place % wide) + 0.5)) / wide;
        observation[axes.y] = top - ((top - bottom) * (Math.floor(place / wide) + 0.5)) / tall;
        const action = one.act(observation);
        found[place] = action === null ? NaN : Array.isArray(action) ? action[0] : action;
      }
      return found;
    };
    const now = decide(current);
    const before = original && original !== current ? decide(original) : null;
    const vector = current.action.kind === "clip";
    const [low, high] = vector ? span(now, current.action) : [0, 1];
    for (let place = 0; place < now.length; place++) {
      let color = colors[Math.max(0, now[place]) % colors.length] ?? colors[0];
      if (vector) {
        const share = Math.max(0, Math.min(1, (now[place] - low) / (high - low || 1)));
        color = colors[0].map((value, index) => Math.round(value + (colors[1][index] - value) * share));
      }
      if (Number.isNaN(now[place])) color = ink;
      if (before) {
        const side = (values, other) => (vector ? values[place] > 0 !== values[other] > 0 : values[place] !== values[other]);
        if (((place + 1) % wide && side(before, place + 1)) || (place + wide < now.length && side(before, place + wide))) color = ink;
      }
      image.data.set([...color, 255], place * 4);
    }
    context.putImageData(image, 0, 0);
    surface.setAttribute("aria-label", `What the formula does over ${symbolText(inputs[axes.x])} across and ${symbolText(inputs[axes.y])} upwards`);
    scale.replaceChildren(`${symbolText(inputs[axes.y])} ${number(bottom)} to ${number(top)} upwards`);
    const names = vector ? [`${number(low)}`, `${number(high)}`] : current.labels;
    key.replaceChildren(...names.slice(0, 4).map((name, index) => h("span", {}, h("i", { class: `swatch decision-${index + 1}` }), name)), ...(before ? [h("span", {}, h("i", { class: "swatch before" }), "before")] : []));
  }

  draw(formula, null);
  return { element, draw };
}

function span(values, { low, high }) {
  if (low[0] !== null && high[0] !== null) return [low[0], high[0]];
  const finite = [...values].filter(Number.isFinite);
  return [Math.min(...finite), Math.max(...finite)];
}

/** How much a formula's first value changes along an observation. */
function influence(formula, middle, [low, high], index) {
  const values = Array.from({ length: 9 }, (_, step) => {
    const observation = Float64Array.from(middle);
    observation[index] = low + ((high - low) * step) / 8;
    return formula.evaluate(observation)[0];
  }).filter(Number.isFinite);
  return values.length ? Math.max(...values) - Math.min(...values) : 0;
}

/** Red, green and blue of #rrggbb or rgb(…). */
function channels(text) {
  const hex = /#([0-9a-f]{6})/i.exec(text);
  if (hex) return [0, 2, 4].map((place) => parseInt(hex[1].slice(place, place + 2), 16));
  return (text.match(/[\d.]+/g) ?? [128, 128, 128]).slice(0, 3).map(Number);
}

/** The least return that still counts as playing: nine tenths of the way from the worst to the original. */
export function threshold(reference, all) {
  const worst = Math.min(...all);
  return reference - 0.1 * Math.max(Math.abs(reference), reference - worst);
}

/**
 * Returns along a constant, a few at a time so that the page stays quick; `heard(points, done)` gets what is known so far.
 */
export function sweep(world, formula, constant, starts, [low, high], signal, heard) {
  const count = 33;
  const value = constant.value;
  const order = Array.from({ length: count }, (_, index) => index).sort((one, other) => Math.abs(one - count / 2) - Math.abs(other - count / 2));
  const points = [];
  const next = () => {
    if (signal.aborted) return;
    const begin = performance.now();
    while (order.length && performance.now() - begin < 8) {
      const x = low + ((high - low) * order.shift()) / (count - 1);
      const now = constant.value;
      constant.value = x;
      const found = returns(world, formula, starts);
      constant.value = now;
      points.push([x, found?.mean ?? null]);
    }
    heard([...points].sort((one, other) => one[0] - other[0]), !order.length, value);
    if (order.length) setTimeout(next, 0);
  };
  setTimeout(next, 0);
}
