// A formula: to be read, copied and changed.

import { ask, film, h, number } from "./page.js";

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

async function copyText(text, button) {
  const words = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    // Without a secure context there is no clipboard: mark the text instead.
    const field = h("textarea", { value: text, class: "hidden" });
    document.body.append(field);
    field.select();
    button.textContent = document.execCommand("copy") ? "Copied" : "Copying is not possible here";
    field.remove();
  }
  setTimeout(() => (button.textContent = words), 1500);
}

/** The formula's terms, whose constants can be changed and which can be deleted; every change is played at once. */
export function workbench(id, formula, signal) {
  const terms = h("div", {});
  const result = h("div", { "aria-live": "polite" });
  const problem = h("p", { class: "problem", role: "alert" });
  const original = formula.outputs.map((output) => output.text);
  let texts = [...original];
  let before = null;
  let timer = 0;
  let running = null;

  const reset = h("button", { type: "button", onclick: () => { texts = [...original]; draw(); attempt(); } }, "Start again");

  function draw() {
    terms.replaceChildren(
      ...formula.outputs.map((output, index) => {
        const area = h("textarea", { class: "code", spellcheck: "false", value: texts[index], "aria-label": `${output.name} as text`, oninput: () => { texts[index] = area.value; later(600); }, onchange: () => draw() });
        const pieces = split(texts[index]);
        return h(
          "div",
          {},
          h("span", { class: "label" }, `${output.name} =`),
          h("div", { class: "terms" }, pieces.map((piece, place) => term(pieces, place, index))),
          h("details", {}, h("summary", { class: "small" }, "As text"), area),
        );
      }),
    );
  }

  function term(pieces, place, index) {
    const parts = pieces[place].text.split(/((?<![\w.^])\d+(?:\.\d*)?(?:e[-+]?\d+)?)/);
    const rebuild = () => {
      texts[index] = join(pieces);
      later(150);
    };
    const nodes = parts.map((part, position) => {
      if (position % 2 === 0) return part && h("span", { class: "mono" }, part);
      const change = (event) => {
        if (!/^[-+]?\d*\.?\d+(e[-+]?\d+)?$/.test(event.target.value)) return;
        parts[position] = event.target.value.startsWith("-") ? `(${event.target.value})` : event.target.value;
        pieces[place].text = parts.join("");
        rebuild();
      };
      const step = (event) => {
        const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
        if (!by) return;
        event.preventDefault();
        const decimals = (event.target.value.split(".")[1] ?? "").length;
        event.target.value = (Number(event.target.value) + by * 10 ** -decimals).toFixed(decimals);
        change(event);
      };
      return h("input", { type: "text", inputmode: "decimal", value: part, size: String(Math.max(2, part.length)), "aria-label": `constant ${part}`, oninput: change, onkeydown: step });
    });
    const remove = h("button", { type: "button", title: "Delete this term", "aria-label": `Delete the term ${pieces[place].sign} ${pieces[place].text}`, onclick: () => {
      pieces.splice(place, 1);
      texts[index] = join(pieces);
      draw();
      later(0);
    } }, "×");
    const sign = pieces[place].sign === "-" ? "−" : place ? "+" : "";
    return h("span", { class: "term" }, sign && h("span", {}, sign), nodes, remove);
  }

  function later(delay) {
    clearTimeout(timer);
    timer = setTimeout(attempt, delay);
  }

  async function attempt() {
    running?.abort();
    running = new AbortController();
    signal.addEventListener("abort", () => running.abort());
    const mine = running;
    try {
      before ??= await ask(`/api/runs/${id}/try`, { outputs: original }, mine.signal);
      const answer = texts.every((text, index) => text === original[index]) ? before : await ask(`/api/runs/${id}/try`, { outputs: texts }, mine.signal);
      problem.textContent = "";
      result.replaceChildren(outcome(answer, before));
    } catch (error) {
      if (error.name !== "AbortError") problem.textContent = error.message;
    }
  }

  draw();
  const start = h("button", { type: "button", onclick: () => { start.remove(); attempt(); } }, "Play it");
  const element = h("div", {}, terms, problem, h("div", { class: "row" }, reset, start), result);
  const set = (others) => {
    texts = others;
    start.remove();
    draw();
    attempt();
  };
  return { element, set };
}

/** What a changed formula is worth, beside the run's own. */
export function outcome(answer, before, other = "The run’s own formula") {
  const { mean, interval, n } = answer.returns;
  const own = before && before !== answer ? before.returns.mean : null;
  return h(
    "div",
    { class: "two outcome" },
    h(
      "div",
      {},
      h("p", { class: "verdict" }, h("span", {}, h("b", {}, number(mean)), ` return`), h("span", { class: "soft small" }, `95 % of means within ${number(interval[0])} and ${number(interval[1])}; ${n} episodes`)),
      own !== null && h("p", { class: "soft" }, `${other} on the same seeds: ${number(own)}.`),
      h("p", { class: "soft small" }, `${answer.formula.operations} operations`),
      mathematics(answer.formula.mathml),
    ),
    film(answer.film, "An episode of this formula", "Filming …"),
  );
}

/** A sum's terms with their signs. */
function split(text) {
  const pieces = [];
  let depth = 0;
  let begin = 0;
  let sign = "+";
  const push = (end) => {
    const piece = text.slice(begin, end).trim();
    if (piece) pieces.push({ sign, text: piece });
  };
  for (let place = 0; place < text.length; place++) {
    if (text[place] === "(") depth++;
    if (text[place] === ")") depth--;
    const separates = depth === 0 && /^ [-+] /.test(text.slice(place, place + 3));
    const leads = depth === 0 && place === 0 && text[0] === "-";
    if (separates || leads) {
      push(place);
      sign = text[separates ? place + 1 : 0];
      begin = place + (separates ? 3 : 1);
    }
  }
  push(text.length);
  return pieces;
}

function join(pieces) {
  const text = pieces.map((piece, place) => (place ? ` ${piece.sign} ${piece.text}` : piece.sign === "-" ? `-${piece.text}` : piece.text)).join("");
  return text || "0";
}
