// A new run: environment, expert, hidden widths, and the button.

import { ask, film, go, h, number, symbol } from "./page.js";

const remembered = { environment: "CartPole-v1" };

export function startPage(signal) {
  const choices = h("fieldset", { class: "choices" }, h("legend", { class: "hidden" }, "Environment"), h("p", { class: "soft" }, "Loading environments …"));
  const preview = h("div", {});
  const problem = h("p", { class: "notice", role: "alert" });
  const upload = h("input", { type: "file", id: "upload", accept: ".zip,application/zip", "aria-describedby": "expert-hint expert-problem" });
  const button = h("button", { class: "primary", type: "submit" }, "Compute the symbolic policy");
  let environments = [];
  let expert = "bundled";
  let current = null;

  const hidden = field("hidden", "Hidden widths", "2", "One number per layer, such as 2 or 3,3. Leave empty for no hidden layer.");
  const steps = field("steps", "Training steps", "", "Empty for the default.", "default");
  const seed = field("seed", "Seed", "", "The same seed gives the same formula.", "0");
  const settings = h("textarea", { id: "settings", class: "code", spellcheck: "false", placeholder: "[evaluate]\nepisodes = 200", "aria-describedby": "settings-hint settings-problem" });

  const form = h(
    "form",
    { novalidate: true, onsubmit: submit },
    h("div", { class: "card" }, h("h2", {}, "Environment"), choices, problemOf("environment")),
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
          h("div", { class: "field wide" }, h("label", { for: "upload" }, "Expert"), upload, h("span", { class: "hint", id: "expert-hint" }, "A Stable-Baselines3 archive (.zip) trained in this environment. Its code is never run. Leave empty for the bundled expert."), problemOf("expert")),
          seed,
          h("div", { class: "field wide" }, h("label", { for: "settings" }, "Settings"), settings, h("span", { class: "hint", id: "settings-hint" }, "Sections of a run’s config, as TOML; `kanrl config show` prints all of them."), problemOf("settings")),
        ),
      ),
      problem,
      button,
    ),
  );

  upload.addEventListener("change", async () => {
    expert = "bundled";
    complain("expert", "");
    const file = upload.files[0];
    if (file) {
      try {
        const query = new URLSearchParams({ environment: current.id, name: file.name });
        expert = (await ask(`/api/experts?${query}`, file, signal)).id;
      } catch (error) {
        if (error.name === "AbortError") return;
        complain("expert", error.message);
      }
    }
    show();
  });

  ask("/api/environments", undefined, signal).then((list) => {
    environments = list;
    choices.replaceChildren(choices.firstChild, ...list.map(choice));
    pick(list.find((environment) => environment.id === remembered.environment) ?? list[0]);
    // The list scrolls by itself, so that the settings below stay in sight.
    const picked = choices.querySelector(".choice:has(:checked)");
    const below = picked ? picked.offsetTop + picked.offsetHeight - choices.offsetTop - choices.clientHeight : 0;
    if (below > 0) choices.scrollTop = below + picked.offsetHeight;
  }, (error) => error.name !== "AbortError" && (problem.textContent = error.message));

  function choice(environment) {
    const radio = h("input", { type: "radio", name: "environment", value: environment.id, disabled: Boolean(environment.error), onchange: () => pick(environment) });
    return h("label", { class: "choice" }, radio, h("b", {}, environment.id), h("span", {}, environment.error ?? environment.summary));
  }

  function pick(environment) {
    if (!environment) return;
    current = environment;
    remembered.environment = environment.id;
    for (const radio of choices.querySelectorAll("input")) radio.checked = radio.value === environment.id;
    // An archive is checked against one environment.
    expert = "bundled";
    upload.value = "";
    for (const name of ["environment", "expert"]) complain(name, "");
    show();
  }

  function show() {
    const own = expert !== "bundled";
    const bundled = current.expert;
    const source = own || bundled ? `/api/environments/${encodeURIComponent(current.id)}/expert.mp4${own ? `?expert=${expert}` : ""}` : null;
    const names = (list) => list.map((item) => (typeof item === "string" ? item : symbol(item.name))).join(", ");
    preview.replaceChildren(
      h("h2", {}, own ? "Your expert" : "The expert"),
      source ? film(source, `An episode of the expert in ${current.id}`) : h("div", { class: "film" }, h("p", {}, "kanrl has no bundled expert for this environment. Upload one.")),
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
    );
  }

  async function submit(event) {
    event.preventDefault();
    if (!current) return;
    problem.textContent = "";
    for (const name of ["environment", "expert", "hidden", "steps", "seed", "settings"]) complain(name, "");
    const value = (name) => form.querySelector(`#${name}`).value;
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
    } finally {
      button.disabled = false;
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

  return h(
    "div",
    {},
    h("h1", {}, "From a trained policy to a formula"),
    h("p", { class: "lead" }, "Choose an environment. A network of curves learns what the expert does, each curve becomes a named function, and the result is a formula you can read, check, and ship."),
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
