//! `cargo xtask results`: `kanrl extract` at its defaults on every environment, expert and pipeline seed, as a table.
//!
//! Every row is kept in `docs/results.json` as soon as it is there, so the command can be interrupted and run again; a row
//! is measured anew only where its command line or kanrl's version has changed, or with `--again`.

use crate::setup;
use crate::shell::{children_seconds, metrics, root, run, write};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// What is run: environment, archive among the reference experts, seeds with the bundled expert, seeds with the archive,
/// report episodes, the mean return that is needed (`expert`: the expert's), the best closed form known, operations.
struct Case {
    environment: &'static str,
    archive: &'static str,
    bundled_seeds: u32,
    archive_seeds: u32,
    episodes: u32,
    floor: Option<Floor>,
    aim: Option<f64>,
    operations: Option<u64>,
}

#[derive(Clone, Copy)]
enum Floor {
    Return(f64),
    Expert,
}

const fn case(
    environment: &'static str,
    archive: &'static str,
    seeds: (u32, u32),
    episodes: u32,
    floor: Option<Floor>,
    aim: Option<f64>,
    operations: Option<u64>,
) -> Case {
    let (bundled_seeds, archive_seeds) = seeds;
    Case { environment, archive, bundled_seeds, archive_seeds, episodes, floor, aim, operations }
}

impl Case {
    /// The mean return that the formula of `row` needs.
    fn floor_of(&self, row: &Value) -> Option<f64> {
        match self.floor? {
            Floor::Return(value) => Some(value),
            Floor::Expert => row["expert"]["mean"].as_f64(),
        }
    }
}

/// For environments that the reference has no agent for.
const NO_ARCHIVE: &str = "";

const CASES: [Case; 19] = [
    case("CartPole-v1", "CartPole-v1", (5, 5), 1000, Some(Floor::Return(500.0)), Some(500.0), Some(15)),
    case("MountainCar-v0", "MountainCar-v0", (5, 5), 1000, Some(Floor::Return(-110.0)), Some(-104.0), Some(25)),
    case(
        "MountainCarContinuous-v0",
        "MountainCarContinuous-v0",
        (5, 5),
        1000,
        Some(Floor::Return(93.0)),
        Some(98.7),
        Some(20),
    ),
    case("Acrobot-v1", "Acrobot-v1", (5, 5), 1000, Some(Floor::Return(-82.0)), Some(-76.9), Some(40)),
    case("Pendulum-v1", "Pendulum-v1", (5, 5), 1000, Some(Floor::Return(-165.0)), Some(-150.0), Some(40)),
    case("LunarLander-v3", "LunarLander-v2", (3, 1), 100, Some(Floor::Return(240.0)), Some(262.0), Some(80)),
    case("Swimmer-v4", "Swimmer-v3", (3, 1), 100, Some(Floor::Expert), Some(355.0), Some(80)),
    case("Hopper-v4", "Hopper-v3", (3, 1), 100, Some(Floor::Expert), Some(3344.0), Some(120)),
    case("LunarLanderContinuous-v3", "LunarLanderContinuous-v2", (1, 0), 100, None, Some(283.6), None),
    case("BipedalWalker-v3", "BipedalWalker-v3", (1, 0), 100, None, Some(311.9), None),
    case("Walker2d-v4", "Walker2d-v3", (1, 0), 100, None, Some(2994.0), None),
    case("HalfCheetah-v4", "HalfCheetah-v3", (0, 1), 100, None, Some(4815.0), None),
    case("Swimmer-v5", "Swimmer-v3", (1, 0), 100, None, None, None),
    case("Hopper-v5", "Hopper-v3", (1, 0), 100, None, None, None),
    case("Walker2d-v5", "Walker2d-v3", (1, 0), 100, None, None, None),
    case("HalfCheetah-v5", "HalfCheetah-v3", (1, 1), 100, None, Some(4815.0), None),
    case("InvertedPendulum-v5", NO_ARCHIVE, (1, 0), 100, None, None, None),
    case("InvertedDoublePendulum-v5", NO_ARCHIVE, (1, 0), 100, None, None, None),
    case("Reacher-v5", NO_ARCHIVE, (1, 0), 100, None, None, None),
];

const DATA: &str = "docs/results.json";
const TABLE: &str = "docs/results.md";

/// What the command line asks for.
#[derive(Default)]
pub struct Options {
    /// One environment only.
    pub only: Option<String>,
    /// At most so many pipeline seeds.
    pub seeds: Option<u32>,
    /// Measure again what is there.
    pub again: bool,
    /// Only write the table.
    pub table: bool,
    /// The folder of the whole recordings, for the archives among them.
    pub reference: Option<PathBuf>,
}

/// Runs what is missing, then writes the table.
pub fn results(options: &Options) -> Result<(), String> {
    let only = options.only.as_deref();
    if let Some(unknown) = only.filter(|only| CASES.iter().all(|case| case.environment != *only)) {
        let known: Vec<&str> = CASES.iter().map(|case| case.environment).collect();
        return Err(format!("no row of `{unknown}`: there are {}", known.join(", ")));
    }
    let most = options.seeds.unwrap_or(u32::MAX);
    let mut rows = read()?;
    if !options.table {
        setup::full()?;
        run("cargo", &["build", "--release", "--features", "full"])?;
        for case in CASES.iter().filter(|case| only.is_none_or(|only| only == case.environment)) {
            for seed in 0..case.bundled_seeds.min(most) {
                measure(&mut rows, case, None, seed, options)?;
            }
            for seed in 0..case.archive_seeds.min(most) {
                match &options.reference {
                    Some(folder) => measure(&mut rows, case, Some(folder), seed, options)?,
                    None => eprintln!("skipped: {} with a recorded agent (needs --reference DIR)", case.environment),
                }
            }
        }
    }
    write(&root().join(TABLE), &table(&rows))
}

/// One row with the bundled expert, or with the archive among the recordings in a folder, unless it is there already.
fn measure(
    rows: &mut Vec<Value>,
    case: &Case,
    reference: Option<&Path>,
    seed: u32,
    options: &Options,
) -> Result<(), String> {
    let (seed_text, episodes) = (seed.to_string(), case.episodes.to_string());
    let mut arguments = vec!["extract", case.environment, "--seed", &seed_text, "--episodes", &episodes];
    let inside = format!("experts/ppo/{}.zip", case.archive);
    let (mut command, mut source) = (format!("kanrl {}", arguments.join(" ")), "bundled".to_owned());
    let archive = reference.map(|folder| folder.join(&inside).display().to_string());
    if let Some(archive) = &archive {
        source = format!("$KANRL_REFERENCE/{inside}");
        command += &format!(" --expert {source}");
        arguments.extend(["--expert", archive]);
    }
    let version = env!("CARGO_PKG_VERSION");
    let same = |row: &Value| row["command"] == command.as_str() && row["version"] == version;
    if !options.again && rows.iter().any(same) {
        return Ok(());
    }
    let folder = PathBuf::from("target/results").join(format!("{}-{seed}-{}", case.environment, reference.is_none()));
    let _ = std::fs::remove_dir_all(root().join(&folder));
    let out = folder.to_str().ok_or("the workspace's path is not valid UTF-8")?;
    eprintln!("$ {command}");
    let (started, children) = (Instant::now(), children_seconds()?);
    let program = root().join("target/release/kanrl");
    let output = Command::new(&program)
        .args(&arguments)
        .args(["--out", out])
        .current_dir(root())
        .output()
        .map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    let cpu_minutes = (children_seconds()? - children) / 60.0;
    if !output.status.success() {
        return Err(format!("`{command}` failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let metrics = metrics(&root().join(&folder))?;
    let policy = |name: &str| {
        let returns = &metrics["returns"][name];
        if returns.is_null() {
            return Value::Null;
        }
        json!({
            "mean": returns["mean"],
            "std": returns["std"],
            "interquartile_mean": returns["interquartile_mean"],
            "interval": [returns["interquartile_mean_interval"]["low"], returns["interquartile_mean_interval"]["high"]],
            "worst_5_percent": returns["worst_5_percent"],
        })
    };
    let row = json!({
        "environment": case.environment,
        "expert_source": source,
        "seed": seed,
        "episodes": case.episodes,
        "command": command,
        "version": version,
        "minutes": (minutes * 100.0).round() / 100.0,
        "cpu_minutes": (cpu_minutes * 100.0).round() / 100.0,
        "student": metrics["formulas"]["headline"]["student"],
        "operations": metrics["formulas"]["headline"]["operations"],
        "faithful_operations": metrics["formulas"]["faithful"]["operations"],
        "expert": policy("expert"),
        "kan": policy("network"),
        "faithful": policy("faithful"),
        "formula": policy("headline"),
    });
    rows.retain(|other| other["command"] != command.as_str());
    rows.push(row);
    let text = serde_json::to_string_pretty(&rows).map_err(|error| error.to_string())?;
    write(&root().join(DATA), &(text + "\n"))?;
    write(&root().join(TABLE), &table(rows))
}

fn read() -> Result<Vec<Value>, String> {
    match std::fs::read_to_string(root().join(DATA)) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| format!("{DATA}: {error}")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(format!("cannot read {DATA}: {error}")),
    }
}

fn table(rows: &[Value]) -> String {
    let mut text = String::from(
        "# Results\n\n`cargo xtask results` runs every row's command with `target/release/kanrl` (built with `--features \
         full`) and writes this file; `docs/results.json` holds the rows. Mean returns over the report episodes, on seeds \
         that nothing was fitted, tuned or chosen on; the brackets are the interquartile mean's bootstrap 95 % interval. \
         *Floor* is the mean return that a formula has to reach, *aim* the best closed form known. *Minutes* are by the clock, on two \
         cores that did other work too; *CPU minutes* are those of all threads. First all seeds together, the worst and the best \
         of each, with the interval around both.\n\n",
    );
    text += &summary(rows);
    text += concat!(
        "\n## Every row\n\n| environment | expert | seed | expert's return | KAN | faithful formula | formula | operations | from | floor | ",
        "aim | minutes | CPU minutes |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for case in &CASES {
        let mut own: Vec<&Value> = rows.iter().filter(|row| row["environment"] == case.environment).collect();
        own.sort_by_key(|row| (row["expert_source"] != "bundled", row["seed"].as_u64()));
        for row in own {
            text += &line(case, row);
        }
    }
    text += "\nCommands:\n\n```sh\n";
    for case in &CASES {
        for row in rows.iter().filter(|row| row["environment"] == case.environment) {
            text += &format!("{}\n", row["command"].as_str().unwrap_or_default());
        }
    }
    text + "```\n"
}

/// A line for each environment and expert.
fn summary(rows: &[Value]) -> String {
    let mut text = String::from(
        "| environment | expert | seeds | expert's return | faithful formula | formula | interquartile mean, 95 % | operations | \
         floor | aim |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for case in &CASES {
        for bundled in [true, false] {
            let own =
                |row: &&Value| row["environment"] == case.environment && (row["expert_source"] == "bundled") == bundled;
            let own: Vec<&Value> = rows.iter().filter(own).collect();
            let Some(first) = own.first() else { continue };
            let range = |value: &dyn Fn(&Value) -> Option<f64>, digits: usize| {
                let mut values: Vec<f64> = own.iter().filter_map(|row| value(row)).collect();
                values.sort_by(f64::total_cmp);
                let text = |value: &f64| format!("{value:.digits$}").replace('-', "−");
                match (values.first().map(text), values.last().map(text)) {
                    (Some(low), Some(high)) if low == high => low,
                    (Some(low), Some(high)) => format!("{low} to {high}"),
                    _ => String::new(),
                }
            };
            let ends = |row: &Value, end: usize| row["formula"]["interval"][end].as_f64();
            let low = own.iter().filter_map(|row| ends(row, 0)).fold(f64::INFINITY, f64::min);
            let high = own.iter().filter_map(|row| ends(row, 1)).fold(f64::NEG_INFINITY, f64::max);
            text += &format!(
                "| {} | {} | {} | {} | {} | **{}** | {} to {} | {} | {} | {} |\n",
                case.environment,
                if bundled { "bundled" } else { "reference PPO" },
                own.len(),
                number(&first["expert"]["mean"]),
                range(&|row| row["faithful"]["mean"].as_f64(), 1),
                range(&|row| row["formula"]["mean"].as_f64(), 1),
                number(&json!(low)),
                number(&json!(high)),
                range(&|row| row["operations"].as_f64(), 0),
                case.floor_of(first).map_or_else(String::new, |floor| number(&json!(floor))),
                case.aim.map_or_else(String::new, |aim| number(&json!(aim))),
            );
        }
    }
    text
}

/// With one digit after the point; empty where there is none.
fn number(value: &Value) -> String {
    value.as_f64().map_or_else(String::new, |value| format!("{value:.1}").replace('-', "−"))
}

fn line(case: &Case, row: &Value) -> String {
    let mean = |policy: &str| number(&row[policy]["mean"]);
    let interval = &row["formula"]["interval"];
    let operations = row["operations"].as_u64().unwrap_or(0);
    let floor = case.floor_of(row);
    let reached = floor.zip(row["formula"]["mean"].as_f64()).map(|(floor, mean)| mean >= floor);
    let mark = if reached == Some(false) { " (missed)" } else { "" };
    let too_long = if case.operations.is_some_and(|most| operations > most) { " (too many)" } else { "" };
    let expert = if row["expert_source"] == "bundled" { "bundled" } else { "reference PPO" };
    format!(
        "| {} | {expert} | {} | {} | {} | {} | **{}** [{}, {}]{mark} | {operations}{too_long} | {} | {} | {} | {} | {} |\n",
        case.environment,
        row["seed"],
        mean("expert"),
        mean("kan"),
        mean("faithful"),
        mean("formula"),
        number(&interval[0]),
        number(&interval[1]),
        row["student"].as_str().unwrap_or_default(),
        floor.map_or_else(String::new, |floor| number(&json!(floor))),
        case.aim.map_or_else(String::new, |aim| number(&json!(aim))),
        row["minutes"],
        row["cpu_minutes"].as_f64().map_or_else(String::new, |minutes| format!("{minutes}")),
    )
}
