// A formula: to be read, copied and changed.

import { copyText, h } from "./page.js";

const FORMS = { mathml: "Formula", latex: "LaTeX", python: "Python", c: "C", rust: "Rust" };

/** A formula with a tab for each form, and a button that copies the one that is shown (LaTeX for the formula itself). */
export function formulaView(formula) {
  const body = h("div", {});
  const copy = h("button", { type: "button", onclick: () => copyText(formula[shown === "mathml" ? "latex" : shown], copy) });
  let shown = "mathml";
  const names = Object.keys(FORMS).filter((name) => formula[name]);
  const tabs = names.map((name, index) => h("button", { type: "button", role: "tab", onclick: () => show(name), onkeydown: (event) => turn(event, index) }, FORMS[name]));
  const turn = (event, index) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = (index + step + names.length) % names.length;
    show(names[next]);
    tabs[next].focus();
  };
  const show = (name) => {
    shown = name;
    tabs.forEach((tab, index) => {
      tab.setAttribute("aria-selected", String(names[index] === name));
      tab.tabIndex = names[index] === name ? 0 : -1;
    });
    copy.textContent = `Copy ${name === "mathml" ? "LaTeX" : FORMS[name]}`;
    body.replaceChildren(name === "mathml" ? mathematics(formula.mathml) : h("pre", { class: "source", tabindex: "0" }, formula[name]));
  };
  show(formula.mathml ? "mathml" : names[0]);
  return h("div", {}, h("div", { class: "row between" }, h("div", { class: "tabs", role: "tablist", "aria-label": "Forms of the formula" }, tabs), copy), h("div", { role: "tabpanel" }, body));
}

/** MathML as elements. Its style attributes are set one by one: the page's policy forbids them in markup. */
export function mathematics(text) {
  const parsed = new DOMParser().parseFromString(text.replaceAll(" style=", " data-style="), "text/html");
  const math = document.importNode(parsed.querySelector("math"), true);
  for (const element of math.querySelectorAll("[data-style]")) {
    element.style.cssText = element.dataset.style;
    element.removeAttribute("data-style");
  }
  return h("div", { class: "formula", tabindex: "0", role: "group", "aria-label": "Formula" }, math);
}
