// What every page needs: elements, the server's answers, numbers.

/** An element: attributes, listeners (`onclick`), then children; null and false are left out. */
export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** As h, for SVG. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled" || name === "muted") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An answer that refuses, with the server's words. */
export class Refusal extends Error {
  constructor(message, fields = {}, status = 0) {
    super(message);
    this.fields = fields;
    this.status = status;
  }
}

/** Asks the server; `body` makes it a write. Bodies other than files are sent as JSON. */
export async function ask(path, body, signal) {
  const options = { signal };
  if (body !== undefined) {
    options.method = "POST";
    options.headers = { "x-kanrl-studio": "1" };
    options.body = body instanceof Blob ? body : JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal("The server does not answer. Is `kanrl serve` still running?");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refusal(answer.error ?? `The server answered ${response.status}.`, answer.fields, response.status);
  return answer;
}

/** A number as people read it. */
export function number(value, digits) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const places = digits ?? (Number.isInteger(value) ? 0 : size >= 1000 ? 0 : size >= 100 ? 1 : size >= 0.1 || size === 0 ? 2 : 4);
  return value.toFixed(places).replace("-", "−");
}

export function seconds(value) {
  return value >= 90 ? `${Math.floor(value / 60)} min ${Math.round(value % 60)} s` : `${value.toFixed(value < 10 ? 1 : 0)} s`;
}

/** Says something to those who listen instead of looking. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

/** Follows a link inside the app. */
export function go(path) {
  history.pushState(null, "", path);
  dispatchEvent(new Event("navigate"));
}

/** A video that plays by itself where the reader likes motion, and says why there is none. */
export function film(source, label, waiting = "Filming an episode …") {
  const words = h("p", {}, waiting);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const video = h("video", { src: source, controls: true, loop: true, muted: true, playsinline: true, autoplay: !calm, "aria-label": label });
  video.hidden = true;
  video.addEventListener("loadeddata", () => {
    video.hidden = false;
    words.remove();
  });
  video.addEventListener("error", async () => {
    words.textContent = await ask(source).then(() => "The video cannot be played here.", (error) => error.message);
  });
  return h("div", { class: "film" }, video, words);
}

/** A name as it is written in formulas: θ̇ for theta_dot. */
export function symbol(name) {
  const greek = { alpha: "α", beta: "β", gamma: "γ", delta: "δ", theta: "θ", phi: "φ", psi: "ψ", omega: "ω", tau: "τ", lambda: "λ", mu: "μ", rho: "ρ", sigma: "σ", pi: "π" };
  const parts = name.split("_");
  const dots = parts.filter((part) => part === "dot").length;
  const words = parts.filter((part) => part !== "dot").map((part) => greek[part] ?? part);
  const first = words.shift() ?? name;
  const dotted = dots && first.length === 1 ? first + (dots === 1 ? "\u0307" : "\u0308") : first + (dots ? "˙".repeat(dots) : "");
  return [dotted, ...words].join(" ");
}

export const policies = { expert: "Expert", network: "Network", faithful: "Faithful formula", polished: "Polished formula", headline: "Formula" };

/** An agreement with the expert in words: a coefficient of determination is not a percentage. */
export function agreementText(measure, value) {
  if (typeof value !== "number") return "";
  return measure === "same_action" ? `${number(value * 100, 1)} %` : `R² ${number(value, 3)}`;
}

/** The video of one of a run's policies, if it has one. */
export const videoOf = (detail, role) => detail.files.find((file) => file.media_type === "video/mp4" && file.role === role);
