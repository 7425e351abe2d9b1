// Which page is shown.

import { announce, go, h } from "./page.js";
import { startPage } from "./start.js";
import { runPage } from "./run.js";
import { runsPage } from "./runs.js";

const main = document.getElementById("main");
let leave = () => {};

function show() {
  leave();
  const controller = new AbortController();
  leave = () => controller.abort();
  const path = location.pathname.replace(/\/$/, "") || "/";
  const run = path.match(/^\/runs\/([^/]+)$/);
  for (const link of document.querySelectorAll("nav a")) {
    const here = link.getAttribute("href") === (run ? "/runs" : path);
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const page = run ? runPage(decodeURIComponent(run[1]), controller.signal) : path === "/runs" ? runsPage(controller.signal) : startPage(controller.signal);
  main.replaceChildren(page);
  const title = page.querySelector("h1")?.textContent ?? "";
  document.title = title ? `${title} – kanrl studio` : "kanrl studio";
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='/']");
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (link.hasAttribute("download") || link.target || link.getAttribute("href").startsWith("/api/")) return;
  event.preventDefault();
  go(link.getAttribute("href"));
});
addEventListener("popstate", show);
addEventListener("navigate", () => {
  show();
  scrollTo(0, 0);
  main.focus({ preventScroll: true });
  announce(document.title);
});
addEventListener("unhandledrejection", (event) => {
  if (event.reason?.name === "AbortError") return;
  main.prepend(h("p", { class: "notice", role: "alert" }, event.reason?.message ?? String(event.reason)));
});
show();
