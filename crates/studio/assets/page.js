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

/** Whether strangers share this studio: nobody changes runs then, and uploads may be closed. */
export const isPublic = () => "public" in document.documentElement.dataset;
export const takesUploads = () => !isPublic() || "uploads" in document.documentElement.dataset;

/** A run's state in words. */
export function stateText(state) {
  if (state.state === "queued") return state.position === 1 ? "Queued, next in line" : `Queued, ${state.position - 1} before it`;
  return { running: "Running", finished: "Finished", failed: "Failed", cancelled: "Cancelled", interrupted: "Interrupted" }[state.state] ?? state.state;
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

/**
 * A video that plays by itself where the reader likes motion, and says why there is none. `element.stop()` gives it up:
 * what nobody waits for is not filmed.
 */
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
    if (!video.getAttribute("src")) return;
    words.textContent = await ask(source).then(() => "The video cannot be played here.", (error) => error.message);
  });
  const element = h("div", { class: "film" }, video, words);
  element.stop = () => {
    video.removeAttribute("src");
    video.load();
  };
  return element;
}

/** `1 operation`, `2 operations`. */
export const count = (value, word) => `${number(value)} ${word}${value === 1 ? "" : "s"}`;

/** Copies a text, and says so on the button that was pressed. */
export async function copyText(text, button) {
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
  announce(button.textContent);
  setTimeout(() => (button.textContent = words), 1500);
}

export const policies = { expert: "Expert", network: "Network", faithful: "Faithful formula", polished: "Polished formula", headline: "Formula" };

/** An agreement with the expert in words: a coefficient of determination is not a percentage. */
export function agreementText(measure, value) {
  if (typeof value !== "number") return "";
  if (measure === "same_action") return `${number(value * 100, 1)} %`;
  return value < 0 ? `R² ${number(value, 2)} (worse than a constant)` : `R² ${number(value, 3)}`;
}

/** The video of one of a run's policies, if it has one. */
export const videoOf = (detail, role) => detail.files.find((file) => file.media_type === "video/mp4" && file.role === role);
