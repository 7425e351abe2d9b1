// Charts: lines, a scatter of runs, and a strip of returns.

import { number, svg } from "./page.js";

const WIDTH = 560;

/** Lines over a common range; with `log`, heights are logarithms. */
export function lines(series, { log = false, label, height = 240, x = "", y = "" }) {
  const frame = { left: 58, right: 12, top: 10, bottom: x ? 40 : 26 };
  const value = (point) => (log ? Math.log10(point[1]) : point[1]);
  const all = series.flatMap((one) => one.points);
  const across = scale(all.map((point) => point[0]), frame.left, WIDTH - frame.right, 0);
  const up = scale(all.map(value), height - frame.bottom, frame.top, 0.06);
  const chart = svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": label });
  // Within less than two decades, powers of ten would leave the axis empty.
  const decades = log && up.high - up.low > 1.5;
  axes(chart, across, up, frame, height, decades ? power : log ? (tick) => (10 ** tick).toPrecision(2) : (tick) => number(tick), decades);
  for (const one of series) {
    const path = one.points.map((point) => `${across(point[0]).toFixed(1)},${up(value(point)).toFixed(1)}`).join(" ");
    chart.append(svg("polyline", { class: `line ${one.class ?? ""}`, points: path }));
  }
  titles(chart, x, y, frame, height);
  return chart;
}

/** Runs by operations and return; `front` ones are filled. */
export function scatter(points, { label, x, y, pick }) {
  const height = 320;
  const frame = { left: 64, right: 20, top: 24, bottom: 48 };
  const across = scale(points.map((point) => point.x), frame.left, WIDTH - frame.right, 0.06);
  const up = scale(points.map((point) => point.y), height - frame.bottom, frame.top, 0.08);
  const chart = svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${height}`, role: "group", "aria-label": label });
  axes(chart, across, up, frame, height, (tick) => number(tick), false, true);
  const front = points.filter((point) => point.front).sort((one, other) => one.x - other.x);
  const path = front.map((point, index) => `${index ? `H${across(point.x).toFixed(1)}V` : `M${across(point.x).toFixed(1)} `}${up(point.y).toFixed(1)}`).join("");
  if (path) chart.append(svg("path", { class: "line", d: path, opacity: 0.45 }));
  for (const point of points) {
    const circle = svg("circle", { class: `point ${point.front ? "front" : ""}`, cx: across(point.x), cy: up(point.y), r: 7, tabindex: 0, role: "button", "aria-label": point.label, "aria-pressed": "false" });
    circle.append(svg("title", {}, point.label));
    const choose = () => {
      for (const other of chart.querySelectorAll(".point")) other.setAttribute("aria-pressed", String(other === circle));
      pick(point);
    };
    circle.addEventListener("click", choose);
    circle.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose();
    });
    chart.append(circle);
  }
  titles(chart, x, y, frame, height);
  return chart;
}

/** Every episode's return as a tick, the mean as a dot, all policies on one scale. */
export function strip(values, mean, low, high, label) {
  const chart = svg("svg", { class: "chart", viewBox: "0 0 300 28", role: "img", "aria-label": label });
  const across = scale([low, high], 8, 292, 0);
  chart.append(svg("line", { class: "grid", x1: 8, x2: 292, y1: 14, y2: 14 }));
  for (const value of values) chart.append(svg("line", { class: "tick", x1: across(value), x2: across(value), y1: 7, y2: 21 }));
  chart.append(svg("circle", { class: "mean", cx: across(mean), cy: 14, r: 5.5 }));
  return chart;
}

function scale(values, from, to, margin) {
  let low = Math.min(...values);
  let high = Math.max(...values);
  if (!(high > low)) [low, high] = [low - 1, low + 1];
  const room = (high - low) * margin;
  [low, high] = [low - room, high + room];
  const place = (value) => from + ((value - low) / (high - low)) * (to - from);
  return Object.assign(place, { low, high });
}

function axes(chart, across, up, frame, height, words, whole, wholeAcross = false) {
  for (const tick of ticks(up.low, up.high, 4, whole)) {
    chart.append(svg("line", { class: "grid", x1: frame.left, x2: WIDTH - frame.right, y1: up(tick), y2: up(tick) }));
    chart.append(svg("text", { class: "axis", x: frame.left - 8, y: up(tick) + 4, "text-anchor": "end" }, words(tick)));
  }
  for (const tick of ticks(across.low, across.high, 6, wholeAcross)) {
    chart.append(svg("text", { class: "axis", x: across(tick), y: height - frame.bottom + 18, "text-anchor": "middle" }, number(tick)));
  }
}

function titles(chart, x, y, frame, height) {
  if (x) chart.append(svg("text", { class: "axis", x: (frame.left + WIDTH - frame.right) / 2, y: height - 4, "text-anchor": "middle" }, x));
  if (y) chart.append(svg("text", { class: "axis", x: frame.left, y: frame.top - 8, "text-anchor": "start" }, y));
}

function ticks(low, high, count, whole) {
  const rough = (high - low) / count;
  const size = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 5, 10].map((factor) => factor * size).find((candidate) => candidate >= rough);
  if (whole) step = Math.max(1, Math.round(step));
  const found = [];
  const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-9; tick += step) found.push(Number(tick.toFixed(places)));
  return found;
}

function power(exponent) {
  const raised = [...String(Math.round(exponent))].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit] ?? "⁻").join("");
  return `10${raised}`;
}
