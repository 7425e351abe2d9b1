// All runs, and for each environment the trade of operations against return.

import { ask, film, h, number, videoOf } from "./page.js";
import { scatter } from "./chart.js";
import { mathematics } from "./formula.js";

const PERIOD = 2000;

export function runsPage(signal) {
  const table = h("div", { class: "scroll list" }, h("p", { class: "soft" }, "Loading runs …"));
  const select = h("select", { "aria-label": "Environment", onchange: () => draw(true) });
  const chart = h("div", {});
  const chosen = h("div", { "aria-live": "polite" });
  const front = h("section", { class: "card" }, h("div", { class: "row between" }, h("h2", {}, "Operations and return"), select), h("p", { class: "soft small" }, "Each point is a run’s formula. The line connects the formulas that no other one beats in both. Choose a point to see it."), h("div", { class: "two" }, chart, chosen));
  front.hidden = true;
  let runs = [];
  let drawn = "";

  async function refresh() {
    try {
      runs = await ask("/api/runs", undefined, signal);
      draw(false);
    } catch (error) {
      if (error.name === "AbortError") return;
      table.replaceChildren(h("p", { class: "problem", role: "alert" }, error.message));
    }
    const timer = setTimeout(refresh, PERIOD);
    signal.addEventListener("abort", () => clearTimeout(timer));
  }

  function draw(forced) {
    const text = JSON.stringify(runs);
    if (text === drawn && !forced) return;
    drawn = text;
    table.replaceChildren(runs.length ? list(runs) : h("p", { class: "soft" }, "No runs yet. ", h("a", { href: "/" }, "Start the first one.")));
    const done = runs.filter((run) => point(run));
    const environments = [...new Set(done.map((run) => run.environment))];
    const before = select.value;
    select.replaceChildren(...environments.map((name) => h("option", { value: name }, name)));
    select.value = environments.includes(before) ? before : (environments[0] ?? "");
    front.hidden = !environments.length;
    if (!environments.length) return;
    const points = done.filter((run) => run.environment === select.value).map((run) => ({ ...point(run), run }));
    for (const one of points) {
      one.front = !points.some((other) => other.x <= one.x && other.y >= one.y && (other.x < one.x || other.y > one.y));
      one.label = `${one.run.id}: ${one.x} operations, return ${number(one.y)}`;
    }
    chart.replaceChildren(scatter(points, { label: `Runs of ${select.value}`, x: "operations", y: "mean return", pick: show }));
    if (forced) chosen.replaceChildren();
  }

  async function show({ run }) {
    try {
      const detail = await ask(`/api/runs/${encodeURIComponent(run.id)}`, undefined, signal);
      const [formula, video] = [detail.formulas.headline, videoOf(detail, "headline")];
      const path = `/api/runs/${encodeURIComponent(run.id)}/files/${video?.name}`;
      chosen.replaceChildren(h("h3", {}, h("a", { href: `/runs/${run.id}` }, run.id)), formula ? mathematics(formula.mathml) : "", video ? film(path, "An episode of this formula") : "");
    } catch (error) {
      if (error.name !== "AbortError") chosen.replaceChildren(h("p", { class: "problem" }, error.message));
    }
  }

  refresh();
  return h("div", {}, h("h1", {}, "Runs"), h("p", { class: "lead" }, "All runs in the runs folder, newest first, including those from the command line."), h("section", { class: "card" }, table), front);
}

function point(run) {
  const y = run.mean_returns.headline;
  return typeof y === "number" && typeof run.operations === "number" ? { x: run.operations, y } : null;
}

function list(runs) {
  const words = { queued: "Waiting", running: "Running", finished: "Finished", failed: "Failed", cancelled: "Cancelled", interrupted: "Interrupted" };
  const row = (run) =>
    h(
      "tr",
      {},
      h("td", {}, h("a", { class: "run", href: `/runs/${run.id}` }, run.environment ?? run.id)),
      h("td", {}, h("span", { class: `pill ${run.state.state}` }, run.state.state === "queued" ? `Waiting, number ${run.state.position}` : words[run.state.state])),
      h("td", { class: "wide" }, (run.widths ?? []).map((one) => one.join(", ") || "none").join("; ") || "none"),
      h("td", { class: "number wide" }, number(run.mean_returns.expert)),
      h("td", { class: "number" }, number(run.mean_returns.headline)),
      h("td", { class: "number" }, number(run.operations)),
      h("td", { class: "soft wide" }, new Date(run.created * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })),
    );
  const head = [["Environment", ""], ["State", ""], ["Hidden", "wide"], ["Expert", "number wide"], ["Formula", "number"], ["Operations", "number"], ["Started", "wide"]];
  return h("table", {}, h("thead", {}, h("tr", {}, head.map(([name, kind]) => h("th", { class: kind || null }, name)))), h("tbody", {}, runs.map(row)));
}
