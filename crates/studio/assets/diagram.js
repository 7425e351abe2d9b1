// The network, whose edges can be looked into and named otherwise.

import { ask, count, h, number, svg } from "./page.js";
import { symbolText } from "./typeset.js";
import { lines } from "./chart.js";

const BOX = 46;
const PITCH = 62;
const GAP = 150;

/**
 * A run's network with the panel of the chosen edge. `pinned(answer, names)` hears what follows from another choice:
 * it stands beside the run's own formula then.
 */
export function networkView(id, network, signal, pinned) {
  const picture = h("div", { class: "scroll" });
  const panel = h("div", { class: "panel" }, h("p", { class: "soft small" }, "Choose an edge to see its curve and other functions that fit it."));
  const result = h("div", { "aria-live": "polite" });
  const pins = new Map();
  let chosen = null;
  let shown = network;

  function draw() {
    picture.replaceChildren(diagram(shown, chosen, pins, choose));
  }

  async function choose(index) {
    chosen = index;
    draw();
    picture.querySelector(`[data-edge="${index}"]`)?.focus();
    panel.replaceChildren(h("p", { class: "soft" }, "Fitting every function to this curve …"));
    try {
      const edge = await ask(`/api/runs/${id}/network/${index}`, undefined, signal);
      if (chosen === index) inspect(index, edge);
    } catch (error) {
      if (error.name !== "AbortError") panel.replaceChildren(h("p", { class: "problem" }, error.message));
    }
  }

  function inspect(index, edge) {
    const name = (node) => (node < network.inputs.length ? symbolText(network.inputs[node]) : network.outputs.includes(node) ? symbolText(network.output_names[network.outputs.indexOf(node)]) : `node ${node - network.inputs.length + 1}`);
    const { source, target } = network.edges[index];
    const chart = h("div", {});
    const list = h("div", { class: "candidates", role: "group", "aria-label": "Functions" });
    let candidate = edge.candidates.find((one) => one.function === (pins.get(index) ?? edge.function)) ?? edge.candidates[0];
    const pin = h("button", { type: "button", onclick: () => apply(index, candidate.function) });
    const quality = (one) => {
      const value = one.function === edge.function ? edge.r_squared ?? one.r_squared : one.r_squared;
      return typeof value !== "number" ? "" : `R² ${number(value, 4)}${value < 0 ? " (worse than a constant)" : ""}`;
    };
    const show = () => {
      const series = [{ points: edge.spline }];
      if (candidate) series.push({ points: candidate.curve, class: "dashed" });
      chart.replaceChildren(lines(series, { label: `The curve from ${name(source)} to ${name(target)}`, height: 210, x: source < network.inputs.length ? name(source) : "" }));
      for (const button of list.children) button.setAttribute("aria-pressed", String(button.dataset.function === candidate?.function));
      const now = pins.get(index) ?? edge.function;
      pin.textContent = candidate?.function === now ? `This edge is ${now}` : `Use ${candidate?.function} here and refit`;
      pin.disabled = !candidate || candidate.function === now;
    };
    list.append(...edge.candidates.map((one) => h("button", { type: "button", "data-function": one.function, onclick: () => { candidate = one; show(); } }, h("span", {}, one.function, one.function === edge.function && h("span", { class: "soft" }, " · the run’s choice")), h("span", { class: "soft" }, quality(one)))));
    panel.replaceChildren(
      h("h3", {}, `${name(source)} → ${name(target)}`),
      h("p", { class: "soft small" }, edge.is_spline ? "Blue is the learned curve, dashed the chosen function. R² of the run’s choice counts after all constants were fitted together, as in the report." : "Blue is the run’s function (its curve was not kept), dashed the chosen one."),
      chart,
      list,
      h("p", { class: "row" }, pin),
    );
    show();
  }

  async function apply(index, name) {
    if (name === network.edges[index].function) pins.delete(index);
    else pins.set(index, name);
    result.replaceChildren(h("p", { class: "soft" }, "Fitting all constants again and playing …"));
    try {
      const answer = await ask(`/api/runs/${id}/pin`, { pins: [...pins].map(([edge, named]) => ({ edge, function: named })) }, signal);
      shown = answer.network;
      const undo = h("button", { type: "button", onclick: () => { pins.clear(); shown = network; result.replaceChildren(); draw(); if (chosen !== null) choose(chosen); } }, "Reset");
      result.replaceChildren(h("p", { class: "row" }, h("span", { class: "soft small" }, pins.size ? `${count(pins.size, "edge")} changed, loss ${number(answer.validation_loss ?? answer.train_loss)}` : "As the run named it."), undo));
      draw();
      if (pins.size) pinned(answer, [...new Set(pins.values())]);
      if (chosen !== null) choose(chosen);
    } catch (error) {
      if (error.name === "AbortError") return;
      pins.delete(index);
      result.replaceChildren(h("p", { class: "problem", role: "alert" }, error.message));
    }
  }

  draw();
  return h("div", {}, picture, panel, result);
}

/** The drawing of a network, or of a formula as one; `choose` hears which edge was picked. */
export function diagram(network, chosen, pins, choose, label = "The network: inputs below, outputs above") {
  const level = levels(network);
  const used = network.nodes.map((_, node) => level[node] > 0 || network.edges.some((edge) => edge.source === node));
  const top = Math.max(1, ...level);
  const strongest = Math.max(...network.edges.map((edge) => edge.importance ?? 0)) || 1;
  const groups = Array.from({ length: top + 1 }, (_, row) => network.nodes.map((_, node) => node).filter((node) => level[node] === row && used[node]));
  const slots = Array.from({ length: top }, (_, row) => groups[row].flatMap((node) => {
    const own = network.edges.map((edge, index) => [edge, index]).filter(([edge]) => edge.source === node).map(([, index]) => ({ node, index }));
    return own.length ? own : [{ node, index: null }];
  }));
  const width = Math.max(300, ...slots.map((row) => row.length * PITCH), ...groups.map((row) => row.length * 84)) + 40;
  const height = top * GAP + 84;
  const y = (row) => height - 44 - row * GAP;
  const spread = (place, count, most) => width / 2 + (place - (count - 1) / 2) * Math.min((width - 40) / count, most);
  const at = [];
  groups.forEach((row, number) => row.forEach((node, place) => (at[node] = [spread(place, row.length, 260), y(number)])));
  const boxes = [];
  slots.forEach((row, number) => {
    row.forEach((slot, place) => slot.index !== null && (boxes[slot.index] = [spread(place, row.length, number ? 120 : Infinity), y(number) - GAP * 0.5]));
    if (number === 0) for (const node of groups[0]) {
      const places = row.map((slot, place) => (slot.node === node ? spread(place, row.length, Infinity) : null)).filter((x) => x !== null);
      at[node][0] = places.reduce((sum, x) => sum + x, 0) / places.length;
    }
  });
  const name = (node) => (node < network.inputs.length ? symbolText(network.inputs[node]) : network.outputs.includes(node) ? symbolText(network.output_names[network.outputs.indexOf(node)]) : network.nodes[node].label ?? `node ${node - network.inputs.length + 1}`);
  const picture = svg("svg", { class: "network", viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": label });
  network.edges.forEach((edge, index) => {
    const [x, middle] = boxes[index];
    const share = Math.tanh((3 * (edge.importance ?? 0)) / strongest) / Math.tanh(3);
    const words = `${name(edge.source)} to ${name(edge.target)}: ${edge.function ?? "a curve"}`;
    const group = svg("g", choose ? { class: `edge ${pins.has(index) ? "pinned" : ""}`, tabindex: 0, role: "button", "data-edge": index, "aria-label": words, "aria-pressed": String(chosen === index) } : { class: "edge", role: "img", "aria-label": words });
    const wire = (from, to) => svg("line", { class: "wire", x1: from[0], y1: from[1], x2: to[0], y2: to[1], opacity: 0.15 + 0.85 * share });
    if (edge.curve?.length) {
      group.append(
        wire(at[edge.source], [x, middle + BOX / 2]),
        wire([x, middle - BOX / 2], at[edge.target]),
        svg("rect", { class: "box", x: x - BOX / 2, y: middle - BOX / 2, width: BOX, height: BOX, rx: 8 }),
        svg("polyline", { class: "curve", points: fit(edge.curve, x, middle), opacity: 0.3 + 0.7 * share }),
        svg("text", { class: "name", x, y: middle - BOX / 2 - 6 }, edge.function ?? ""),
      );
    } else {
      group.append(wire(at[edge.source], at[edge.target]), svg("text", { class: "name", x: (at[edge.source][0] + at[edge.target][0]) / 2, y: (at[edge.source][1] + at[edge.target][1]) / 2 }, edge.function === "x" ? "" : edge.function ?? ""));
    }
    if (choose) {
      group.addEventListener("click", () => choose(index));
      group.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        choose(index);
      });
    }
    picture.append(group);
  });
  network.nodes.forEach((node, index) => {
    if (!used[index] && !network.outputs.includes(index)) return;
    const [x, middle] = at[index] ?? [width / 2, y(top)];
    picture.append(svg("circle", { class: "node", cx: x, cy: middle, r: node.kind === "product" || node.label ? 9 : 6 }));
    const sign = node.kind === "product" ? "×" : node.label;
    if (sign) picture.append(svg("text", { class: "name", x: x + 14 + sign.length * 3, y: middle + 5 }, sign));
    if (index < network.inputs.length) picture.append(svg("text", { class: "name", x, y: middle + 26 }, symbolText(network.inputs[index])));
    const output = network.outputs.indexOf(index);
    if (output >= 0) picture.append(svg("text", { class: "name", x, y: middle - 14 }, symbolText(network.output_names[output])));
  });
  return picture;
}

function levels(network) {
  const level = network.nodes.map(() => 0);
  for (const edge of network.edges) level[edge.target] = Math.max(level[edge.target], level[edge.source] + 1);
  const top = Math.max(1, ...level);
  for (const output of network.outputs) level[output] = top;
  return level;
}

function fit(curve, x, y) {
  const half = BOX / 2 - 6;
  const range = (place) => [Math.min(...curve.map((point) => point[place])), Math.max(...curve.map((point) => point[place]))];
  const [[left, right], [low, high]] = [range(0), range(1)];
  const flat = high - low <= 1e-9 * Math.max(Math.abs(low), Math.abs(high));
  return curve.map(([across, up]) => `${(x - half + (2 * half * (across - left)) / (right - left || 1)).toFixed(1)},${(flat ? y : y + half - (2 * half * (up - low)) / (high - low)).toFixed(1)}`).join(" ");
}
