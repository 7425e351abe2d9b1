use crate::Failure;
use clap::Subcommand;
use kanrl_pipeline::run::provenance::Provenance;
use kanrl_pipeline::run::record::{PolicyRecord, RunRecord};
use kanrl_pipeline::run::{PolicyRole, RunFile, RunStore, statistics};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub enum Runs {
    /// List the runs in a folder with their state, returns, operations, and time.
    List {
        /// Folder of runs or sweeps.
        #[arg(default_value = "runs")]
        folder: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one run: the returns of each policy, the formula, and the time of each stage.
    Show {
        /// The run directory.
        directory: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Compare runs: differing settings, returns, and the difference from the first run on the same seeds.
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
        let message = format!("{} is not a run directory: it has no readable {}", directory.display(), RunFile::Config);
        Failure::input_with_help(std::io::Error::other(message), "`kanrl runs list` shows the runs in a folder")
    })
}

fn list(folder: &Path, json: bool) -> Result<(), Failure> {
    if !folder.is_dir() {
        let message = format!("{} is not a folder", folder.display());
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
            returns(record.policy(PolicyRole::Expert)),
            returns(record.policy(PolicyRole::Headline)),
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
    let played = policy.and_then(|policy| policy.mean.zip(policy.std));
    played.map_or_else(|| "–".to_owned(), |(mean, std)| format!("{mean:.2} ± {std:.2}"))
}

fn seconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "–".to_owned(), |seconds| format!("{seconds:.1} s"))
}

/// The formula as text, where there is one.
fn formula(record: &RunRecord) -> Option<String> {
    let formula = RunStore::open(&record.directory).ok()?.formula(PolicyRole::Headline).ok()?;
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
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.2}"));
    for PolicyRecord { policy, mean, std, worst_5_percent, .. } in &record.policies {
        let [mean, std, worst] = [*mean, *std, *worst_5_percent].map(number);
        let agreement = record.agreement_text(*policy).unwrap_or_default();
        println!("{policy:<10} {mean:>12} {std:>10} {worst:>12} {agreement:>11}");
    }
    if let Some(formula) = formula(record) {
        let student = record.student.as_deref().map_or_else(String::new, |student| format!(", from {student}"));
        println!("\n{formula}\n\n{} operations{student}", optional(record.operations));
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
    let has = |role: &PolicyRole| records.iter().any(|record| record.policy(*role).is_some());
    let roles: Vec<PolicyRole> = PolicyRole::ALL.into_iter().filter(has).collect();
    for role in &roles {
        row(&format!("{role} return"), &|index| returns(records[index].policy(*role)));
    }
    row("headline − first's", &|index| {
        differences[index].as_ref().map_or_else(
            || "–".to_owned(),
            |difference| {
                let Difference { mean, interval, .. } = difference;
                format!("{mean:+.2} [{:+.2}, {:+.2}]", interval.low, interval.high)
            },
        )
    });
    for role in roles.into_iter().filter(|role| *role != PolicyRole::Expert) {
        row(&format!("{role} agreement"), &|index| optional(records[index].agreement_text(role)));
    }
    row("student", &|index| optional(records[index].student.as_deref()));
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
        let (one, other) = (record.policy(PolicyRole::Headline)?, first.policy(PolicyRole::Headline)?);
        let pairs: Vec<f64> = one.episodes.iter().zip(&other.episodes).map(|(one, other)| one - other).collect();
        let n = pairs.len();
        (n > 0).then(|| Self {
            mean: pairs.iter().sum::<f64>() / n as f64,
            interval: statistics::mean_interval(&pairs),
            n,
        })
    }
}
