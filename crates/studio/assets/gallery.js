// Finished results, which open with one click and without a run.

import { ask, h } from "./page.js";
import { frozenView } from "./frozen.js";

export function galleryPage(id, signal) {
  const body = h("div", {}, h("h1", {}, id), h("p", { class: "soft" }, "Loading the result …"));
  ask(`/api/gallery/${encodeURIComponent(id)}`, undefined, signal).then(
    (frozen) => {
      const further = h("a", { class: "button", href: `/?environment=${encodeURIComponent(id)}` }, "Run it yourself");
      body.replaceChildren(frozenView(frozen, signal, further));
    },
    (error) => {
      if (error.name !== "AbortError") body.replaceChildren(h("h1", {}, id), h("p", { class: "notice", role: "alert" }, error.message));
    },
  );
  return body;
}
