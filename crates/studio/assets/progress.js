// A run's events: stages, training curves and the log.

import { h, seconds } from "./page.js";
import { lines } from "./chart.js";

/** How often a run that is over is asked about: somebody may resume it in another tab. */
const PERIOD = 2000;
/** How long until a lost connection is tried again; the browser itself waits between its own attempts. */
const PAUSE = 1500;

/** Listens to a run; `changed` hears every new state, `lost(true)` that the connection is gone. */
export function follow(id, view, changed, lost, signal) {
  const path = `/api/runs/${encodeURIComponent(id)}`;
  let source = null;
  let timer = 0;
  let last = "";

  function listen() {
    source?.close();
    source = new EventSource(`${path}/events`);
    source.onopen = () => lost(false);
    source.onmessage = (message) => {
      lost(false);
      for (const event of JSON.parse(message.data)) {
        if (event.event === "beginning") view.clear();
        else if (event.event === "state") {
          const over = !["queued", "running"].includes(event.state.state);
          view.ended = over;
          if (over) {
            source.close();
            if (event.state.state !== "finished") wait();
          }
          // After a lost connection everything is said again.
          const text = JSON.stringify(event.state);
          if (text !== last) changed(event.state);
          last = text;
        } else view.hear(event);
      }
      view.draw();
    };
    source.onerror = () => {
      if (signal.aborted || source.readyState === EventSource.OPEN) return;
      lost(true);
      // A browser gives up by itself where it got an answer other than a stream.
      if (source.readyState === EventSource.CLOSED) {
        clearTimeout(timer);
        timer = setTimeout(listen, PAUSE);
      }
    };
  }

  function wait() {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      try {
        const response = await fetch(path, { signal });
        const { state } = await response.json();
        lost(false);
        if (["queued", "running", "finished"].includes(state?.state)) return listen();
      } catch (error) {
        if (error.name === "AbortError") return;
        lost(true);
      }
      wait();
    }, PERIOD);
  }

  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    source?.close();
  });
  listen();
  return { again: listen };
}

/** A line of the log; measured numbers and progress are drawn instead. */
function inWords(event) {
  if (event.event === "stage_started") return "started";
  if (event.event === "stage_finished") return event.reused ? "reused" : `finished in ${seconds(event.seconds)}`;
  return null;
}

/** How long a stage will take if it goes on as it did; nothing where that is too soon to say. */
function timeLeft(entry, event) {
  const passed = (Date.parse(event.time) - entry.begun) / 1000;
  if (!(entry.share > 0.05 && entry.share < 1 && passed > 2)) return "";
  return `, about ${seconds(Math.max(1, (passed * (1 - entry.share)) / entry.share))} left`;
}

/** What the events amount to. */
export class Progress {
  constructor() {
    this.list = h("ol", { class: "stages", "aria-label": "Stages" });
    this.curves = h("div", { class: "curves" });
    this.log = h("pre", { class: "log", tabindex: "0" });
    this.clear();
  }

  clear() {
    this.stages = new Map();
    this.losses = new Map();
    this.loglines = [];
    this.drawn = 0;
    this.ended = false;
  }

  hear(event) {
    const stage = event.stage;
    if (!stage) return;
    if (!this.stages.has(stage)) this.stages.set(stage, { words: "", share: null, state: "running" });
    const entry = this.stages.get(stage);
    const time = event.time?.slice(11, 19) ?? "";
    if (event.event === "stage_started") Object.assign(entry, { begun: Date.parse(event.time), share: null, state: "running", index: event.index, words: "", took: null });
    if (event.event === "progress") {
      entry.share = event.total ? event.done / event.total : null;
      entry.words = `${event.done} of ${event.total} ${event.message}${timeLeft(entry, event)}`;
      const loss = event.message.match(/loss ([-+\d.e]+)/);
      if (loss && Number(loss[1]) > 0) {
        if (!this.losses.has(stage)) this.losses.set(stage, []);
        const points = this.losses.get(stage);
        if (points.length && points.at(-1)[0] >= event.done) points.length = 0;
        points.push([event.done, Number(loss[1])]);
      }
    }
    if (event.event === "stage_finished") Object.assign(entry, { share: 1, state: "done", words: event.reused ? "reused from the earlier run" : "", took: event.seconds });
    if (event.event === "message") {
      entry.words = event.text;
      this.loglines.push(`${time}  ${stage}: ${event.text}`);
    } else {
      const words = inWords(event);
      if (words) this.loglines.push(`${time}  ${stage}: ${words}`);
    }
  }

  draw() {
    const rows = [...this.stages].map(([name, entry]) => {
      const running = entry.state === "running" && !this.ended;
      const bar = h("progress", { max: 1, "aria-label": name });
      if (entry.share !== null || !running) bar.value = entry.share ?? 0;
      return h(
        "li",
        { class: entry.state },
        h("span", {}, name.replaceAll("_", " ")),
        bar,
        h("span", { class: "time" }, entry.took === null || entry.took === undefined ? "" : seconds(entry.took)),
        running && entry.words && h("span", { class: "words" }, entry.words),
      );
    });
    this.list.replaceChildren(...rows);
    const series = [...this.losses].filter(([, points]) => points.length > 2);
    this.curves.replaceChildren(...series.map(([stage, points]) => h("figure", {}, lines([{ points }], { log: true, label: `Loss of ${stage}`, height: 170 }), h("figcaption", {}, h("b", {}, stage.replaceAll("_", " ")), " – loss by step"))));
    const atEnd = this.log.scrollTop + this.log.clientHeight >= this.log.scrollHeight - 8;
    const fresh = this.loglines.slice(this.drawn);
    if (this.drawn === 0) this.log.textContent = "";
    if (fresh.length) this.log.append(fresh.join("\n") + "\n");
    this.drawn = this.loglines.length;
    if (atEnd) this.log.scrollTop = this.log.scrollHeight;
  }
}
