// Two or more runs side by side: what was decided otherwise, their formulas, their returns on the same starts, their films in step.

import { agreementText, ask, copyText, h, number } from "./page.js";
import { strip } from "./chart.js";
import { Formula, episode, world as worldOf } from "./play.js";
import { player } from "./player.js";
import { policy } from "./typeset.js";
import { nameOf } from "./runs.js";

const MOST = 6;

export function comparePage(signal) {
  const ids = [...new Set(new URLSearchParams(location.search).getAll("run"))].slice(0, MOST);
  const body = h("div", {}, h("p", { class: "soft" }, "Loading runs …"));
  const problem = h("p", { class: "notice", role: "alert" });

  async function load() {
    if (ids.length < 2) {
      body.replaceChildren(h("p", { class: "lead" }, "Choose two or more runs in ", h("a", { href: "/runs" }, "the list"), "."));
      return;
    }
    try {
      const details = await Promise.all(ids.map((id) => ask(`/api/runs/${encodeURIComponent(id)}`, undefined, signal)));
      const stories = await Promise.all(ids.map((id) => ask(`/api/runs/${encodeURIComponent(id)}/story`, undefined, signal).catch((error) => {
        if (error.name === "AbortError") throw error;
        return null;
      })));
      draw(details, stories);
    } catch (error) {
      if (error.name === "AbortError") return;
      body.replaceChildren();
      problem.textContent = error.message;
    }
  }

  function draw(details, stories) {
    const environments = new Set(details.map((detail) => detail.environment));
    const same = environments.size === 1;
    body.replaceChildren(
      ...[
        h("section", { class: "card" }, h("h2", {}, "Settings that differ"), settings(details)),
        h("section", { class: "card" }, h("h2", {}, "Formulas"), h("div", { class: "side" }, details.map((detail, index) => formulaOf(detail, stories[index])))),
        h("section", { class: "card" }, h("h2", {}, "Returns"), !same && h("p", { class: "soft small" }, "These runs are of different environments: their returns say nothing about each other."), returnsOf(details)),
        same && stage(details, stories),
      ].filter(Boolean),
    );
  }

  /** The keys of the configs whose values are not all the same. */
  function settings(details) {
    const configs = details.map((detail) => flat(detail.config ?? ""));
    const keys = [...new Set(configs.flatMap((config) => [...config.keys()]))].filter((key) => new Set(configs.map((config) => config.get(key))).size > 1).sort();
    if (!keys.length) return h("p", { class: "soft" }, "They were made with the same settings.");
    return h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Settings that differ" }, h("table", { class: "settings" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Setting"), details.map((detail) => h("th", { scope: "col" }, link(detail))))), h("tbody", {}, keys.map((key) => h("tr", {}, h("td", { class: "mono" }, key), configs.map((config) => h("td", { class: "mono value" }, config.get(key) ?? "–")))))));
  }

  const link = (detail) => h("a", { href: `/runs/${detail.id}` }, nameOf(detail));

  function formulaOf(detail, story) {
    const print = h("div", { class: "print", tabindex: "0", role: "group", "aria-label": `Formula of ${nameOf(detail)}` });
    if (story) {
      const formula = new Formula({ ...story, outputs: story.candidates[story.chosen].outputs });
      print.append(...policy(formula, { room: 34 }).map(({ element, indent, quiet }) => h("div", { class: `line ${indent ? "indent" : ""} ${quiet ? "quiet" : ""}` }, element)));
    } else print.append(h("p", { class: "soft" }, "This run has no formula that can be shown here."));
    const { metrics } = detail;
    const facts = [
      ["Return", number(metrics?.returns.headline?.mean)],
      ["Agreement", metrics ? agreementText(metrics.agreement.measure, metrics.agreement.expert_states.headline) : "–"],
      ["Operations", number(metrics?.formulas.headline?.operations)],
    ];
    return h("div", { class: "column" }, h("h3", {}, link(detail)), print, h("dl", { class: "numbers" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, h("b", {}, value || "–"))))));
  }

  /** Reports use the same starts in every run, so episodes are compared one by one. */
  function returnsOf(details) {
    const first = details[0].metrics?.returns.headline;
    const rows = details.filter((detail) => detail.metrics?.returns.headline).map((detail) => ({ detail, returns: detail.metrics.returns.headline }));
    const all = rows.flatMap(({ returns }) => returns.episodes ?? [returns.mean]);
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const better = (returns) => {
      if (!first?.episodes || returns === first || first.episodes.length !== returns.episodes?.length) return "";
      const [wins, losses] = returns.episodes.reduce(([w, l], value, index) => [w + (value > first.episodes[index]), l + (value < first.episodes[index])], [0, 0]);
      return `better in ${wins}, worse in ${losses} of ${returns.episodes.length}`;
    };
    return h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Returns" }, h("table", {}, h("thead", {}, h("tr", {}, ["Run", "Mean ± std", "Worst 5 %", "Against the first, start by start", "Episodes"].map((name, index) => h("th", { scope: "col", class: index === 1 || index === 2 ? "number" : index === 4 ? "strip" : null }, name)))), h("tbody", {}, rows.map(({ detail, returns }) => h("tr", {}, h("td", {}, link(detail)), h("td", { class: "number" }, `${number(returns.mean)} ± ${number(returns.std)}`), h("td", { class: "number" }, number(returns.worst_5_percent)), h("td", {}, better(returns)), h("td", { class: "strip" }, strip(returns.episodes ?? [], returns.mean, low, high, `Returns of the episodes of ${nameOf(detail)}`)))))));
  }

  function stage(details, stories) {
    const known = stories.findIndex((story) => story?.environment);
    if (known < 0) return null;
    const { environment } = stories[known];
    const world = stories.every((story) => story?.starts) ? worldOf(environment) : null;
    const formulas = stories.map((story) => story && new Formula({ ...story, outputs: story.candidates[story.chosen].outputs }));
    let seed = 0;
    const show = player({ world, formula: () => formulas[known], fps: environment.fps || 30, lanes: details.map((detail) => ({ name: nameOf(detail) })), signal, seeds: world ? 32 : 8, onseed: (chosen) => { seed = chosen; show.restart(seed); play(); } });
    async function play() {
      const mine = seed;
      // The same start for all: the first run's.
      for (const [index, formula] of formulas.entries()) {
        if (!formula) continue;
        if (world) show.set(index, episode(world, formula, stories[known].starts[mine]));
        else {
          const outputs = stories[index].candidates[stories[index].chosen].outputs.map(({ text }) => text);
          try {
            const trace = await ask(`/api/runs/${encodeURIComponent(ids[index])}/episode`, { outputs, episode: mine }, signal);
            if (mine === seed) show.set(index, trace);
          } catch (error) {
            if (error.name !== "AbortError") problem.textContent = error.message;
          }
        }
      }
    }
    play();
    return h("section", { class: "card" }, h("h2", {}, "In step"), show.element);
  }

  load();
  const copy = h("button", { type: "button", onclick: () => copyText(location.href, copy) }, "Copy link");
  return h("div", {}, h("div", { class: "row between" }, h("h1", {}, "Runs compared"), copy), problem, body);
}

/** Every key of a TOML text with its value, as text. */
function flat(text) {
  const found = new Map();
  let section = "";
  for (const line of text.split("\n")) {
    const header = /^\[+([^\]]+)\]+\s*$/.exec(line);
    if (header) section = header[1];
    else {
      const pair = /^([\w"-]+)\s*=\s*(.*)$/.exec(line);
      if (pair) found.set(section ? `${section}.${pair[1]}` : pair[1], pair[2]);
    }
  }
  return found;
}
