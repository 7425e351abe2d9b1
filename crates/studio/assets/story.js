// A run's policies, one at a time with everything that is known of it: formula, diagram, films and numbers together. The
// headline, the network, every point of the front, and what a person makes of them.

import { agreementText, announce, ask, copyText, count, go, h, isPublic, number } from "./page.js";
import { constants, copy, digits, print, terms, walk } from "./expression.js";
import { diagram, networkView } from "./diagram.js";
import { diagramOf } from "./tree.js";
import { Formula, agreement, episode, returns, shares, world as worldOf } from "./play.js";
import { pictures, sweep } from "./bench.js";
import { drawStrip, rounded, unitOf } from "./tuner.js";
import { formsView } from "./forms.js";
import { player } from "./player.js";
import { inline, policy, symbolText } from "./typeset.js";

const ORDERS = {
  operations: { words: "Operations", ends: ["fewer operations", "more operations"], value: (one) => one.operations },
  return: { words: "Return", ends: ["less return", "more return"], value: (one) => one.mean ?? -Infinity },
  fidelity: { words: "Faithfulness", ends: ["less faithful", "more faithful"], value: (one) => one.fidelity.expert_states ?? -Infinity },
};
/** Returns are counted on fewer starts where all of them would make the page slow. */
const MOST_TIME = 30;

/**
 * The card; `story` is what the server tells of the run, `detail` what it measured. A frozen story brings the expert's
 * episodes along and asks no server: pages of a gallery, and pages that were saved as a file.
 */
export function storyCard(id, detail, story, signal) {
  const frozen = Boolean(story.experts);
  const path = `/api/runs/${encodeURIComponent(id)}`;
  const metrics = detail.metrics;
  const place = story.environment ? worldOf(story.environment) : null;
  const world = place && story.starts ? place : null;
  const rows = story.rows;
  const formulaOf = (outputs) => new Formula({ ...story, outputs });
  const measure = metrics?.agreement.measure ?? "same_action";
  const front = story.candidates.map((candidate, index) => ({ ...candidate, index })).filter((one) => one.on_front || one.roles.length);
  const policies = new Map();
  const headline = story.candidates[story.chosen];
  add({ key: "headline", name: "Headline", title: headlineName(headline), outputs: headline.outputs, candidate: { ...headline, index: story.chosen } });
  if (story.network) add({ key: "network", name: "Best network", title: `the network ${story.network.student}`, outputs: story.network.outputs, network: true });
  const known = new URLSearchParams(location.search);
  const state = { shown: "headline", point: Math.max(0, front.findIndex((one) => one.index === story.chosen)), order: "operations", seed: Math.min(frozen ? story.experts.length - 1 : 31, Number(known.get("start")) || 0), constant: null, edits: 0 };

  function add(one) {
    one.formula = formulaOf(one.outputs);
    policies.set(one.key, one);
    return one;
  }

  const choices = h("div", { class: "segments", role: "group", "aria-label": "Policy" });
  const title = h("p", { class: "soft small story-title" });
  const print_ = h("div", { class: "print", tabindex: "0", role: "group", "aria-label": "Formula" });
  const hands = h("div", { class: "hands", role: "group", "aria-label": "Constants of the formula" });
  const hint = h("p", { class: "soft small hint-line" });
  const problem = h("p", { class: "problem", role: "alert" });
  const numbers = h("dl", { class: "numbers" });
  const tuner = h("div", { class: "tuner" });
  tuner.hidden = true;
  const dial = h("div", { class: "dial" });
  const drawing = h("div", { class: "scroll drawing" });
  const bars = h("div", { class: "bars" });
  const editing = h("div", { class: "row" });
  const networkPanel = h("div", {});
  const fps = story.environment?.fps || 30;
  const stage = story.environment && (world || !frozen) && player({
    world,
    formula: () => now().formula,
    fps,
    lanes: [{ name: "Expert" }, { name: "Formula" }, { name: "Edited", optional: true }],
    signal,
    seeds: frozen ? story.experts.length : world ? 32 : 8,
    onseed: (seed) => { state.seed = seed; stage.restart(seed); expert(); films(); remember(); },
  });
  const shownPictures = rows ? pictures(policies.get("headline").formula, rows, signal) : null;
  const forms = formsView({ id, path, detail, frozen, now: () => now(), picture: () => drawing.querySelector("svg") ?? networkPanel.querySelector("svg"), signal });
  const now = () => policies.get(state.shown);
  const base = (one) => (one.base ? policies.get(one.base) : null);

  // ── what is shown ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Shows a policy; what is quick follows at once. */
  function show(key, { keep = false } = {}) {
    if (!policies.has(key)) return;
    state.shown = key;
    if (!keep) closeTuner();
    const one = now();
    problem.textContent = "";
    title.textContent = one.title;
    typeset();
    measureNow(one);
    drawNumbers();
    drawBars();
    shownPictures?.draw(one.formula, base(one)?.formula ?? null);
    films();
    // What a hand that is still moving does not look at comes when it rests.
    clearTimeout(resting);
    if (keep && choices.querySelector("[aria-pressed=true]")?.dataset.key === key) resting = setTimeout(() => rest(), 150);
    else rest();
    if (!one.returns && !world) ask_(one);
  }

  let resting = 0;
  function rest() {
    drawChoices();
    drawDial();
    drawDiagram();
    drawEditing();
    forms.changed();
    remember();
  }

  function drawChoices() {
    const button = (key, words) => h("button", { type: "button", "data-key": key, "aria-pressed": String(key === "front" ? state.shown.startsWith("point-") : state.shown === key), onclick: () => (key === "front" ? pick(state.point) : show(key)) }, words);
    const own = [...policies.values()].filter((one) => one.own);
    choices.replaceChildren(
      ...[
        button("headline", "Headline"),
        policies.has("network") && button("network", "Best network"),
        front.length > 1 && button("front", "Point of the front"),
        ...own.map((one) => button(one.key, one.name)),
      ].filter(Boolean),
    );
  }

  function sorted() {
    const { value } = ORDERS[state.order];
    return front.map((one, place) => ({ one, place })).sort((a, b) => value(a.one) - value(b.one) || a.one.operations - b.one.operations);
  }

  /** The dial: every point of the front in the chosen order. */
  function drawDial() {
    dial.hidden = front.length < 2;
    if (dial.hidden) return;
    const all = sorted();
    const at = all.findIndex(({ place }) => place === state.point);
    if (dial.dataset.order === state.order && dial.firstChild) {
      const slider = dial.querySelector("input[type=range]");
      slider.value = String(at);
      slider.setAttribute("aria-valuetext", pointWords(all[at].one));
      dial.querySelector(".dial-now").textContent = pointWords(all[at].one);
      return;
    }
    dial.dataset.order = state.order;
    const slider = h("input", { type: "range", id: "dial", min: "0", max: String(all.length - 1), step: "1", value: String(at), "aria-label": "Point of the front", "aria-valuetext": pointWords(all[at].one), oninput: () => timed("dial", () => pick(sorted()[Number(slider.value)].place)) });
    const order = h("select", { class: "slim", "aria-label": "Order of the front", onchange: () => { state.order = order.value; drawDial(); order.focus(); } }, Object.entries(ORDERS).map(([name, { words }]) => h("option", { value: name }, words)));
    order.value = state.order;
    const ticks = h("div", { class: "ticks", "aria-hidden": "true" }, all.map(({ one }) => h("i", { class: one.index === story.chosen ? "chosen" : null })));
    dial.replaceChildren(
      h("div", { class: "row between" }, h("span", { class: "soft small dial-now" }, pointWords(all[at].one)), h("label", { class: "soft small" }, "by ", order)),
      slider,
      ticks,
      h("div", { class: "row between soft small ends" }, ...ORDERS[state.order].ends.map((words) => h("span", {}, words))),
    );
  }

  const pointWords = (one) => `${one.student}, ${one.tuning}: return ${number(one.mean)}, ${count(one.operations, "operation")}${one.index === story.chosen ? " (headline)" : ""}`;

  function pick(place) {
    state.point = place;
    const one = front[place];
    const key = one.index === story.chosen ? "headline" : `point-${one.index}`;
    if (!policies.has(key)) add({ key, name: "Point of the front", title: headlineName(one), outputs: one.outputs, candidate: one });
    show(key);
  }

  // ── the formula, whose constants can be taken hold of ───────────────────────────────────────────────────────────

  function typeset() {
    const one = now();
    const size = one.outputs.reduce((sum, output) => sum + (output.text?.length ?? 0), 0);
    if (one.network || size > 20000) {
      print_.replaceChildren(h("p", { class: "soft" }, `The network is a formula of ${count(one.formula.outputs.reduce((sum, { tree }) => sum + constants(tree).length, 0), "number")}, whose edges are curves. Its diagram says more.`));
      hint.textContent = "";
      hands.replaceChildren();
      return;
    }
    const owner = new Map();
    one.formula.outputs.forEach(({ tree }, output) => constants(tree).forEach((constant, index) => owner.set(constant, [output, index])));
    const hold = (constant) => ({ class: "constant", "data-constant": owner.get(constant).join(":") });
    const room = Math.max(18, Math.floor((print_.clientWidth || 520) / 11.8));
    print_.replaceChildren(...policy(one.formula, { room, hold }).map(({ element, indent, quiet }) => h("div", { class: `line ${indent ? "indent" : ""} ${quiet ? "quiet" : ""}` }, element)));
    drawHands(owner);
    mark();
    hint.textContent = "Drag a number, or go to it with the Tab key and use the arrows.";
  }

  /** For each constant something that the keyboard and a screen reader can use: inside of mathematics there is nothing like that. */
  function drawHands(owner) {
    const keys = [...owner.values()].map((place) => place.join(":"));
    const known = [...hands.children].map((hand) => hand.dataset.constant);
    if (keys.join() !== known.join()) {
      hands.replaceChildren(...keys.map((key) => h("input", { type: "range", "data-constant": key, oninput: (event) => { set(key, rounded(Number(event.target.value), unitOf(original(key)))); tune(key); } })));
    }
    for (const [constant, place] of owner) {
      const hand = hands.querySelector(`[data-constant="${place.join(":")}"]`);
      const unit = unitOf(original(place.join(":")));
      const middle = original(place.join(":"));
      hand.min = String(middle - 200 * unit);
      hand.max = String(middle + 200 * unit);
      hand.step = String(unit);
      hand.value = String(constant.value);
      hand.setAttribute("aria-label", `Constant ${digits(middle)}`);
      hand.setAttribute("aria-valuetext", digits(constant.value));
    }
  }

  function mark() {
    for (const element of print_.querySelectorAll("[data-constant]")) element.classList.toggle("held", element.getAttribute("data-constant") === state.constant);
  }

  const constantOf = (key) => {
    const [output, index] = key.split(":").map(Number);
    return constants(now().formula.outputs[output].tree)[index];
  };

  /** The policy that is being edited: a new one from what is shown, unless that is one already. */
  function edited() {
    if (now().own === "edit") return now();
    const from = now();
    const key = `edit-${++state.edits}`;
    const trees = from.formula.outputs.map(({ tree }) => copy(tree));
    const one = { key, own: "edit", name: state.edits > 1 ? `Your edit ${state.edits}` : "Your edit", title: `your edit of ${from.title}`, base: from.key, formula: from.formula.with(trees), outputs: [] };
    policies.set(key, one);
    state.shown = key;
    return one;
  }

  /** Gives a constant a value; everything on the page follows. */
  function set(key, value) {
    if (!Number.isFinite(value)) return;
    timed("bench", () => {
      const one = edited();
      constantOf(key).value = value;
      refresh(one);
    });
  }

  function refresh(one) {
    one.outputs = one.formula.outputs.map(({ name, tree }) => ({ name, text: print(tree) }));
    one.returns = null;
    one.forms = null;
    show(one.key, { keep: true });
    later(one);
  }

  // A drag goes on outside of the number, which is set anew with every step.
  let drag = null;
  print_.addEventListener("pointerdown", (event) => {
    const element = event.target.closest?.("[data-constant]");
    if (!element || event.button) return;
    const key = element.getAttribute("data-constant");
    const value = constantOf(key).value;
    drag = { key, value, from: event.clientX, unit: unitOf(value) };
    open(key);
    event.preventDefault();
    hands.querySelector(`[data-constant="${key}"]`)?.focus({ preventScroll: true });
  });
  addEventListener("pointermove", (event) => {
    if (!drag) return;
    drag.to = event.clientX;
    drag.frame ??= requestAnimationFrame(() => {
      if (!drag) return;
      drag.frame = null;
      set(drag.key, rounded(drag.value + (drag.to - drag.from) * drag.unit, drag.unit));
      tune(drag.key);
    });
  }, { signal });
  addEventListener("pointerup", () => (drag = null), { signal });
  addEventListener("pointercancel", () => (drag = null), { signal });
  hands.addEventListener("focusin", (event) => {
    const key = event.target.getAttribute?.("data-constant");
    if (key && key !== state.constant) open(key);
    print_.querySelector(`[data-constant="${key}"]`)?.scrollIntoView({ block: "nearest" });
  });
  hands.addEventListener("keydown", (event) => {
    const key = event.target.getAttribute?.("data-constant");
    const by = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (!key || !by) return;
    event.preventDefault();
    const constant = constantOf(key);
    const unit = unitOf(base(now()) ? original(key) : constant.value);
    set(key, rounded(constant.value + by * unit, unit));
    tune(key);
  });

  const original = (key) => {
    const [output, index] = key.split(":").map(Number);
    const from = base(now()) ?? now();
    return constants(from.formula.outputs[output].tree)[index]?.value ?? constantOf(key).value;
  };

  /** The strip under the formula for one constant: a slider, the returns along it, and where it breaks. */
  function open(key) {
    state.constant = key;
    mark();
    if (!constantOf(key)) return;
    const start = original(key);
    const unit = unitOf(start);
    const [low, high] = [start - 200 * unit, start + 200 * unit];
    const slider = h("input", { type: "range", min: String(low), max: String(high), step: String(unit), value: String(constantOf(key).value), "aria-label": "Value of the constant", oninput: () => { set(key, rounded(Number(slider.value), unit)); tune(key); } });
    const field = h("input", { type: "text", inputmode: "decimal", class: "slim", value: digits(constantOf(key).value), "aria-label": "Value as a number", onchange: () => { set(key, Number(field.value.replace("−", "-"))); tune(key); } });
    const strip = h("div", { class: "strip-chart" });
    const words = h("p", { class: "soft small" });
    tuner.replaceChildren(h("div", { class: "row between" }, h("b", { class: "small" }, "This constant"), h("div", { class: "row" }, field, h("button", { type: "button", class: "slim", onclick: () => { set(key, start); tune(key); } }, "Reset"))), h("div", { class: "track" }, strip, slider), words);
    tuner.hidden = false;
    sweeping?.abort();
    if (!world) return;
    sweeping = new AbortController();
    signal.addEventListener("abort", () => sweeping.abort());
    const from = base(now()) ?? now();
    const starts = story.starts.slice(0, 8);
    const probe = from.formula.with(from.formula.outputs.map(({ tree }) => copy(tree)));
    const [output, index] = key.split(":").map(Number);
    const constant = constants(probe.outputs[output].tree)[index];
    const reference = returns(world, probe, starts)?.mean;
    sweep(world, probe, constant, starts, [low, high], sweeping.signal, (points, done) => drawStrip(strip, words, points, [low, high], reference, done));
  }

  let sweeping = null;

  function tune(key) {
    const constant = constantOf(key);
    const slider = tuner.querySelector("input[type=range]");
    if (slider && document.activeElement !== slider) slider.value = String(constant.value);
    const field = tuner.querySelector("input[type=text]");
    if (field && document.activeElement !== field) field.value = digits(constant.value);
  }

  function closeTuner() {
    sweeping?.abort();
    state.constant = null;
    tuner.hidden = true;
    tuner.replaceChildren();
  }

  // ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What the page can measure by itself. */
  function measureNow(one) {
    if (one.network || one.own) one.agreement = rows ? agreement(one.formula, rows) : null;
    if (!world || one.returns?.exact || !(one.own || one.network)) return;
    const begin = performance.now();
    const some = returns(world, one.formula, story.starts.slice(0, 4));
    const starts = Math.max(4, Math.min(32, Math.floor((MOST_TIME * 4) / Math.max(0.5, performance.now() - begin))));
    const rest = some && starts > 4 ? returns(world, one.formula, story.starts.slice(4, starts)) : { all: [] };
    const all = some && rest ? [...some.all, ...rest.all] : null;
    one.returns = all ? { mean: all.reduce((sum, value) => sum + value, 0) / all.length, n: all.length } : { mean: null, n: 0 };
  }

  function drawNumbers() {
    const one = now();
    const [report, expertReturn] = [metrics?.returns.headline, metrics?.returns.expert?.mean];
    let value = one.candidate?.mean;
    let note = "on the starts that formulas are chosen by";
    if (one.key === "headline" && report) [value, note] = [report.mean, `± ${number(report.std)}, ${count(report.n, "unseen start")}`];
    if (one.network && metrics?.returns.network) [value, note] = [metrics.returns.network.mean, `± ${number(metrics.returns.network.std)}, ${count(metrics.returns.network.n, "unseen start")}`];
    else if (one.own) [value, note] = one.returns ? [one.returns.mean, one.returns.n ? count(one.returns.n, "start") : "it leaves its domain"] : [null, "playing …"];
    const fidelity = one.key === "headline" && metrics ? metrics.agreement.expert_states.headline : one.network && metrics ? metrics.agreement.expert_states.network : one.candidate ? one.candidate.fidelity.expert_states : one.agreement;
    const operations = one.candidate?.operations ?? one.operations ?? (sameShape(one) ? base(one)?.candidate?.operations : null);
    const figure = (label, text, words) => h("div", {}, h("dt", {}, label), h("dd", {}, h("b", {}, text), words && h("span", { class: "soft small" }, words)));
    numbers.replaceChildren(
      figure("Return", number(value), expertReturn === undefined ? note : `${note} · expert ${number(expertReturn)}`),
      figure("Agreement", typeof fidelity === "number" ? agreementText(measure, fidelity) : "–", measure === "same_action" ? "of the expert’s states" : "with the expert’s action"),
      figure("Operations", one.network ? "–" : number(operations), one.candidate?.curves ? `and ${count(one.candidate.curves, "curve")}` : ""),
    );
  }

  const sameShape = (one) => {
    const from = base(one);
    return from && one.formula.outputs.every(({ tree }, index) => terms(tree).length === terms(from.formula.outputs[index].tree).length);
  };

  /** Each term's share, with a way to leave it out. */
  function drawBars() {
    const one = now();
    if (!rows || one.network) return bars.replaceChildren();
    const all = shares(one.formula, rows);
    bars.replaceChildren(
      h("h2", {}, "What each term does"),
      ...all.map((found, output) => h("div", {}, all.length > 1 && h("p", { class: "soft small" }, one.formula.action.kind === "clip" ? symbolText(one.formula.actions?.[output]?.name ?? one.formula.outputs[output].name) : one.formula.labels[output + (one.formula.action.kind === "threshold" ? 1 : 0)]), h("ul", { class: "term-bars" }, found.map(({ term, share }, index) => {
        const bar = h("span", { class: `bar ${share < 0 ? "against" : ""}` });
        bar.style.width = `${Math.min(100, Math.abs(share ?? 0) * 100).toFixed(1)}%`;
        const text = print(term);
        return h("li", {}, h("span", { class: "term-text" }, text.length < 400 ? inline(term) : "a long term"), h("span", { class: "bar-room" }, bar), h("span", { class: "soft small share" }, share === null ? "" : `${Math.round(share * 100)} %`.replace("-", "−")), h("button", { type: "button", class: "icon slim", title: "Leave this term out", "aria-label": `Leave the term ${text.slice(0, 60)} out`, onclick: () => leaveOut(output, index) }, "×"));
      })))),
    );
  }

  function leaveOut(output, index) {
    const one = edited();
    const left = terms(one.formula.outputs[output].tree).filter((_, place) => place !== index);
    const tree = left.length > 1 ? { op: "add", args: left } : left[0] ?? { op: "number", value: 0 };
    one.formula = one.formula.with(one.formula.outputs.map((own, place) => (place === output ? tree : own.tree)));
    closeTuner();
    refresh(one);
    announce("The term was left out.");
  }

  // ── diagram ──────────────────────────────────────────────────────────────────────────────────────────────────────

  function drawDiagram() {
    const one = now();
    networkPanel.hidden = frozen || (!one.network && one.own !== "pin");
    drawing.hidden = !networkPanel.hidden;
    if (drawing.hidden) return openNetwork();
    try {
      const found = diagramOf(one.formula, rows);
      drawing.replaceChildren(found.edges.length && found.edges.length <= 80 ? diagram(found, null, new Map(), null, "The formula as a diagram: observations below, outputs above") : h("p", { class: "soft" }, found.edges.length ? "This formula has too many parts for a diagram." : "A constant: it looks at nothing."));
    } catch (error) {
      drawing.replaceChildren(h("p", { class: "soft" }, error.message));
    }
  }

  let networkAsked = false;
  async function openNetwork() {
    if (networkAsked) return;
    networkAsked = true;
    networkPanel.replaceChildren(h("p", { class: "soft" }, "Loading the network …"));
    try {
      const network = await ask(`${path}/network`, undefined, signal);
      networkPanel.replaceChildren(networkView(encodeURIComponent(id), network, signal, pinned));
    } catch (error) {
      if (error.name === "AbortError") return;
      networkAsked = false;
      networkPanel.replaceChildren(h("p", { class: "problem", role: "alert" }, error.message));
    }
  }

  /** What follows from a pin stands beside the headline. */
  function pinned(answer, names) {
    const key = `pin-${names.join("-")}`;
    const one = add({ key, own: "pin", name: `With ${names.join(", ")}`, title: `the network with ${names.join(", ")}, all constants fitted again`, base: "headline", outputs: answer.formula.outputs, operations: answer.formula.operations, returns: { mean: answer.returns.mean, n: answer.returns.n, exact: true } });
    one.film = answer.film;
    show(key);
  }

  // ── films ────────────────────────────────────────────────────────────────────────────────────────────────────────

  let filming = null;
  function films() {
    if (!stage) return;
    filming?.abort();
    filming = new AbortController();
    signal.addEventListener("abort", () => filming?.abort());
    const one = now();
    const from = one.own === "edit" ? base(one) : one;
    lane(1, from, filming.signal);
    if (from === one) stage.set(2, null);
    else lane(2, one, filming.signal);
  }

  const laneName = (one) => (one.own === "edit" ? "Edited" : one.key === "headline" ? "Formula" : one.network ? "Network" : one.own ? one.name : "This formula");

  function lane(index, one, mine) {
    if (world) return stage.set(index, episode(world, one.formula, story.starts[state.seed]), laneName(one));
    if (frozen) return stage.set(index, null, laneName(one));
    const key = `${state.seed}`;
    one.traces ??= {};
    if (one.traces[key]) return stage.set(index, one.traces[key], laneName(one));
    stage.set(index, null, laneName(one));
    // A slider that is still moving asks for nothing.
    const timer = setTimeout(async () => {
      try {
        const trace = await ask(`${path}/episode`, { outputs: one.formula.outputs.map(({ tree }) => print(tree)), episode: state.seed }, mine);
        one.traces[key] = trace;
        stage.set(index, trace, laneName(one));
      } catch (error) {
        if (error.name !== "AbortError") problem.textContent = error.message;
      }
    }, 250);
    mine.addEventListener("abort", () => clearTimeout(timer));
  }

  const experts = new Map();
  let asking = null;
  async function expert() {
    if (!stage) return;
    const { seed } = state;
    if (frozen) return stage.set(0, story.experts[seed]);
    if (experts.has(seed)) return stage.set(0, experts.get(seed));
    asking?.abort();
    asking = new AbortController();
    signal.addEventListener("abort", () => asking?.abort());
    stage.set(0, null);
    try {
      const trace = await ask(`${path}/episode`, { episode: seed }, asking.signal);
      experts.set(seed, trace);
      if (seed === state.seed) stage.set(0, trace);
    } catch (error) {
      if (error.name !== "AbortError") stage.set(0, null, "Expert (not here)");
    }
  }

  // ── edits ────────────────────────────────────────────────────────────────────────────────────────────────────────

  let timer = 0;
  let trying = null;
  function later(one) {
    clearTimeout(timer);
    timer = setTimeout(() => ask_(one), 500);
  }

  /** The server's word on an edit: its operations, its forms and its returns. */
  async function ask_(one) {
    if (!story.environment || frozen) return;
    trying?.abort();
    trying = new AbortController();
    signal.addEventListener("abort", () => trying?.abort());
    const texts = one.formula.outputs.map(({ tree }) => print(tree));
    try {
      const answer = await ask(`${path}/try`, { outputs: texts }, trying.signal);
      if (one.formula.outputs.some(({ tree }, index) => print(tree) !== texts[index])) return;
      one.operations = answer.formula.operations;
      one.returns = { mean: answer.returns.mean, n: answer.returns.n, exact: true };
      one.forms = answer.formula;
      one.traces = {};
      if (one === now()) {
        problem.textContent = "";
        drawNumbers();
        forms.changed();
      }
    } catch (error) {
      if (error.name === "AbortError" || one !== now()) return;
      one.returns = { mean: null, n: 0 };
      drawNumbers();
      problem.textContent = error.message;
    }
  }

  function drawEditing() {
    const one = now();
    editing.replaceChildren(
      ...[
        !one.network && h("button", { type: "button", onclick: openText }, "Edit as text"),
        one.own && h("button", { type: "button", onclick: () => forget(one) }, "Reset"),
        one.own && !frozen && !isPublic() && h("button", { type: "button", class: "primary", onclick: (event) => save(event.target, one) }, "Save as a new run"),
        h("button", { type: "button", onclick: (event) => copyText(location.href, event.target) }, "Copy link"),
      ].filter(Boolean),
    );
  }

  function forget(one) {
    policies.delete(one.key);
    show(one.base ?? "headline");
    announce("Back to what it was.");
  }

  async function save(button, one) {
    button.disabled = true;
    try {
      const answer = await ask(`${path}/save`, { outputs: one.formula.outputs.map(({ tree }) => print(tree)) }, signal);
      go(`/runs/${answer.id}`);
    } catch (error) {
      button.disabled = false;
      if (error.name !== "AbortError") problem.textContent = error.message;
    }
  }

  const text = h("div", { class: "as-text" });
  text.hidden = true;
  function openText() {
    text.hidden = !text.hidden;
    if (text.hidden) return;
    const areas = now().formula.outputs.map(({ name, tree }) => {
      const area = h("textarea", { class: "code", spellcheck: "false", value: print(tree), "aria-label": `${name} as text`, oninput: read });
      return h("label", { class: "field" }, h("span", { class: "label" }, `${symbolText(name)} =`), area);
    });
    text.replaceChildren(...areas);
    areas[0]?.querySelector("textarea").focus();
  }

  function read() {
    const texts = [...text.querySelectorAll("textarea")].map((area) => area.value);
    try {
      const outputs = now().formula.outputs.map(({ name }, index) => ({ name, text: texts[index] }));
      const formula = formulaOf(outputs);
      const one = edited();
      one.formula = formula;
      closeTuner();
      refresh(one);
    } catch (error) {
      // What is wrong is not played, and what was played before says nothing about it.
      problem.textContent = error.message;
      const one = now();
      if (one.own === "edit") one.returns = { mean: null, n: 0 };
      drawNumbers();
      numbers.querySelector("dd span").textContent = "this cannot be read";
    }
  }

  // ── the address holds what is shown ─────────────────────────────────────────────────────────────────────────────

  function remember() {
    const query = new URLSearchParams(location.search);
    for (const name of ["show", "edit", "start", "pin", "base", "set"]) query.delete(name);
    const one = now();
    if (state.shown !== "headline") query.set("show", one.own ? one.own : state.shown);
    const moved = one.own === "edit" ? movedConstants(one) : null;
    if (moved) {
      query.set("base", one.base);
      query.set("set", moved.join(" "));
    } else if (one.own) for (const { tree } of one.formula.outputs) query.append("edit", print(tree));
    if (one.own === "pin") query.set("pin", one.name.replace(/^With /, ""));
    if (state.seed) query.set("start", String(state.seed));
    const address = `${location.pathname}${query.size ? `?${query}` : ""}`;
    if (address === location.pathname + location.search || address.length > 8000) return;
    try {
      history.replaceState(history.state, "", address);
    } catch {
      // A page that was opened as a file has no address of its own.
    }
  }

  /** An edit as the constants that it moved, which is short; null where it changed more than that. */
  function movedConstants(one) {
    const from = base(one);
    if (!from || from.own) return null;
    const [own, before] = [one, from].map(({ formula }) => formula.outputs.map(({ tree }) => constants(tree)));
    const shape = ({ formula }) => formula.outputs.map(({ tree }) => [...walk(tree)].map((node) => node.op).join()).join(";");
    if (shape(one) !== shape(from)) return null;
    return own.flatMap((list, output) => list.map((constant, index) => (constant.value === before[output][index].value ? null : `${output}:${index}:${digits(constant.value)}`))).filter(Boolean);
  }

  /** The edit that moves these constants of what is shown. */
  function move(list) {
    const one = edited();
    for (const text of list) {
      const [output, index, value] = text.split(":").map(Number);
      const constant = constants(one.formula.outputs[output]?.tree ?? { op: "none" })[index];
      if (constant && Number.isFinite(value)) constant.value = value;
    }
    refresh(one);
  }

  function recall() {
    const wanted = known.get("show");
    if (known.has("set")) {
      const index = front.findIndex((one) => `point-${one.index}` === known.get("base"));
      if (index >= 0) pick(index);
      else show(policies.has(known.get("base")) ? known.get("base") : "headline");
      move(known.get("set").split(" ").filter(Boolean));
      return;
    }
    const texts = known.getAll("edit");
    if (texts.length === headline.outputs.length && texts.length) {
      try {
        const outputs = headline.outputs.map(({ name }, index) => ({ name, text: texts[index] }));
        const pin = known.get("pin");
        const one = { key: pin ? `pin-${pin}` : `edit-${++state.edits}`, own: pin ? "pin" : "edit", name: pin ? `With ${pin}` : "Your edit", title: pin ? `the network with ${pin}` : "an edited formula", base: "headline", outputs, formula: formulaOf(outputs) };
        policies.set(one.key, one);
        show(one.key);
        later(one);
        return;
      } catch (error) {
        problem.textContent = `The address holds a formula that cannot be read: ${error.message}`;
      }
    }
    const index = front.findIndex((one) => `point-${one.index}` === wanted);
    if (index >= 0) pick(index);
    else show(wanted === "network" && policies.has("network") ? "network" : "headline");
  }

  const element = h(
    "section",
    { class: "card story" },
    h("div", { class: "row between story-head" }, choices, editing),
    h(
      "div",
      { class: "story-grid" },
      h("div", { class: "story-left" }, title, print_, hands, hint, tuner, text, problem, numbers, dial, drawing, networkPanel),
      h("div", { class: "story-right" }, stage ? stage.element : null, shownPictures?.element),
    ),
    h("div", { class: "story-below" }, bars, forms.element),
  );
  // The width of the formula's place is known once it stands on the page.
  requestAnimationFrame(() => {
    recall();
    stage?.restart(state.seed);
    expert();
  });
  let wide = 0;
  const resized = new ResizeObserver(() => {
    if (Math.abs(print_.clientWidth - wide) < 24 || !policies.has(state.shown)) return;
    wide = print_.clientWidth;
    typeset();
  });
  resized.observe(print_);
  signal.addEventListener("abort", () => resized.disconnect());
  return element;
}

function headlineName(candidate) {
  const roles = candidate.roles.filter((role) => role !== "headline" && role !== candidate.tuning);
  return `${candidate.student}, ${candidate.tuning}${roles.length ? ` · ${roles.join(", ")}` : ""}`;
}

/** Notes how long an answer takes until the next picture, for whoever measures. */
function timed(name, work) {
  const begin = performance.now();
  work();
  requestAnimationFrame(() => setTimeout(() => performance.measure(`kanrl-${name}`, { start: begin, end: performance.now() }), 0));
}
