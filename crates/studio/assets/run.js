// One run: live progress, then everything it found.

import { agreementText, announce, ask, film, h, number, policies } from "./page.js";
import { follow, Progress } from "./progress.js";
import { formulaView, workbench } from "./formula.js";
import { networkView } from "./diagram.js";
import { scatter, strip } from "./chart.js";

const MEASURES = { same_action: "share of states with the same action", r_squared: "coefficient of determination of the action" };
const STATES = { queued: "Waiting", running: "Running", finished: "Finished", failed: "Failed", cancelled: "Cancelled", interrupted: "Interrupted" };

export function runPage(id, signal) {
  const title = h("h1", {}, id);
  const subtitle = h("p", { class: "soft small" });
  const state = h("span", { class: "pill" });
  const actions = h("div", { class: "row" });
  const notice = h("p", { class: "notice", role: "alert" });
  const progress = new Progress();
  const results = h("div", {});
  const watching = h("div", {});
  const live = h("section", { class: "card" }, h("h2", {}, "Progress"), h("div", { class: "two" }, h("div", {}, progress.list, progress.curves), watching));
  const log = h("details", { class: "card" }, h("summary", {}, "Log"), progress.log);
  const path = `/api/runs/${encodeURIComponent(id)}`;
  let shown = null;

  async function changed(now) {
    state.className = `pill ${now.state}`;
    state.textContent = now.state === "queued" ? `Waiting, number ${now.position}` : STATES[now.state];
    if (shown && shown !== now.state) announce(`${id}: ${STATES[now.state]}`);
    const first = shown === null;
    shown = now.state;
    notice.textContent = now.state === "failed" ? now.error : now.state === "running" && !now.here ? "This run was started elsewhere. You can watch it here but must stop it there." : "";
    draw(now);
    if (now.state === "finished") {
      progress.ended = true;
      await finish();
    } else if (first) describe(await ask(path, undefined, signal));
  }

  function draw(now) {
    const act = (name, words) => h("button", { type: "button", onclick: async (event) => {
      event.target.disabled = true;
      try {
        await ask(`${path}/${name}`, {}, signal);
        if (name === "resume") { shown = null; results.replaceChildren(); follow(id, progress, changed, signal); }
      } catch (error) {
        if (error.name !== "AbortError") notice.textContent = error.message;
        event.target.disabled = false;
      }
    } }, words);
    const over = ["failed", "cancelled", "interrupted"].includes(now.state);
    actions.replaceChildren(
      ...[
        (now.state === "queued" || (now.state === "running" && now.here)) && act("cancel", "Cancel"),
        over && act("resume", "Go on"),
        !["queued", "running"].includes(now.state) && h("a", { class: "button", href: `${path}/archive.zip`, download: `${id}.zip` }, "Download all"),
      ].filter(Boolean),
    );
  }

  function describe(detail) {
    const layers = (detail.widths ?? []).map((one) => (one.length ? `hidden ${one.join(", ")}` : "no hidden layer"));
    const hidden = layers.join("; ") || "no hidden layer";
    const when = new Date(detail.created * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    title.textContent = detail.environment ?? id;
    subtitle.replaceChildren(`${hidden} · seed ${detail.seed ?? 0} · ${detail.expert === "sb3" ? "uploaded expert" : detail.expert === "bundled" ? "bundled expert" : `expert: ${detail.expert}`} · ${when} · `, h("span", { class: "mono" }, id));
    document.title = `${detail.environment} – kanrl studio`;
    // While the run goes on, the expert is worth watching.
    if (!watching.firstChild && detail.expert === "bundled" && ["queued", "running"].includes(detail.state.state)) {
      watching.append(h("figure", {}, film(`/api/environments/${encodeURIComponent(detail.environment)}/expert.mp4`, "An episode of the expert"), h("figcaption", {}, h("b", {}, "The expert"), ", meanwhile")));
    }
  }

  async function finish() {
    let detail;
    try {
      detail = await ask(path, undefined, signal);
    } catch (error) {
      if (error.name !== "AbortError") notice.textContent = error.message;
      return;
    }
    describe(detail);
    const { metrics, files } = detail;
    const file = (name) => `${path}/files/${name}`;
    const report = files.find((one) => one.media_type.startsWith("text/html"));
    if (report) actions.append(h("a", { class: "button", href: file(report.name), target: "_blank", rel: "noopener" }, "Report"));
    const videos = files.filter((one) => one.media_type === "video/mp4" && one.role);
    const { headline, faithful } = detail.formulas;
    const isAnother = faithful && headline && faithful.latex !== headline.latex;
    const links = files.map((one) => h("a", { href: file(one.name), title: one.meaning, target: "_blank", rel: "noopener" }, one.name));
    const bench = headline && workbench(encodeURIComponent(id), headline, signal);
    live.remove();
    results.replaceChildren(
      ...[
        videos.length > 0 && h("section", { class: "card" }, h("h2", {}, "Expert and formula"), h("div", { class: "two" }, videos.map(({ name, role }) => h("figure", {}, film(file(name), `An episode of the ${policies[role]}`), h("figcaption", {}, h("b", {}, policies[role]), returnOf(metrics, role)))))),
        headline && h("section", { class: "card" }, h("h2", {}, "The formula"), formulaView(headline), h("p", { class: "soft small" }, `${headline.operations} operations. The printed formula is the one that was evaluated and filmed.`)),
        isAnother && h("section", { class: "card" }, h("h2", {}, "The faithful formula"), h("p", { class: "soft small" }, "Fitted to the expert’s outputs; nothing was tuned on return."), formulaView(faithful)),
        Object.keys(metrics?.returns ?? {}).length > 0 && h("section", { class: "card" }, h("h2", {}, "Returns"), returnsTable(metrics)),
        candidatesCard(detail, bench),
        detail.proof && proofCard(detail.proof),
        await networkCard(metrics?.formulas.headline?.student, metrics?.network),
        bench && h("section", { class: "card", id: "bench" }, h("h2", {}, "Try another formula"), h("p", { class: "soft small" }, "Change a constant (arrow keys work) or delete a term: the formula plays at once, on seeds that no report uses."), bench.element),
        h("section", { class: "card" }, h("h2", {}, "How it went"), h("div", { class: "two" }, progress.list, progress.curves), h("details", {}, h("summary", {}, "Files"), h("p", { class: "row small" }, links))),
      ].filter(Boolean),
    );
    progress.draw();
  }

  async function networkCard(student, shownStudent) {
    try {
      const network = await ask(`${path}/network`, undefined, signal);
      return h("section", { class: "card" }, h("h2", {}, "The network"), student && shownStudent && student !== shownStudent && h("p", { class: "soft small" }, `The formula above is the student ${student}’s. This network is ${shownStudent}’s.`), networkView(encodeURIComponent(id), network, signal));
    } catch (error) {
      if (error.name === "AbortError") throw error;
      return h("section", { class: "card" }, h("h2", {}, "The network"), h("p", { class: "soft" }, error.message));
    }
  }

  // A run that does not exist has no events: ask for it first.
  ask(path, undefined, signal).then(
    (detail) => {
      describe(detail);
      follow(id, progress, changed, signal);
    },
    (error) => {
      if (error.name === "AbortError") return;
      notice.textContent = error.message;
      live.remove();
      log.remove();
      state.remove();
    },
  );

  return h("div", {}, h("div", { class: "row between" }, h("div", {}, title, subtitle), h("div", { class: "row" }, state, actions)), notice, results, live, log);
}

function returnOf(metrics, role) {
  const returns = metrics?.returns[role];
  return returns ? ` – mean return ${number(returns.mean)}` : "";
}

/** What `kanrl verify` has found out about the formula. */
function proofCard({ lines }) {
  const certainties = { proved: "proved", measured: "measured", not_known: "not known" };
  const row = ({ certainty, subject, text }) => h("tr", {}, h("td", {}, certainties[certainty] ?? certainty), h("td", {}, subject), h("td", {}, text));
  return h("section", { class: "card" }, h("h2", {}, "Proof card"), h("p", { class: "soft small" }, "Proved: it holds without exception, rounding included. Measured: with 99 % confidence."), h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Proof card" }, h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "Certainty"), h("th", {}, "Subject"), h("th", {}, "What is known"))), h("tbody", {}, lines.map(row)))));
}

/** Every formula that the run considered, where it says so; each can be taken to the bench. */
function candidatesCard({ metrics, formulas }, bench) {
  const formula = formulas.headline;
  const candidates = (metrics?.candidates ?? []).filter((one) => typeof one.mean === "number" && typeof one.operations === "number");
  if (candidates.length < 2) return null;
  const shown = h("div", { "aria-live": "polite" }, h("p", { class: "soft" }, "Choose a point to read its formula."));
  const pick = ({ candidate }) => {
    const texts = formula?.outputs.map((output) => candidate.text?.split("\n").find((line) => line.startsWith(`${output.name} = `))?.slice(output.name.length + 3));
    const take = texts?.every(Boolean) && h("button", { type: "button", onclick: () => { bench.set(texts); document.getElementById("bench").scrollIntoView({ behavior: "smooth" }); } }, "Edit this formula");
    shown.replaceChildren(...[h("h3", {}, `${candidate.student}, ${candidate.tuning}`), h("p", { class: "soft small" }, `${candidate.operations} operations, return ${number(candidate.mean)} where it was chosen`), h("pre", { class: "source", tabindex: "0" }, candidate.text ?? ""), take && h("p", { class: "row" }, take)].filter(Boolean));
  };
  const points = candidates.map((candidate) => ({ x: candidate.operations, y: candidate.mean, front: candidate.on_front, candidate, label: `${candidate.student}, ${candidate.tuning}: ${candidate.operations} operations, return ${number(candidate.mean)}` }));
  return h("section", { class: "card" }, h("h2", {}, "Candidate formulas"), h("p", { class: "soft small" }, "The line connects the formulas that no other one beats in both operations and return, on the seeds that are used for choosing."), h("div", { class: "two" }, scatter(points, { label: "Candidates", x: "operations", y: "mean return", pick }), shown));
}

function returnsTable(metrics) {
  const order = Object.keys(policies);
  const rows = Object.entries(metrics.returns).sort(([one], [other]) => order.indexOf(one) - order.indexOf(other));
  const all = rows.flatMap(([, returns]) => returns.episodes ?? [returns.mean]);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const { measure, expert_states: values } = metrics.agreement;
  const agreements = rows.some(([policy]) => policy in values);
  const row = ([policy, returns]) => {
    const { low: low95, high: high95 } = returns.interquartile_mean_interval;
    return h(
      "tr",
      {},
      h("td", {}, policies[policy] ?? policy),
      h("td", { class: "number" }, `${number(returns.mean)} ± ${number(returns.std)}`),
      h("td", { class: "number" }, `${number(returns.interquartile_mean)} [${number(low95)}, ${number(high95)}]`),
      h("td", { class: "number" }, number(returns.worst_5_percent)),
      agreements && h("td", { class: "number" }, agreementText(measure, values[policy])),
      h("td", { class: "strip" }, strip(returns.episodes ?? [], returns.mean, low, high, `Returns of the episodes of the ${policies[policy] ?? policy}`)),
    );
  };
  const n = rows[0]?.[1].n;
  return h(
    "div",
    {},
    h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Returns" }, h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "Policy"), h("th", { class: "number" }, "Mean ± std"), h("th", { class: "number" }, "Interquartile mean [95 %]"), h("th", { class: "number" }, "Worst 5 %"), agreements && h("th", { class: "number" }, "Agreement"), h("th", { class: "strip" }, "Episodes"))), h("tbody", {}, rows.map(row)))),
    h("p", { class: "soft small" }, `${n ?? ""} episodes each, on the same seeds; nothing was tuned on them.${agreements ? ` Agreement: ${MEASURES[measure]}.` : ""}`),
  );
}
