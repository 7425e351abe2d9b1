// One constant that is moved: by how much, and what the return is along it.

import { number, svg } from "./page.js";
import { threshold } from "./bench.js";

/** What an arrow key or a pixel changes: a hundredth, as one digit. */
export function unitOf(value) {
  const size = Math.abs(value) || 1;
  return 10 ** (Math.floor(Math.log10(size)) - 2);
}

export function rounded(value, unit) {
  const places = Math.max(0, -Math.floor(Math.log10(unit) + 1e-9));
  return Number((Math.round(value / unit) * unit).toFixed(Math.min(places, 20)));
}

/** The returns along a constant, and where they fall off. */
export function drawStrip(place, words, points, [low, high], reference, done) {
  const played = points.filter(([, value]) => value !== null);
  if (!played.length || reference === undefined || reference === null) return;
  const all = played.map(([, value]) => value);
  const [bottom, top] = [Math.min(...all), Math.max(...all)];
  const x = (value) => ((value - low) / (high - low)) * 300;
  const y = (value) => 34 - ((value - bottom) / (top - bottom || 1)) * 30;
  const limit = threshold(reference, all);
  const broken = points.filter(([, value]) => value === null || value < limit).map(([at]) => at);
  const middle = (low + high) / 2;
  const below = broken.filter((at) => at < middle).at(-1);
  const above = broken.find((at) => at > middle);
  const chart = svg("svg", { viewBox: "0 0 300 38", preserveAspectRatio: "none", role: "img", "aria-label": "Return along this constant" });
  if (below !== undefined) chart.append(svg("rect", { class: "broken", x: 0, y: 0, width: x(below), height: 38 }));
  if (above !== undefined) chart.append(svg("rect", { class: "broken", x: x(above), y: 0, width: 300 - x(above), height: 38 }));
  chart.append(svg("line", { class: "origin", x1: x(middle), x2: x(middle), y1: 0, y2: 38 }), svg("polyline", { class: "line", points: played.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ") }));
  place.replaceChildren(chart);
  const at = [below !== undefined && `below ${number(below)}`, above !== undefined && `above ${number(above)}`].filter(Boolean);
  words.textContent = !done ? "Playing along this constant …" : at.length ? `Breaks ${at.join(" and ")}; the line is the return, the mark the original value.` : "It does not break in this range; the line is the return, the mark the original value.";
}
