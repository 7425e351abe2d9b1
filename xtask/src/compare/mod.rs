//! `cargo xtask compare`: the criterion benches and their Python peers in turn, on one thread, as one table of ratios.
//!
//! A round times a case here, then there; what is reported is the median of the rounds' ratios and how far they spread.
//! The rows stay in `docs/comparison.json`, an area's being replaced as a whole; `docs/comparison.md` is the table.

mod bench;
mod journey;
mod machine;
mod peer;
mod python;
mod table;
mod training;

pub use journey::journey;

use crate::setup;
use crate::shell::{root, write};
use bench::Bench;
use peer::Peer;
use serde_json::{Value, json};
use std::path::PathBuf;

/// A bench target of the crate `benches`, and the script under `benches/peers/` that times the same cases.
struct Area {
    name: &'static str,
    features: &'static [&'static str],
    script: &'static str,
    requirements: &'static str,
}

const AREAS: [Area; 5] = [
    Area { name: "kan", features: &[], script: "kan_torch.py", requirements: "torch.txt" },
    Area { name: "symbolic", features: &[], script: "symbolic_pykan.py", requirements: "torch.txt" },
    Area { name: "policies", features: &[], script: "policies_sb3.py", requirements: "torch.txt" },
    Area { name: "environments", features: &[], script: "environments.py", requirements: "environments.txt" },
    Area { name: "mujoco", features: &["mujoco"], script: "mujoco_robots.py", requirements: "environments.txt" },
];

/// The area that has trainings instead of benches.
const TRAINING: &str = "training";
/// The area whose both sides are Python.
const PYTHON: &str = "python";

const DATA: &str = "docs/comparison.json";
const TABLE: &str = "docs/comparison.md";

/// Seconds of a peer's call above which its first round has to do.
const SLOW: f64 = 10.0;

/// What the command line asks for.
pub struct Options {
    /// Areas by name; none for all.
    pub areas: Vec<String>,
    pub rounds: usize,
    /// Only cases whose names contain it.
    pub case: Option<String>,
    /// The folder of the whole recordings, for their cases too.
    pub reference: Option<PathBuf>,
}

/// Times what is asked for, then writes the table.
pub fn compare(options: &Options) -> Result<(), String> {
    let names: Vec<&str> = AREAS.iter().map(|area| area.name).chain([TRAINING, PYTHON]).collect();
    if let Some(unknown) = options.areas.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(format!("no area `{unknown}`: there are {}", names.join(", ")));
    }
    let mut data = read()?;
    for area in
        AREAS.iter().filter(|area| options.areas.is_empty() || options.areas.iter().any(|name| name == area.name))
    {
        measure(area, options, &mut data)?;
    }
    if options.areas.is_empty() || options.areas.iter().any(|name| name == TRAINING) {
        training::training(options.rounds, options.case.as_deref())?;
    }
    if options.areas.is_empty() || options.areas.iter().any(|name| name == PYTHON) {
        python::python(options.rounds, options.case.as_deref())?;
    }
    eprintln!("wrote {TABLE}");
    Ok(())
}

/// Times an area's cases; what is there is saved after each.
fn measure(area: &Area, options: &Options, data: &mut Value) -> Result<(), String> {
    setup::full()?;
    let recordings = options.reference.clone().unwrap_or_else(|| root().join("tests/golden"));
    let bench = Bench::build(area.name, area.features, &recordings)?;
    let mut peer = Peer::start(area.script, area.requirements, &recordings)?;
    let (machine, versions) = (machine::describe(), peer.versions.clone());
    let wanted = |case: &&String| options.case.as_ref().is_none_or(|part| case.contains(part.as_str()));
    let cases: Vec<String> = peer.cases.iter().filter(wanted).cloned().collect();
    // Rows of other cases stay; each says which kanrl it was measured with.
    let mut rows: Vec<Value> = data[area.name]["rows"].as_array().cloned().unwrap_or_default();
    let (kanrl, case_of) = (machine["kanrl"].clone(), |row: &Value| row["case"].as_str().map(str::to_owned));
    let everything = options.case.is_none();
    rows.retain(|row| !everything && case_of(row).is_some_and(|case| !wanted(&&case)));
    let mut keep = |more: Vec<Value>| {
        rows.extend(more.into_iter().map(|mut row| {
            row["kanrl"] = kanrl.clone();
            row
        }));
        data[area.name] = json!({"machine": machine, "versions": versions, "rows": rows});
        save(data)
    };
    for (place, case) in cases.iter().enumerate() {
        eprintln!("{} {}/{} {case}", area.name, place + 1, cases.len());
        keep(measure_case(&bench, &mut peer, case, options.rounds)?)?;
    }
    // What is measured against another case of our own: the environment with more around it, or with less.
    let own = bench.cases()?;
    for case in own.iter().filter(wanted) {
        if let Some(against) = own_rivals(case).into_iter().find(|against| own.contains(against)) {
            eprintln!("{} {case} against {against}", area.name);
            keep(vec![measure_own(&bench, case, &against, options.rounds)?])?;
        }
    }
    Ok(())
}

/// A row for each of the case's peers.
fn measure_case(bench: &Bench, peer: &mut Peer, case: &str, rounds: usize) -> Result<Vec<Value>, String> {
    let mut ours = Vec::new();
    let mut theirs: Vec<(String, Vec<f64>)> = Vec::new();
    for round in 0..rounds {
        ours.push(bench.seconds(case)?);
        let answer = peer.seconds(case)?;
        let slow = answer.iter().any(|(_, seconds)| *seconds > SLOW);
        for (place, (name, seconds)) in answer.into_iter().enumerate() {
            if round == 0 {
                theirs.push((name, vec![seconds]));
            } else {
                theirs[place].1.push(seconds);
            }
        }
        if slow {
            break;
        }
    }
    Ok(theirs.into_iter().map(|(name, seconds)| row(case, &name, &ours, &seconds)).collect())
}

fn measure_own(bench: &Bench, case: &str, against: &str, rounds: usize) -> Result<Value, String> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(bench.seconds(case)?);
        theirs.push(bench.seconds(against)?);
    }
    Ok(row(case, &format!("our own `{against}`"), &ours, &theirs))
}

/// The case of the same bench, the first of these that there is, that says what this one costs or gains.
fn own_rivals(case: &str) -> Vec<String> {
    if let Some(stem) = case.strip_suffix("/two_threads") {
        return vec![format!("{stem}/n1"), stem.to_owned()];
    }
    if let Some(stem) = case.strip_suffix("/n1") {
        return vec![format!("{stem}/bare")];
    }
    case.strip_suffix("/formula").map(str::to_owned).into_iter().collect()
}

/// `ratios` are the peer's seconds over ours, one for each round: how many times as fast we are.
fn row(case: &str, peer: &str, ours: &[f64], theirs: &[f64]) -> Value {
    let ratios: Vec<f64> = theirs.iter().zip(ours).map(|(theirs, ours)| theirs / ours).collect();
    json!({
        "case": case,
        "peer": peer,
        "ours": median(ours),
        "theirs": median(theirs),
        "ratio": median(&ratios),
        "ratios": ratios,
    })
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

fn read() -> Result<Value, String> {
    match std::fs::read_to_string(root().join(DATA)) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| format!("{DATA}: {error}")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(json!({})),
        Err(error) => Err(format!("cannot read {DATA}: {error}")),
    }
}

fn save(data: &Value) -> Result<(), String> {
    let text = serde_json::to_string_pretty(data).map_err(|error| error.to_string())?;
    write(&root().join(DATA), &(text + "\n"))?;
    write(&root().join(TABLE), &table::table(data))
}
