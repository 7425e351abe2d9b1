// One player for several policies on the same start: they play, stop and step together, and what they did stands below.

import { h, number, svg } from "./page.js";

const SPEEDS = [0.25, 0.5, 1, 2, 4];
/** Steps that the curves of actions show at a time: of more, nothing could be told apart. */
const WINDOW = 120;

/** A canvas as the drawings of classic control see it: meters are theirs, colors follow the theme. */
export class Pen {
  /** `closer` is how much larger the middle of the picture is drawn, and where that is. */
  constructor(canvas, [width, height], [closer, x, y] = [1, width / 2, height / 2]) {
    const ratio = Math.min(2, devicePixelRatio || 1);
    const room = canvas.clientWidth || width / 2;
    const scale = Math.max(0.4, (room / width) * ratio);
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    this.context = canvas.getContext("2d");
    this.context.scale(scale, scale);
    this.context.translate(width / 2 - x * closer, height / 2 - y * closer);
    this.context.scale(closer, closer);
    this.ink = getComputedStyle(canvas).color;
  }

  color(name) {
    return name === "ink" ? this.ink : name;
  }

  line(points, width, color) {
    this.path(points);
    this.context.lineWidth = width;
    this.context.strokeStyle = this.color(color);
    this.context.stroke();
  }

  polygon(points, color) {
    this.path(points);
    this.context.closePath();
    this.context.fillStyle = this.color(color);
    this.context.fill();
  }

  circle(x, y, radius, color) {
    this.context.beginPath();
    this.context.arc(x, y, radius, 0, 2 * Math.PI);
    this.context.fillStyle = this.color(color);
    this.context.fill();
  }

  path(points) {
    this.context.beginPath();
    points.forEach(([x, y], index) => (index ? this.context.lineTo(x, y) : this.context.moveTo(x, y)));
  }
}

/** A lane that is drawn here from the states of its episode. */
class Drawn {
  constructor(world) {
    this.world = world;
    this.element = h("canvas", { role: "img" });
    this.resized = new ResizeObserver(() => this.show(this.trace, this.step ?? 0));
    this.resized.observe(this.element);
  }

  show(trace, step) {
    [this.trace, this.step] = [trace, step];
    if (!trace?.states?.length) return;
    const place = Math.min(step, trace.states.length - 1);
    const pen = new Pen(this.element, this.world.shape);
    this.world.draw(pen, trace.states[place], trace.actions[place - 1]);
  }

  stop() {
    this.resized.disconnect();
  }
}

/** A lane whose film the server makes; `step` is turned into the film's own time. */
class Filmed {
  constructor() {
    this.video = h("video", { muted: true, playsinline: true, preload: "auto", tabindex: "-1" });
    this.words = h("p", {}, "Filming …");
    this.element = h("div", { class: "filmed" }, this.video, this.words);
    this.video.hidden = true;
    this.video.addEventListener("loadeddata", () => {
      this.video.hidden = false;
      this.words.textContent = "";
      this.show(this.trace, this.step ?? 0);
    });
    this.video.addEventListener("error", () => {
      if (this.video.getAttribute("src")) this.words.textContent = "There is no film of this episode.";
    });
  }

  show(trace, step) {
    [this.trace, this.step] = [trace, step];
    if (!trace?.film) return;
    if (this.video.getAttribute("src") !== trace.film) {
      this.video.hidden = true;
      this.words.textContent = "Filming …";
      this.video.src = trace.film;
    }
    if (this.video.readyState < 2) return;
    const frame = Math.floor(Math.min(step, Math.max(trace.length - 1, 0)) / trace.stride);
    const time = (frame + 0.5) / trace.pace;
    if (Math.abs(this.video.currentTime - time) > 0.4 / trace.pace && !this.video.seeking) this.video.currentTime = time;
  }

  /** What is not wanted any more is not waited for: the server stops filming it. */
  stop() {
    this.video.removeAttribute("src");
    this.video.load();
  }
}

/** What an action is called: by its label, or by its numbers. */
export function actionText(formula, action) {
  if (action === null || action === undefined) return "–";
  if (!Array.isArray(action)) return formula.labels[action] ?? String(action);
  return action.map((value) => number(value, 2)).join(", ");
}

/** Steps at which two episodes do different things. */
export function disagreements(one, other) {
  const length = Math.min(one.actions.length, other.actions.length);
  const found = [];
  if (!length) return found;
  const vector = Array.isArray(one.actions[0]);
  const ranges = vector ? one.actions[0].map((_, index) => {
    const all = [...one.actions, ...other.actions].map((action) => action[index]);
    return Math.max(...all) - Math.min(...all) || 1;
  }) : null;
  for (let step = 0; step < length; step++) {
    const [a, b] = [one.actions[step], other.actions[step]];
    if (vector ? a.some((value, index) => Math.abs(value - b[index]) > 0.1 * ranges[index]) : a !== b) found.push(step);
  }
  return found;
}

/**
 * The player. `lanes` are `{name, kind}`; `set(index, trace)` gives a lane its episode, `formula` knows the actions' names.
 */
export function player({ world, formula, fps, lanes, signal, seeds, onseed }) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const state = { step: 0, playing: !calm, speed: 1, traces: lanes.map(() => null), names: lanes.map((lane) => lane.name) };
  const screens = lanes.map(() => (world ? new Drawn(world) : new Filmed()));
  const captions = lanes.map((lane) => h("figcaption", {}, h("b", {}, lane.name), h("span", { class: "did" })));
  const figures = screens.map((screen, index) => h("figure", { class: `lane lane-${index}` }, h("div", { class: "screen" }, screen.element), captions[index]));
  const seek = h("input", { type: "range", min: "0", max: "1", value: "0", step: "1", "aria-label": "Step of the episode", oninput: () => go(Number(seek.value), false) });
  const play = h("button", { type: "button", class: "icon", onclick: () => toggle() });
  const place = h("span", { class: "soft small place" });
  const speed = h("select", { "aria-label": "Speed", onchange: () => (state.speed = Number(speed.value)) }, SPEEDS.map((value) => h("option", { value: String(value) }, `${value} ×`)));
  speed.value = "1";
  const seedSelect = seeds > 1 && h("select", { "aria-label": "Start of the episode", onchange: () => onseed(Number(seedSelect.value)) }, Array.from({ length: seeds }, (_, index) => h("option", { value: String(index) }, `Start ${index + 1}`)));
  const marks = h("div", { class: "marks" });
  const traces = h("div", { class: "traces" });
  const summary = h("p", { class: "soft small" });
  const element = h(
    "div",
    { class: "player" },
    h("div", { class: "lanes" }, figures),
    h("div", { class: "controls" }, play, button(icon("M11 3 5 8l6 5zM3 3h1.5v10H3z"), "One step back", () => go(state.step - 1, false)), button(icon("M5 3l6 5-6 5zM11.5 3H13v10h-1.5z"), "One step on", () => go(state.step + 1, false)), h("div", { class: "seek" }, seek, marks), place, speed, seedSelect),
    traces,
    summary,
  );
  element.addEventListener("keydown", (event) => {
    if (event.target.matches("select, input, button, textarea")) return;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") go(state.step + (event.key === "ArrowLeft" ? -1 : 1), false);
    else if (event.key === " ") toggle();
    else return;
    event.preventDefault();
  });

  function button(text, label, onclick) {
    return h("button", { type: "button", class: "icon", "aria-label": label, title: label, onclick }, text);
  }

  const longest = () => Math.max(1, ...state.traces.map((trace) => trace?.length ?? 0));

  function toggle(playing = !state.playing) {
    state.playing = playing;
    if (playing && state.step >= longest()) state.step = 0;
    dress();
    if (playing) run();
  }

  function dress() {
    play.replaceChildren(icon(state.playing ? "M4 3h3v10H4zM9 3h3v10H9z" : "M4 2.5l9 5.5-9 5.5z"));
    play.setAttribute("aria-label", state.playing ? "Pause" : "Play");
    play.title = state.playing ? "Pause" : "Play";
  }

  function go(step, playing = state.playing) {
    if (playing !== state.playing) toggle(playing);
    state.step = Math.max(0, Math.min(longest(), step));
    show();
  }

  function show() {
    const step = Math.floor(state.step);
    seek.max = String(longest());
    seek.value = String(step);
    seek.setAttribute("aria-valuetext", `step ${step} of ${longest()}`);
    place.textContent = `${step} / ${longest()}`;
    screens.forEach((screen, index) => {
      const trace = state.traces[index];
      screen.show(trace, step);
      const over = trace && step >= trace.length;
      const action = trace?.actions[Math.min(step, trace.length - 1)];
      const text = !trace ? "" : over ? `ended, return ${number(trace.total)}` : actionText(formula(), action);
      captions[index].lastChild.textContent = text && ` ${text}`;
      screen.element.setAttribute("aria-label", `${state.names[index]}, step ${step}: ${text}`);
    });
    const wide = Math.min(WINDOW, longest());
    const from = Math.max(0, Math.min(longest() - wide, step - wide / 2));
    for (const chart of traces.querySelectorAll("svg")) {
      chart.setAttribute("viewBox", `${from} 0 ${wide} 44`);
      chart.querySelector(".cursor").setAttribute("transform", `translate(${step} 0)`);
    }
  }

  let last = 0;
  let frame = 0;
  function run() {
    cancelAnimationFrame(frame);
    last = performance.now();
    const tick = (now) => {
      if (!state.playing || signal.aborted) return;
      if (element.isConnected && !document.hidden) {
        const before = Math.floor(state.step);
        // A frame's time is when it was due, which may lie before `last`.
        state.step += (Math.max(0, now - last) / 1000) * fps * state.speed;
        // A moment to see how it ended, then again from the start.
        if (state.step > longest() + fps) state.step = 0;
        if (Math.floor(Math.min(state.step, longest())) !== before) show();
      }
      last = now;
      frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
  }

  /** What each did, one curve for each coordinate of the action, and marks where the first two part. */
  function draw() {
    const known = state.traces.map((trace, index) => ({ trace, index })).filter(({ trace }) => trace?.actions.length);
    const length = longest();
    const apart = known.length > 1 ? disagreements(known[0].trace, known.at(-1).trace) : [];
    marks.replaceChildren(...spans(apart).map(([from, to]) => {
      const mark = h("span", { class: "mark" });
      mark.style.left = `${(from / length) * 100}%`;
      mark.style.width = `${Math.max(0.3, ((to - from) / length) * 100)}%`;
      return mark;
    }));
    if (!known.length) return traces.replaceChildren();
    const [first] = known[0].trace.actions;
    const coordinates = Array.isArray(first) ? Math.min(first.length, 4) : 1;
    traces.replaceChildren(...Array.from({ length: coordinates }, (_, coordinate) => {
      const value = (action) => (Array.isArray(action) ? action[coordinate] : action);
      const all = known.flatMap(({ trace }) => trace.actions.map(value));
      const [low, high] = [Math.min(...all), Math.max(...all)];
      const name = Array.isArray(first) ? formula().actions[coordinate]?.name ?? `action ${coordinate}` : "action";
      const chart = svg("svg", { viewBox: `0 0 ${Math.min(WINDOW, length)} 44`, preserveAspectRatio: "none", role: "img", "aria-label": `${name} of ${known.map(({ index }) => state.names[index]).join(" and ")} by step` });
      for (const [from, to] of spans(apart)) chart.append(svg("rect", { class: "apart", x: from, width: to - from, y: 0, height: 44 }));
      for (const { trace, index } of known) {
        const y = (action) => (39 - ((value(action) - low) / (high - low || 1)) * 34).toFixed(1);
        const steps = trace.actions.map((action, step) => `${step},${y(action)} ${step + 1},${y(action)}`);
        chart.append(svg("polyline", { class: `trace lane-${index}`, points: steps.join(" ") }));
      }
      chart.append(svg("line", { class: "cursor", x1: 0, x2: 0, y1: 0, y2: 44 }));
      return h("div", { class: "trace-row" }, h("span", { class: "soft small" }, name), chart);
    }));
    summary.textContent = known.length < 2 ? "" : apart.length ? `${state.names[known[0].index]} and ${state.names[known.at(-1).index]} do something else in ${apart.length} of ${Math.min(known[0].trace.length, known.at(-1).trace.length)} steps (marked).` : "They do the same in every step.";
  }

  dress();
  if (state.playing) run();
  signal.addEventListener("abort", () => {
    cancelAnimationFrame(frame);
    screens.forEach((screen) => screen.stop());
  });
  return {
    element,
    /** Gives a lane its episode; the others go on. */
    set(index, trace, name = state.names[index]) {
      state.traces[index] = trace;
      state.names[index] = name;
      captions[index].firstChild.textContent = name;
      figures[index].hidden = !trace && lanes[index].optional;
      draw();
      show();
    },
    /** From the beginning, such as for another start. */
    restart(seed) {
      if (seedSelect) seedSelect.value = String(seed);
      state.step = 0;
      show();
    },
    get step() {
      return Math.floor(state.step);
    },
  };
}

const icon = (path) => svg("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, svg("path", { d: path, fill: "currentColor" }));

/** Neighboring steps as ranges. */
function spans(steps) {
  const found = [];
  for (const step of steps) {
    if (found.length && found.at(-1)[1] === step) found.at(-1)[1] = step + 1;
    else found.push([step, step + 1]);
  }
  return found;
}
