// Which page is shown.

import { announce, go, h } from "./page.js";
import { startPage } from "./start.js";
import { runPage } from "./run.js";
import { runsPage } from "./runs.js";
import { galleryPage } from "./gallery.js";
import { comparePage } from "./compare.js";

const main = document.getElementById("main");
let leave = () => {};

function show() {
  leave();
  const controller = new AbortController();
  leave = () => controller.abort();
  const path = location.pathname.replace(/\/$/, "") || "/";
  const run = path.match(/^\/runs\/([^/]+)$/);
  for (const link of document.querySelectorAll("nav a")) {
    const here = link.getAttribute("href") === (run || path === "/compare" ? "/runs" : path);
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const result = path.match(/^\/gallery\/([^/]+)$/);
  const known = run || result || ["/", "/runs", "/compare"].includes(path);
  const page = !known ? nowhere() : result ? galleryPage(decodeURIComponent(result[1]), controller.signal) : run ? runPage(decodeURIComponent(run[1]), controller.signal) : path === "/runs" ? runsPage(controller.signal) : path === "/compare" ? comparePage(controller.signal) : startPage(controller.signal);
  main.replaceChildren(page);
  const title = page.querySelector("h1")?.textContent ?? "";
  document.title = title ? `${title} – kanrl studio` : "kanrl studio";
}

function nowhere() {
  return h("div", { class: "nowhere" }, h("h1", {}, "There is no page at this address"), h("p", { class: "lead" }, h("a", { href: "/" }, "Pick an environment"), ", or look at ", h("a", { href: "/runs" }, "all runs"), "."));
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
// A fault of the page is said, not hidden: half a page that waits for ever helps nobody.
function fault(error) {
  if (error?.name !== "AbortError") main.prepend(h("p", { class: "notice", role: "alert" }, error?.message ?? String(error)));
}
addEventListener("unhandledrejection", (event) => fault(event.reason));
addEventListener("error", (event) => event.error && fault(event.error));
show();
