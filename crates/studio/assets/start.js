// A new run: environment, expert, hidden widths, and the button.

import { ask, count, film, go, h, isPublic, number, takesUploads } from "./page.js";
import { thumbnail } from "./thumbnail.js";
import { symbolText } from "./typeset.js";

const remembered = { environment: "CartPole-v1" };

export function startPage(signal) {
  const choices = h("fieldset", { class: "choices" }, h("legend", { class: "hidden" }, "Environment"), h("p", { class: "soft" }, "Loading environments …"));
  const search = h("input", { type: "search", id: "find", placeholder: "Search environments", "aria-label": "Search environments", oninput: () => find() });
  const preview = h("div", {});
  const problem = h("p", { class: "notice", role: "alert" });
  const upload = h("input", { type: "file", id: "upload", accept: ".zip,application/zip", "aria-describedby": "expert-hint expert-problem" });
  const button = h("button", { class: "primary", type: "submit" }, "Compute the symbolic policy");
  let environments = [];
  let expert = "bundled";
  let current = null;
  let showing = null;
  const results = new Map();

  const hidden = field("hidden", "Hidden widths", "2", "One number per layer, such as 2 or 3,3. Leave empty for no hidden layer.");
  const steps = field("steps", "Training steps", "", "Empty for the default.", "default");
  const seed = field("seed", "Seed", "", "The same seed gives the same formula.", "0");
  const settings = h("textarea", { id: "settings", class: "code", spellcheck: "false", placeholder: "[evaluate]\nepisodes = 200", "aria-describedby": "settings-hint settings-problem" });

  const form = h(
    "form",
    { novalidate: true, onsubmit: submit },
    h("div", { class: "card" }, h("div", { class: "row between list-head" }, h("h2", {}, "Environment"), search), choices, problemOf("environment")),
    h(
      "div",
      { class: "card" },
      h("h2", {}, "The network"),
      h("div", { class: "fields" }, hidden, steps),
      h(
        "details",
        {},
        h("summary", {}, "Another expert, seed, further settings"),
        h(
          "div",
          { class: "fields" },
          takesUploads() && h("div", { class: "field wide" }, h("label", { for: "upload" }, "Expert"), upload, h("span", { class: "hint", id: "expert-hint" }, "A Stable-Baselines3 archive (.zip) trained in this environment. Its code is never run. Leave empty for the bundled expert."), problemOf("expert")),
          seed,
          !isPublic() && h("div", { class: "field wide" }, h("label", { for: "settings" }, "Settings"), settings, h("span", { class: "hint", id: "settings-hint" }, "Sections of a run’s config, as TOML; `kanrl config show` prints all of them."), problemOf("settings")),
        ),
      ),
      problem,
      button,
    ),
  );

  let uploading = null;
  upload.addEventListener("change", async () => {
    uploading?.abort();
    uploading = new AbortController();
    signal.addEventListener("abort", () => uploading.abort());
    complain("expert", "");
    const [file] = upload.files;
    if (!file) return use("bundled");
    // Until it is accepted, and where it is refused, there is no expert to run.
    use(null);
    try {
      const query = new URLSearchParams({ environment: current.id, name: file.name });
      use((await ask(`/api/experts?${query}`, file, uploading.signal)).id);
    } catch (error) {
      if (error.name === "AbortError") return;
      complain("expert", `${error.message} Choose another file, or clear the field to use the bundled expert.`);
      show();
    }
  });

  const clear = h("button", { type: "button", class: "slim", onclick: () => { upload.value = ""; upload.dispatchEvent(new Event("change")); upload.focus(); } }, "Clear");
  upload.after(clear);

  /** Takes an expert: `bundled`, an archive's hash, or none yet. */
  function use(chosen) {
    expert = chosen;
    show();
  }

  ask("/api/environments", undefined, signal).then((list) => {
    environments = list;
    choices.replaceChildren(choices.firstChild, ...families(list).map(choice));
    const wanted = new URLSearchParams(location.search).get("environment") ?? remembered.environment;
    pick(list.find((environment) => environment.id === wanted) ?? list[0]);
    likeBefore();
    // The list scrolls by itself, so that the settings below stay in sight.
    const picked = choices.querySelector(".choice:has(:checked)");
    const below = picked ? picked.offsetTop + picked.offsetHeight - choices.offsetTop - choices.clientHeight : 0;
    if (below > 0) choices.scrollTop = below + picked.offsetHeight;
  }, (error) => error.name !== "AbortError" && (problem.textContent = error.message));

  ask("/api/gallery", undefined, signal).then((list) => {
    for (const one of list) results.set(one.id, one);
    gallery.hidden = !list.length;
    gallery.lastChild.replaceChildren(...list.map(resultCard));
    if (current) show();
  }, () => {});

  /** Fills the form as it was for another run, which the address names. */
  async function likeBefore() {
    const from = new URLSearchParams(location.search).get("from");
    if (!from) return;
    try {
      const form_ = await ask(`/api/runs/${encodeURIComponent(from)}/again`, undefined, signal);
      pick(environments.find((environment) => environment.id === form_.environment));
      for (const name of ["hidden", "steps", "seed", "settings"]) if (form.querySelector(`#${name}`)) form.querySelector(`#${name}`).value = form_[name];
      if (form_.seed || form_.settings || form_.expert !== "bundled") form.querySelector("details").open = true;
      if (form_.expert !== "bundled") use(form_.expert);
      problem.textContent = "";
    } catch (error) {
      if (error.name !== "AbortError") problem.textContent = error.message;
    }
  }

  /** Versions of one environment stand together, the newest that has an expert first. */
  function families(list) {
    const found = new Map();
    for (const environment of list) {
      const stem = environment.id.replace(/-v\d+$/, "");
      found.set(stem, [...(found.get(stem) ?? []), environment]);
    }
    const version = ({ id }) => Number(/-v(\d+)$/.exec(id)?.[1] ?? 0);
    return [...found].map(([stem, members]) => ({ stem, members: members.sort((one, other) => Boolean(other.expert) - Boolean(one.expert) || version(other) - version(one)) }));
  }

  function choice({ stem, members }) {
    const [first, ...others] = members;
    const radio = (environment) => h("input", { type: "radio", name: "environment", value: environment.id, disabled: Boolean(environment.error), "aria-label": environment.id, onchange: () => pick(environment) });
    return h(
      "div",
      { class: "choice", "data-words": members.map((one) => `${one.id} ${one.summary}`).join(" ").toLowerCase() },
      radio(first),
      thumbnail(first.id),
      h("div", {}, h("b", {}, others.length ? stem : first.id), h("span", {}, first.error ?? first.summary), others.length > 0 && h("div", { class: "versions" }, members.map((one, index) => h("label", { class: "version" }, index ? radio(one) : null, one.id.slice(stem.length + 1))))),
    );
  }

  function find() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const card of choices.querySelectorAll(".choice")) card.hidden = !words.every((word) => card.dataset.words.includes(word));
  }

  signal.addEventListener("abort", () => showing?.stop());

  function pick(environment) {
    if (!environment) return;
    current = environment;
    remembered.environment = environment.id;
    for (const radio of choices.querySelectorAll("input")) radio.checked = radio.value === environment.id;
    // An archive is checked against one environment.
    uploading?.abort();
    expert = "bundled";
    upload.value = "";
    for (const name of ["environment", "expert"]) complain(name, "");
    show();
  }

  function show() {
    button.disabled = expert === null || (expert === "bundled" && !current.expert);
    clear.hidden = !upload.files.length;
    showing?.stop();
    showing = null;
    if (expert === null) {
      const refused = form.querySelector("#expert-problem")?.textContent;
      preview.replaceChildren(h("h2", {}, "Your expert"), h("div", { class: "film" }, h("p", {}, refused ? "This file was not accepted." : "Reading the file …")));
      return;
    }
    const own = expert !== "bundled";
    const bundled = current.expert;
    const source = own || bundled ? `/api/environments/${encodeURIComponent(current.id)}/expert.mp4${own ? `?expert=${expert}` : ""}` : null;
    const names = (list) => list.map((item) => (typeof item === "string" ? item : symbolText(item.name))).join(", ");
    preview.replaceChildren(...[
      h("h2", {}, own ? "Your expert" : "The expert"),
      source ? (showing = film(source, `An episode of the expert in ${current.id}`)) : h("div", { class: "film" }, h("p", {}, "kanrl has no bundled expert for this environment. Upload one.")),
      h(
        "dl",
        { class: "facts" },
        !own && bundled && [h("dt", {}, "Return"), h("dd", {}, `${number(bundled.mean_return, 1)} ± ${number(bundled.std_return, 1)} (${bundled.algorithm.toUpperCase()}, 100 episodes)`)],
        own && [h("dt", {}, "Archive"), h("dd", {}, upload.files[0]?.name ?? "uploaded")],
        h("dt", {}, "Sees"),
        h("dd", {}, names(current.observations)),
        h("dt", {}, "Does"),
        h("dd", {}, names(current.actions)),
        current.steps && [h("dt", {}, "Episode"), h("dd", {}, `at most ${current.steps} steps`)],
      ),
      results.has(current.id) && h("p", { class: "row" }, h("a", { class: "button", href: `/gallery/${encodeURIComponent(current.id)}` }, "Open a finished result"), h("span", { class: "soft small" }, "without a run")),
    ].filter(Boolean));
  }

  async function submit(event) {
    event.preventDefault();
    if (!current || button.disabled) return;
    problem.textContent = "";
    for (const name of ["environment", "expert", "hidden", "steps", "seed", "settings"]) complain(name, "");
    const value = (name) => form.querySelector(`#${name}`)?.value ?? "";
    const body = { environment: current.id, expert, hidden: value("hidden"), steps: value("steps"), seed: value("seed"), settings: value("settings") };
    button.disabled = true;
    try {
      const { id } = await ask("/api/runs", body, signal);
      go(`/runs/${id}`);
    } catch (error) {
      if (error.name === "AbortError") return;
      const [first] = Object.entries(error.fields ?? {});
      if (first) complain(first[0], first[1], true);
      else problem.textContent = error.message;
      button.disabled = expert === null;
    }
  }

  function complain(name, words, focus = false) {
    const place = form.querySelector(`#${name}-problem`);
    if (place) place.textContent = words;
    const input = form.querySelector(name === "expert" ? "#upload" : `#${name}`);
    input?.setAttribute("aria-invalid", words ? "true" : "false");
    if (words && focus && input) {
      const folded = input.closest("details");
      if (folded) folded.open = true;
      input.focus();
    }
  }

  const gallery = h("section", { class: "gallery", "aria-label": "Finished results" }, h("div", {}));
  gallery.hidden = true;
  return h(
    "div",
    {},
    h("h1", {}, "From a trained policy to a formula"),
    h("p", { class: "lead" }, "Pick an environment. A network of curves learns what the expert does, each curve becomes a named function, and the result is a formula you can read, check, and ship."),
    gallery,
    h("h2", { class: "apart-above" }, "A run of your own"),
    h("div", { class: "start" }, form, h("section", { class: "card sticky", "aria-live": "polite" }, preview)),
  );
}

function field(id, label, value, hint, placeholder) {
  const input = h("input", { type: "text", id, value, placeholder, inputmode: id === "hidden" ? "text" : "numeric", autocomplete: "off", "aria-describedby": `${id}-hint ${id}-problem` });
  return h("div", { class: "field" }, h("label", { for: id }, label), input, h("span", { class: "hint", id: `${id}-hint` }, hint), problemOf(id));
}

function problemOf(id) {
  return h("span", { class: "problem", id: `${id}-problem`, role: "alert" });
}

/** A finished result, which one click opens. */
export function resultCard(one) {
  return h(
    "a",
    { class: "result", href: `/gallery/${encodeURIComponent(one.id)}` },
    thumbnail(one.id),
    h("div", {}, h("b", {}, one.id), h("span", { class: "soft small" }, `return ${number(one.return)}, expert ${number(one.expert)}`), h("span", { class: "soft small" }, count(one.operations, "operation"))),
  );
}
