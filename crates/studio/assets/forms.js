// A formula in other forms, to be copied.

import { ask, copyText, h } from "./page.js";
import { print } from "./expression.js";

const FORMS = { text: "Text", latex: "LaTeX", mathml: "MathML", sympy: "SymPy", python: "NumPy", c: "C", rust: "Rust", json: "JSON" };

/** Every form of the policy that `now()` gives; `picture()` is the diagram that is shown. */
export function formsView({ id, path, detail, frozen, now, picture, signal }) {
  const select = h("select", { class: "slim", "aria-label": "Form of the formula", onchange: fill }, Object.entries(FORMS).map(([name, words]) => h("option", { value: name }, words)));
  select.value = "latex";
  const source = h("pre", { class: "source", tabindex: "0" });
  const copyButton = h("button", { type: "button", class: "slim", onclick: () => copyText(source.textContent, copyButton) }, "Copy");
  const element = h("details", { class: "forms", ontoggle: fill }, h("summary", {}, "LaTeX, Python, C, Rust …"), h("div", { class: "row" }, select, copyButton, h("button", { type: "button", class: "slim", onclick: () => save(id, picture()) }, "Picture")), source);
  async function fill() {
    const one = now();
    if (!element.open || !one || one.network) return;
    if (frozen && !one.forms) one.forms = one.key === "headline" ? detail.formulas?.headline : { text: one.formula.outputs.map(({ name, tree }) => `${name} = ${print(tree)}`).join("\n") };
    for (const option of select.options) option.disabled = frozen && !one.forms?.[option.value];
    if (frozen && !one.forms?.[select.value]) select.value = "text";
    try {
      if (!one.forms) one.forms = one.key === "headline" ? detail.formulas.headline : await ask(`${path}/forms`, { outputs: one.formula.outputs.map(({ tree }) => print(tree)) }, signal);
      if (one === now()) source.textContent = one.forms[select.value] ?? "";
    } catch (error) {
      if (error.name !== "AbortError") source.textContent = error.message;
    }
  }
  return { element, changed: fill };
}

/** The diagram as a file of its own. */
function save(id, found) {
  if (!found) return;
  const drawn = found.cloneNode(true);
  const style = document.createElementNS("http://www.w3.org/2000/svg", "style");
  style.textContent = "text{font:13px sans-serif;text-anchor:middle;fill:#1a1f2b}.box{fill:#fff;stroke:#5b6475}.curve{fill:none;stroke:#2f5fd0;stroke-width:2}.wire{stroke:#5b6475;stroke-width:1.3}.node{fill:#1a1f2b}";
  drawn.prepend(style);
  drawn.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const link = h("a", { href: URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(drawn)], { type: "image/svg+xml" })), download: `${id}.svg` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
