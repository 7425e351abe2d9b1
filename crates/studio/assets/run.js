// One run: live progress, then everything it found.

import { announce, ask, count, film, h, number, policies, stateText } from "./page.js";
import { follow, Progress } from "./progress.js";
import { formulaView } from "./formula.js";
import { storyCard } from "./story.js";
import { returnsTable } from "./returns.js";
import { ladderCard, proofCard } from "./frozen.js";

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
  const offline = h("p", { class: "notice", role: "status" });
  let shown = null;
  let following = null;

  const lost = (gone) => (offline.textContent = gone ? "Connection lost, retrying …" : "");

  async function changed(now) {
    state.className = `pill ${now.state}`;
    state.textContent = stateText(now);
    if (shown && shown !== now.state) announce(`${id}: ${stateText(now)}`);
    const first = shown === null;
    shown = now.state;
    notice.textContent = now.state === "failed" ? now.error : now.state === "running" && !now.here ? "This run was started elsewhere. You can watch it here but must stop it there." : "";
    draw(now);
    if (now.state === "finished") {
      progress.ended = true;
      await finish();
    } else {
      if (!live.isConnected) {
        results.replaceChildren();
        results.after(live);
        live.querySelector(".two").firstChild.replaceChildren(progress.list, progress.curves);
      }
      if (first) describe(await ask(path, undefined, signal));
    }
  }

  function draw(now) {
    const act = (name, words) => h("button", { type: "button", onclick: async (event) => {
      event.target.disabled = true;
      try {
        await ask(`${path}/${name}`, {}, signal);
        if (name === "resume") following.again();
      } catch (error) {
        if (error.name !== "AbortError") notice.textContent = error.message;
        event.target.disabled = false;
      }
    } }, words);
    const over = ["failed", "cancelled", "interrupted"].includes(now.state);
    actions.replaceChildren(
      ...[
        (now.state === "queued" || (now.state === "running" && now.here)) && act("cancel", "Cancel"),
        over && act("resume", "Resume"),
        !["queued", "running"].includes(now.state) && h("a", { class: "button", href: `/?from=${encodeURIComponent(id)}` }, "Run again with changes"),
        !["queued", "running"].includes(now.state) && h("a", { class: "button", href: `${path}/archive.zip`, download: `${id}.zip` }, "Download all"),
      ].filter(Boolean),
    );
  }

  function describe(detail) {
    const layers = (detail.widths ?? []).map((one) => (one.length ? `hidden ${one.join(", ")}` : "no hidden layer"));
    const hidden = layers.join("; ") || "no hidden layer";
    const when = new Date(detail.created * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    title.textContent = detail.label?.name || (detail.environment ?? id);
    subtitle.replaceChildren(`${detail.label?.name ? `${detail.environment} · ` : ""}${hidden} · seed ${detail.seed ?? 0} · ${detail.expert === "sb3" ? "uploaded expert" : detail.expert === "bundled" ? "bundled expert" : `expert: ${detail.expert}`} · ${when} · `, h("span", { class: "mono" }, id));
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
    const story = await storyOf(detail);
    const report = files.find((one) => one.media_type.startsWith("text/html"));
    if (story) actions.append(h("a", { class: "button", href: `${path}/page.html`, download: `${id}.html`, title: "This page as one file, to keep or to send" }, "Save page"));
    if (report) actions.append(h("a", { class: "button", href: file(report.name), target: "_blank", rel: "noopener" }, "Report"));
    const videos = files.filter((one) => one.media_type === "video/mp4" && one.role);
    const { headline, faithful } = detail.formulas;
    const isAnother = faithful && headline && faithful.latex !== headline.latex;
    const links = files.map((one) => h("a", { href: file(one.name), title: one.meaning, target: "_blank", rel: "noopener" }, one.name));
    live.remove();
    results.replaceChildren(
      ...[
        story,
        !story && videos.length > 0 && h("section", { class: "card" }, h("h2", {}, "Expert and formula"), h("div", { class: "two" }, videos.map(({ name, role }) => h("figure", {}, film(file(name), `An episode of the ${policies[role]}`), h("figcaption", {}, h("b", {}, policies[role]), returnOf(metrics, role)))))),
        !story && headline && h("section", { class: "card" }, h("h2", {}, "The formula"), formulaView(headline), h("p", { class: "soft small" }, `${count(headline.operations, "operation")}. The printed formula is the one that was evaluated and filmed.`)),
        !story && isAnother && h("section", { class: "card" }, h("h2", {}, "The faithful formula"), h("p", { class: "soft small" }, "Fitted to the expert’s outputs; nothing was tuned on return."), formulaView(faithful)),
        Object.keys(metrics?.returns ?? {}).length > 0 && h("section", { class: "card" }, h("h2", {}, "Returns"), returnsTable(metrics)),
        proofCard(detail.proof, id),
        ladderCard(metrics),
        h("section", { class: "card" }, h("h2", {}, "How it went"), h("div", { class: "two" }, progress.list, progress.curves), h("details", {}, h("summary", {}, "Files"), h("p", { class: "row small" }, links))),
      ].filter(Boolean),
    );
    progress.draw();
  }

  /** Formula, diagram, films and numbers together; null for a run whose parts are not there, such as one from a log. */
  async function storyOf(detail) {
    if (!detail.formulas.headline) return null;
    try {
      return storyCard(id, detail, await ask(`${path}/story`, undefined, signal), signal);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      notice.textContent = error.message;
      return null;
    }
  }

  // A run that does not exist has no events: ask for it first.
  ask(path, undefined, signal).then(
    (detail) => {
      describe(detail);
      following = follow(id, progress, changed, lost, signal);
    },
    (error) => {
      if (error.name === "AbortError") return;
      notice.textContent = error.message;
      live.remove();
      log.remove();
      state.remove();
    },
  );

  return h("div", {}, h("div", { class: "row between" }, h("div", {}, title, subtitle), h("div", { class: "row" }, state, actions)), notice, offline, results, live, log);
}

function returnOf(metrics, role) {
  const returns = metrics?.returns[role];
  return returns ? ` – mean return ${number(returns.mean)}` : "";
}
