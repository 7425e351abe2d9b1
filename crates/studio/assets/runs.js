// All runs, and for each environment the trade of operations against return.

import { announce, ask, count, film, go, h, isPublic, number, stateText, videoOf } from "./page.js";
import { scatter } from "./chart.js";
import { mathematics } from "./formula.js";

const PERIOD = 2000;
/** How long a deleted run can be brought back with one click. */
const UNDO = 12000;

export function runsPage(signal) {
  const known = new URLSearchParams(location.search);
  const search = h("input", { type: "search", id: "search", placeholder: "Search by environment, name or tag", value: known.get("search") ?? "", "aria-label": "Search runs", oninput: () => { draw(true); remember(); } });
  const compare = h("button", { type: "button", onclick: () => go(`/compare?${[...chosen].map((id) => `run=${encodeURIComponent(id)}`).join("&")}`) });
  const table = h("div", { class: "scroll list" }, h("p", { class: "soft" }, "Loading runs …"));
  const problem = h("p", { class: "notice", role: "alert" });
  const undo = h("div", { class: "toast", role: "status" });
  const select = h("select", { "aria-label": "Environment", onchange: () => drawFront() });
  const chart = h("div", {});
  const picked = h("div", { "aria-live": "polite" });
  const front = h("section", { class: "card" }, h("div", { class: "row between" }, h("h2", {}, "Operations and return"), select), h("p", { class: "soft small" }, "Each point is a run’s formula. The line connects the formulas that no other one beats in both. Choose a point to see it."), h("div", { class: "two" }, chart, picked));
  const chosen = new Set();
  let playing = null;
  front.hidden = true;
  let runs = [];
  let drawn = "";
  let editing = null;

  async function refresh() {
    try {
      runs = await ask("/api/runs", undefined, signal);
      problem.textContent = "";
      draw(false);
    } catch (error) {
      if (error.name === "AbortError") return;
      problem.textContent = error.status ? error.message : "Connection lost, retrying …";
    }
    const timer = setTimeout(refresh, PERIOD);
    signal.addEventListener("abort", () => clearTimeout(timer));
  }

  const remember = () => history.replaceState(history.state, "", search.value ? `/runs?search=${encodeURIComponent(search.value)}` : "/runs");

  function found() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const text = (run) => [run.id, run.environment, run.label?.name, ...(run.label?.tags ?? []), stateText(run.state)].join(" ").toLowerCase();
    return runs.filter((run) => words.every((word) => text(run).includes(word)));
  }

  function draw(forced) {
    const text = JSON.stringify(runs);
    // A name that is being typed is not taken away.
    if ((text === drawn && !forced) || (editing && !forced)) return;
    drawn = text;
    for (const id of chosen) if (!runs.some((run) => run.id === id)) chosen.delete(id);
    const shown = found();
    const focused = document.activeElement?.id;
    table.replaceChildren(
      !runs.length
        ? h("p", { class: "soft" }, "No runs yet. ", h("a", { href: "/" }, "Start the first one."))
        : shown.length ? list(shown) : h("p", { class: "soft" }, `No run is called “${search.value}”.`),
    );
    if (focused) document.getElementById(focused)?.focus();
    dress();
    drawFront();
  }

  function dress() {
    compare.textContent = chosen.size > 1 ? `Compare ${chosen.size} runs` : "Compare";
    compare.disabled = chosen.size < 2;
    compare.title = chosen.size < 2 ? "Choose two or more runs" : "";
  }

  let frontDrawn = "";
  function drawFront() {
    const done = runs.filter((run) => point(run));
    const environments = [...new Set(done.map((run) => run.environment))];
    const before = select.value;
    select.replaceChildren(...environments.map((name) => h("option", { value: name }, name)));
    select.value = environments.includes(before) ? before : (environments[0] ?? "");
    front.hidden = !environments.length;
    if (!environments.length) return;
    const points = done.filter((run) => run.environment === select.value).map((run) => ({ ...point(run), run }));
    const text = JSON.stringify([select.value, points]);
    if (text === frontDrawn) return;
    frontDrawn = text;
    for (const one of points) {
      one.front = !points.some((other) => other.x <= one.x && other.y >= one.y && (other.x < one.x || other.y > one.y));
      one.label = `${nameOf(one.run)}: ${count(one.x, "operation")}, return ${number(one.y)}`;
    }
    chart.replaceChildren(scatter(points, { label: `Runs of ${select.value}`, x: "operations", y: "mean return", pick: show }));
    playing?.stop();
    picked.replaceChildren();
  }

  async function show({ run }) {
    try {
      const detail = await ask(`/api/runs/${encodeURIComponent(run.id)}`, undefined, signal);
      const [formula, video] = [detail.formulas.headline, videoOf(detail, "headline")];
      const path = `/api/runs/${encodeURIComponent(run.id)}/files/${video?.name}`;
      playing?.stop();
      playing = video ? film(path, "An episode of this formula") : null;
      picked.replaceChildren(h("h3", {}, h("a", { href: `/runs/${run.id}` }, nameOf(run))), formula ? mathematics(formula.mathml) : "", playing ?? "");
    } catch (error) {
      if (error.name !== "AbortError") picked.replaceChildren(h("p", { class: "problem" }, error.message));
    }
  }

  function list(shown) {
    const row = (run) => {
      const over = !["queued", "running"].includes(run.state.state);
      const box = h("input", { type: "checkbox", id: `compare-${run.id}`, checked: chosen.has(run.id), disabled: run.state.state !== "finished", "aria-label": `Compare ${nameOf(run)}`, onchange: () => { if (box.checked) chosen.add(run.id); else chosen.delete(run.id); dress(); } });
      return h(
        "tr",
        { "data-run": run.id },
        h("td", { class: "tick-box" }, box),
        h("td", {}, editing === run.id ? editor(run) : [h("a", { class: "run", href: `/runs/${run.id}` }, run.label?.name || (run.environment ?? run.id)), run.label?.name && h("span", { class: "soft small" }, ` ${run.environment}`), (run.label?.tags ?? []).map((tag) => h("button", { type: "button", class: "tag", onclick: () => { search.value = tag; search.dispatchEvent(new Event("input")); } }, tag))]),
        h("td", {}, h("span", { class: `pill ${run.state.state}` }, stateText(run.state))),
        h("td", { class: "wide" }, (run.widths ?? []).map((one) => one.join(", ") || "none").join("; ") || "none"),
        h("td", { class: "number wide" }, number(run.mean_returns.expert)),
        h("td", { class: "number" }, number(run.mean_returns.headline)),
        h("td", { class: "number" }, number(run.operations)),
        h("td", { class: "soft wide" }, new Date(run.created * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })),
        h("td", { class: "row-actions" }, !isPublic() && h("button", { type: "button", class: "icon slim small", id: `name-${run.id}`, title: "Name and tags", "aria-label": `Name and tags of ${nameOf(run)}`, onclick: () => { editing = run.id; draw(true); document.getElementById("run-name")?.focus(); } }, "Name"), !isPublic() && over && h("button", { type: "button", class: "icon slim small", title: "Delete", "aria-label": `Delete ${nameOf(run)}`, onclick: () => remove(run) }, "Delete")),
      );
    };
    const head = [["", "tick-box"], ["Environment", ""], ["State", ""], ["Hidden", "wide"], ["Expert", "number wide"], ["Formula", "number"], ["Operations", "number"], ["Started", "wide"], ["", ""]];
    return h("table", {}, h("thead", {}, h("tr", {}, head.map(([name, kind], place) => h(name ? "th" : "td", { class: kind || null, scope: name ? "col" : null, "aria-hidden": name ? null : place ? "true" : null }, name)))), h("tbody", {}, shown.map(row)));
  }

  function editor(run) {
    const name = h("input", { type: "text", id: "run-name", class: "slim", value: run.label?.name ?? "", placeholder: run.id, "aria-label": "Name", maxlength: "80" });
    const tags = h("input", { type: "text", id: "run-tags", class: "slim", value: (run.label?.tags ?? []).join(", "), placeholder: "tags, with commas", "aria-label": "Tags" });
    const end = () => {
      editing = null;
      draw(true);
      document.getElementById(`name-${run.id}`)?.focus();
    };
    return h("form", { class: "row", onsubmit: async (event) => {
      event.preventDefault();
      try {
        run.label = await ask(`/api/runs/${encodeURIComponent(run.id)}/label`, { name: name.value, tags: tags.value.split(",") }, signal);
        announce("Saved.");
        end();
      } catch (error) {
        if (error.name !== "AbortError") problem.textContent = error.message;
      }
    }, onkeydown: (event) => event.key === "Escape" && end() }, name, tags, h("button", { class: "slim" }, "Save"));
  }

  let timer = 0;
  async function remove(run) {
    const path = `/api/runs/${encodeURIComponent(run.id)}`;
    try {
      await ask(`${path}/delete`, {}, signal);
      runs = runs.filter((one) => one.id !== run.id);
      chosen.delete(run.id);
      draw(true);
      const button = h("button", { type: "button", class: "slim", onclick: async () => {
        clearTimeout(timer);
        undo.replaceChildren();
        try {
          await ask(`${path}/restore`, {}, signal);
          runs = await ask("/api/runs", undefined, signal);
          draw(true);
          announce(`${nameOf(run)} is back.`);
        } catch (error) {
          if (error.name !== "AbortError") problem.textContent = error.message;
        }
      } }, "Undo");
      undo.replaceChildren(h("span", {}, `Deleted ${nameOf(run)}.`), button);
      clearTimeout(timer);
      timer = setTimeout(() => undo.replaceChildren(), UNDO);
    } catch (error) {
      if (error.name !== "AbortError") problem.textContent = error.message;
    }
  }

  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    playing?.stop();
  });
  dress();
  refresh();
  return h("div", {}, h("h1", {}, "Runs"), h("p", { class: "lead" }, "All runs in the runs folder, newest first, including those from the command line."), problem, h("section", { class: "card" }, h("div", { class: "row between list-head" }, search, compare), table), front, undo);
}

export const nameOf = (run) => run.label?.name || run.id;

function point(run) {
  const y = run.mean_returns.headline;
  return typeof y === "number" && typeof run.operations === "number" ? { x: run.operations, y } : null;
}
