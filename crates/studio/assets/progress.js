// A run's events: stages, training curves and the log.

import { h, seconds } from "./page.js";
import { lines } from "./chart.js";

/** Listens to a run; `changed` hears every new state. */
export function follow(id, view, changed, signal) {
  const source = new EventSource(`/api/runs/${encodeURIComponent(id)}/events`);
  signal.addEventListener("abort", () => source.close());
  source.onmessage = (message) => {
    for (const event of JSON.parse(message.data)) {
      if (event.event === "beginning") view.clear();
      else if (event.event === "state") {
        if (["finished", "failed", "cancelled", "interrupted"].includes(event.state.state)) source.close();
        view.ended = !["queued", "running"].includes(event.state.state);
        changed(event.state);
      } else view.hear(event);
    }
    view.draw();
  };
  return source;
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
    if (!this.stages.has(stage)) this.stages.set(stage, { words: "", share: null, state: "running" });
    const entry = this.stages.get(stage);
    const time = event.time?.slice(11, 19) ?? "";
    if (event.event === "stage_started") Object.assign(entry, { share: null, state: "running", index: event.index, words: "", took: null });
    if (event.event === "progress") {
      entry.share = event.total ? event.done / event.total : null;
      entry.words = `${event.done} of ${event.total} ${event.message}`;
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
    } else if (event.event !== "progress") {
      const words = event.event === "stage_started" ? "started" : event.event === "stage_finished" ? (event.reused ? "reused" : `finished in ${seconds(event.seconds)}`) : JSON.stringify(event);
      this.loglines.push(`${time}  ${stage}: ${words}`);
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
