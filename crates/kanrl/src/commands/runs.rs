use crate::Failure;
use clap::Subcommand;
use kanrl_pipeline::run::provenance::Provenance;
use kanrl_pipeline::run::record::{PolicyRecord, RunRecord};
use kanrl_pipeline::run::{RunFile, RunStore, statistics};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub enum Runs {
    /// List the runs in a folder: state, returns, operations, time.
    List {
        /// The folder; a sweep's runs count as well.
        #[arg(default_value = "runs")]
        folder: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one run: returns of each policy, formula, time of each stage.
    Show {
        /// The run directory.
        directory: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Compare runs: settings that differ, returns, and differences on the same seeds to the first run.
    Compare {
        /// The run directories.
        #[arg(required = true, num_args = 2.., value_name = "DIRECTORY")]
        directories: Vec<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Runs {
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::List { folder, json } => list(&folder, json),
            Self::Show { directory, json } => show(&read(&directory)?, json),
            Self::Compare { directories, json } => {
                let records = directories.iter().map(|directory| read(directory)).collect::<Result<Vec<_>, _>>()?;
                compare(&records, json)
            }
        }
    }
}

/// How deep runs may lie: a sweep keeps its own two levels below its place.
const DEPTH: usize = 4;

fn read(directory: &Path) -> Result<RunRecord, Failure> {
    RunRecord::read(directory).ok_or_else(|| {
        let message = format!("{} is no run: it has no readable config.toml", directory.display());
        Failure::input_with_help(std::io::Error::other(message), "`kanrl runs list` shows the runs in a folder")
    })
}

fn list(folder: &Path, json: bool) -> Result<(), Failure> {
    if !folder.is_dir() {
        let message = format!("{} is no folder", folder.display());
        return Err(Failure::input_with_help(std::io::Error::other(message), "kanrl runs list FOLDER"));
    }
    let records = RunRecord::list(folder, DEPTH);
    if json {
        return crate::json::print(&records);
    }
    let width = records.iter().map(|record| record.directory.display().to_string().chars().count()).max().unwrap_or(3);
    println!(
        "{:<width$}  {:<10} {:<24} {:>5} {:>18} {:>18} {:>10} {:>9}",
        "run", "state", "environment", "seed", "expert", "formula", "operations", "time"
    );
    for record in &records {
        println!(
            "{:<width$}  {:<10} {:<24} {:>5} {:>18} {:>18} {:>10} {:>9}",
            record.directory.display().to_string(),
            record.state,
            record.environment.as_deref().unwrap_or("–"),
            optional(record.seed),
            returns(record.policy("expert")),
            returns(record.policy("formula")),
            optional(record.operations),
            seconds(record.seconds),
        );
    }
    if records.is_empty() {
        println!("no runs in {}", folder.display());
    }
    Ok(())
}

fn optional(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}

fn returns(policy: Option<&PolicyRecord>) -> String {
    policy.map_or_else(|| "–".to_owned(), |policy| format!("{:.2} ± {:.2}", policy.mean, policy.std))
}

fn seconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "–".to_owned(), |seconds| format!("{seconds:.1} s"))
}

/// The formula as text, where there is one.
fn formula(record: &RunRecord) -> Option<String> {
    let text = RunStore::open(&record.directory).ok()?.read_text(RunFile::Formula).ok()?;
    let formula = kanrl_symbolic::Formula::from_json(&text).ok()?;
    Some(kanrl_symbolic::export::unicode(&formula))
}

fn show(record: &RunRecord, json: bool) -> Result<(), Failure> {
    let run = RunStore::open(&record.directory).map_err(Failure::input)?;
    let timings: Value = run.read_json(RunFile::Timings).unwrap_or_default();
    let provenance = Provenance::read(&run).ok();
    if json {
        return crate::json::print(&json!({
            "run": record, "metrics": record.metrics, "formula": formula(record), "seconds": timings["seconds"],
            "provenance": provenance,
        }));
    }
    println!("{}: {}, seed {}", record.directory.display(), record.state, optional(record.seed));
    if let kanrl_pipeline::run::record::RunState::Failed(reason) = &record.state {
        println!("{reason}");
    }
    println!("environment  {}", record.environment.as_deref().unwrap_or("–"));
    println!("expert       {}", record.expert.as_deref().unwrap_or("–"));
    println!("started      {}", record.started.as_deref().unwrap_or("–"));
    println!("\n{:<10} {:>12} {:>10} {:>12} {:>11}", "policy", "mean return", "std", "worst 5 %", "agreement");
    for policy in &record.policies {
        let agreement = policy.agreement.map_or_else(String::new, |value| format!("{:.1} %", value * 100.0));
        let worst = policy.worst_5_percent.map_or_else(String::new, |worst| format!("{worst:.2}"));
        println!("{:<10} {:>12.2} {:>10.2} {worst:>12} {agreement:>11}", policy.policy, policy.mean, policy.std);
    }
    if let Some(formula) = formula(record) {
        println!("\n{formula}\n\n{} operations", optional(record.operations));
    }
    println!("\n{:<16} {:>10}", "stage", "time");
    for (stage, value) in timings["seconds"].as_object().into_iter().flatten() {
        println!("{stage:<16} {:>10}", seconds(value.as_f64()));
    }
    Ok(())
}

fn compare(records: &[RunRecord], json: bool) -> Result<(), Failure> {
    let settings: Vec<_> = records.iter().map(RunRecord::settings).collect();
    let keys: BTreeSet<&String> = settings.iter().flat_map(|settings| settings.keys()).collect();
    let differing: Vec<&String> =
        keys.into_iter().filter(|key| settings.iter().any(|own| own.get(*key) != settings[0].get(*key))).collect();
    let differences: Vec<Option<Difference>> =
        records.iter().map(|record| Difference::between(record, &records[0])).collect();
    if json {
        let runs: Vec<Value> = records
            .iter()
            .zip(&settings)
            .zip(&differences)
            .map(|((record, settings), difference)| {
                let own: serde_json::Map<String, Value> =
                    differing.iter().map(|key| ((*key).clone(), json!(settings.get(*key)))).collect();
                json!({
                    "run": record, "settings": own,
                    "difference": difference.as_ref().map(|difference| json!({
                        "mean": difference.mean, "interval": difference.interval, "n": difference.n,
                    })),
                })
            })
            .collect();
        return crate::json::print(&runs);
    }
    let mut rows: Vec<Vec<String>> = vec![
        std::iter::once(String::new())
            .chain(records.iter().map(|record| record.directory.display().to_string()))
            .collect(),
    ];
    let mut row = |name: &str, cell: &dyn Fn(usize) -> String| {
        rows.push(std::iter::once(name.to_owned()).chain((0..records.len()).map(cell)).collect());
    };
    row("state", &|index| records[index].state.to_string());
    row("environment", &|index| optional(records[index].environment.as_deref()));
    for key in differing.iter().filter(|key| key.as_str() != "environment.id") {
        row(key, &|index| optional(settings[index].get(*key)));
    }
    let mut policies: Vec<&str> = Vec::new();
    for policy in records.iter().flat_map(|record| &record.policies) {
        if !policies.contains(&policy.policy.as_str()) {
            policies.push(&policy.policy);
        }
    }
    for policy in policies {
        row(&format!("{policy} return"), &|index| returns(records[index].policy(policy)));
    }
    row("formula − first's", &|index| {
        differences[index].as_ref().map_or_else(
            || "–".to_owned(),
            |difference| {
                let Difference { mean, interval, .. } = difference;
                format!("{mean:+.2} [{:+.2}, {:+.2}]", interval.low, interval.high)
            },
        )
    });
    row("agreement", &|index| {
        let agreement = records[index].policy("formula").and_then(|policy| policy.agreement);
        agreement.map_or_else(|| "–".to_owned(), |value| format!("{:.1} %", value * 100.0))
    });
    row("operations", &|index| optional(records[index].operations));
    row("time", &|index| seconds(records[index].seconds));
    let widths: Vec<usize> = (0..=records.len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("{}", cells.join("  ").trim_end());
    }
    println!("\nDifferences are means over the same seeds, with their bootstrap 95 % interval.");
    Ok(())
}

/// How much more a run's formula returns than another's, seed by seed.
struct Difference {
    mean: f64,
    interval: statistics::Interval,
    n: usize,
}

impl Difference {
    fn between(record: &RunRecord, first: &RunRecord) -> Option<Self> {
        if record.directory == first.directory || record.environment != first.environment {
            return None;
        }
        let (one, other) = (record.policy("formula")?, first.policy("formula")?);
        let pairs: Vec<f64> = one.episodes.iter().zip(&other.episodes).map(|(one, other)| one - other).collect();
        let n = pairs.len();
        (n > 0).then(|| Self {
            mean: pairs.iter().sum::<f64>() / n as f64,
            interval: statistics::mean_interval(&pairs),
            n,
        })
    }
}
