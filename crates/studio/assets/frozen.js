// A run's page without a server: in the gallery, on a site, or in a file.

import { count, h, number } from "./page.js";
import { storyCard } from "./story.js";
import { returnsTable } from "./returns.js";

/** Fills `main` with the page of what was frozen; gives what ends it. */
export function frozenPage(main, frozen, further = null) {
  const controller = new AbortController();
  main.replaceChildren(frozenView(frozen, controller.signal, further));
  return () => controller.abort();
}

/** The page's elements. */
export function frozenView({ story, detail }, signal, further = null) {
  const { metrics } = detail;
  const layers = (detail.widths ?? []).map((one) => (one.length ? `hidden ${one.join(", ")}` : "no hidden layer")).join("; ");
  const robustness = metrics?.robustness ?? [];
  return h(
    "div",
    {},
    h("div", { class: "row between" }, h("div", {}, h("h1", {}, detail.environment), h("p", { class: "soft small" }, `${layers} · seed ${detail.seed} · made by kanrl, and everything here is computed in this page`)), further),
    (metrics?.warnings ?? []).map((words) => h("p", { class: "notice" }, words)),
    storyCard(detail.environment, detail, story, signal),
    Object.keys(metrics?.returns ?? {}).length > 0 && h("section", { class: "card" }, h("h2", {}, "Returns"), returnsTable(metrics)),
    robustness.length > 0 && h("section", { class: "card" }, h("h2", {}, "In changed environments"), h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "In changed environments" }, h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Change"), h("th", { scope: "col", class: "number" }, "Expert"), h("th", { scope: "col", class: "number" }, "Formula"))), h("tbody", {}, robustness.map((one) => h("tr", {}, h("td", {}, one.change), h("td", { class: "number" }, number(one.expert)), h("td", { class: "number" }, number(one.headline))))))), h("p", { class: "soft small" }, `${count(robustness[0].episodes, "episode")} each, on the same seeds.`)),
    proofCard(detail.proof, detail.environment),
    ladderCard(metrics),
    h("section", { class: "card" }, h("h2", {}, "Repeat it"), h("pre", { class: "source", tabindex: "0" }, `kanrl extract ${detail.environment}${detail.seed ? ` --seed ${detail.seed}` : ""}`)),
  );
}

const STEPS = { network: "Network", pruned: "Pruned", named: "Named", formula: "Formula" };

/** What was lost where, from the expert to each student's formula. */
export function ladderCard(metrics) {
  const ladder = metrics?.ladder ?? [];
  if (!ladder.length) return null;
  const students = [...new Set(ladder.map((rung) => rung.student))];
  const steps = Object.keys(STEPS).filter((step) => ladder.some((rung) => rung.step === step));
  const cell = (student, step) => {
    const rung = ladder.find((one) => one.student === student && one.step === step);
    return h("td", { class: "number" }, rung ? [number(rung.mean), h("span", { class: "soft small" }, typeof rung.expert_states === "number" ? ` ${metrics.agreement.measure === "same_action" ? `${number(rung.expert_states * 100, 1)} %` : `R² ${number(rung.expert_states, 2)}`}` : "")] : "");
  };
  return h("section", { class: "card" }, h("h2", {}, "From the expert to the formula"), h("p", { class: "soft small" }, "The return of each student after each step, and how far it does what the expert does: where one of them drops, something was lost."), h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "From the expert to the formula" }, h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Student"), steps.map((step) => h("th", { scope: "col", class: "number" }, STEPS[step])), h("th", { scope: "col", class: "number" }, "Operations"))), h("tbody", {}, students.map((student) => h("tr", {}, h("td", {}, student), steps.map((step) => cell(student, step)), h("td", { class: "number" }, number(ladder.find((rung) => rung.student === student && rung.operations !== null)?.operations))))))));
}

const CERTAINTIES = { proved: "proved", measured: "measured", not_known: "not known" };

/** What is known of the formula, line by line; how to find out where nothing is. */
export function proofCard(proof, id) {
  if (!proof?.lines?.length) return null;
  return h(
    "section",
    { class: "card" },
    h("h2", {}, "Proof card"),
    h("p", { class: "soft small" }, "Proved: it holds without exception, rounding included. Measured: with the confidence that the line says. Not known: it was not decided."),
    h("ul", { class: "proof" }, proof.lines.map((line) => h("li", {}, h("span", { class: `certainty ${line.certainty}` }, CERTAINTIES[line.certainty] ?? line.certainty), h("div", {}, h("b", {}, line.subject), h("p", {}, line.text))))),
    proof.observations?.length > 0 && h("details", {}, h("summary", {}, "Where bounds hold"), h("p", { class: "small" }, proof.observations.map((side) => `${side.name}: ${number(side.low)} to ${number(side.high)}`).join("; "))),
    h("p", { class: "soft small mono" }, `kanrl verify run:${id}`),
  );
}
