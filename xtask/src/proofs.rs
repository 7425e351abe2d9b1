//! `cargo xtask proofs`: the proof cards of the bundled experts' headline formulas, as `docs/proofs.md`.

use crate::shell::{root, run, write};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An environment, and what its statistics are made of.
const CASES: [(&str, &[&str]); 5] = [
    ("CartPole-v1", &["--episodes", "1000000"]),
    ("MountainCar-v0", &["--episodes", "250000"]),
    ("MountainCarContinuous-v0", &["--episodes", "50000", "--boxes", "40000"]),
    ("Pendulum-v1", &["--episodes", "50000"]),
    ("Acrobot-v1", &["--episodes", "10000"]),
];

/// What the command line asks for.
#[derive(Default)]
pub struct Options {
    /// A folder with a run for each environment, under its id; those that are missing are extracted.
    pub runs: Option<PathBuf>,
    /// A build of kanrl; by default a new one.
    pub program: Option<PathBuf>,
}

/// Extracts what is missing, verifies every headline formula, and writes the table.
pub fn proofs(options: &Options) -> Result<(), String> {
    let program = match &options.program {
        Some(program) => program.clone(),
        None => {
            run("cargo", &["build", "--release"])?;
            root().join("target/release/kanrl")
        }
    };
    let runs = options.runs.clone().unwrap_or_else(|| root().join("target/proofs"));
    let mut text = HEAD.to_owned();
    let mut cards = Vec::new();
    for (environment, arguments) in CASES {
        let folder = runs.join(environment);
        if !folder.join("formula.json").is_file() {
            let folder = path(&folder)?;
            run(path(&program)?, &["extract", environment, "--seed", "0", "--out", folder, "--quiet"])?;
        }
        let mut command = Command::new(&program);
        command.args(["verify", &format!("run:{}", path(&folder)?), "--json", "--quiet"]).args(arguments);
        eprintln!("$ {command:?}");
        let output = command.output().map_err(|error| format!("cannot run {}: {error}", program.display()))?;
        if !output.status.success() {
            return Err(format!("{environment}: {}", String::from_utf8_lossy(&output.stderr)));
        }
        let card: Value = serde_json::from_slice(&output.stdout).map_err(|error| format!("{environment}: {error}"))?;
        cards.push((environment, arguments, card));
    }
    text += "| environment | starts proved | least return, proved | worst of the episodes played | probability of failure (99 %) |\n|---|---|---|---|---|\n";
    for (environment, _, card) in &cards {
        text += &row(environment, card);
    }
    for (environment, arguments, card) in &cards {
        text += &format!("\n## {environment}\n\n`kanrl verify run:{environment} {}`\n\n```text\n", arguments.join(" "));
        text += card["formula"].as_str().unwrap_or_default();
        text += "\n```\n\n| certainty | subject | what is known |\n|---|---|---|\n";
        for line in card["lines"].as_array().into_iter().flatten() {
            let field = |name: &str| line[name].as_str().unwrap_or_default().replace('|', "\\|").replace('_', " ");
            let said = line["text"].as_str().unwrap_or_default().replace('|', "\\|");
            text += &format!("| {} | {} | {said} |\n", field("certainty"), field("subject"));
        }
        if *environment == "CartPole-v1" {
            text += CART_POLE;
        }
    }
    write(&root().join("docs/proofs.md"), &text)
}

const HEAD: &str = "\
# Proofs

What is proved, measured, and not known of the bundled experts' headline formulas (`kanrl extract ENVIRONMENT --seed 0`).
`cargo xtask proofs` writes this page anew; [the guide](guide/src/proofs.md) says what the words mean.

";

/// What was tried by hand, once, and is not in the card.
const CART_POLE: &str = "
No invariant set is proved. Ellipsoids V ≤ 1 around x = −0.374, where the formula is at rest, were searched for by CMA-ES over all ten
numbers of the quadratic form, with |x| ≤ 2.4 and |θ| ≤ 0.2095 inside of them. The formula switches between −10 N and 10 N, so that V
need not fall near the middle; asked was only that nothing leaves.

- In one step: after 13,916 ellipsoids the best one is left still. Of 300,000 states inside, the worst goes from V ≤ 1 to V = 1.029:
  x = −0.92929, ẋ = 0.31517, θ = 0.058850, θ̇ = −0.24469 becomes x = −0.92299, ẋ = 0.11926, θ = 0.053956, θ̇ = 0.065956.
- In at most four steps: there is an ellipsoid (half-widths 0.51 in x, 1.36 in ẋ, 0.2095 in θ, 1.64 in θ̇) to which each of 300,000
  states came back, with V ≤ 0.988 on return, and without falling on the way. That is measured, not proved: no enclosure of four steps
  across the switch was made for it.
";

fn row(environment: &str, card: &Value) -> String {
    let about = |subject: &str| card["lines"].as_array().into_iter().flatten().find(|line| line["subject"] == subject);
    let number = |line: Option<&Value>, name: &str| line.and_then(|line| line["values"][name].as_f64());
    let share = number(about("starts"), "proved").unwrap_or(0.0);
    let mut starts = if share >= 1.0 { "100 %".to_owned() } else { format!("{:.2} %", (1e4 * share).floor() / 100.0) };
    if let Some(horizon) = number(about("horizon"), "horizon") {
        starts += &format!(" (100 % for {horizon} steps)");
    }
    if let Some(earliest) = number(about("earliest"), "earliest").filter(|_| share < 1.0) {
        starts += &format!(" (no goal in fewer than {earliest} steps)");
    }
    let or_dash = |value: Option<f64>, digits: usize| {
        value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}").replace('-', "−"))
    };
    let failures = about("failures");
    let worst = failures.and_then(|line| line["values"]["worst"][0]["episode_return"].as_f64());
    let least = number(about("least return"), "least_return");
    let below = number(failures, "fails_below");
    let probability =
        number(failures, "failure_probability").map_or_else(|| "–".to_owned(), |value| format!("≤ {value:.2e}"));
    format!(
        "| {environment} | {starts} | {} | {} | {probability} (below {}) |\n",
        or_dash(least, 1),
        or_dash(worst, 1),
        or_dash(below, 1)
    )
}

fn path(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| format!("{} is not valid UTF-8", path.display()))
}
