//! Runs that are killed, and run directories that are damaged.

use super::Attack;
use super::files::content;
use super::mutate::Generator;
use super::program::{Program, side_by_side};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Small, with every stage in it.
const CONFIG: &str = "\
environment.id = 'CartPole-v1'
students = { widths = [[1]], rivals = false }
collect = { train_episodes = 2, validation_episodes = 1 }
dagger = { rounds = 1, steps = 50, validation_episodes = 1 }
symbolify = { refit_steps = 3, episodes = 2 }
polish = { environment_steps = 1000, generations = 2, lambdas = [] }
select.episodes = 2
evaluate = { episodes = 2, robustness_episodes = 0 }
record.videos = false
[approximator]
kind = 'kan'
steps = 5
";
/// How long a run may take to say what it is waited for.
const LONGEST: Duration = Duration::from_secs(60);
/// Files that hold times and hosts.
const LOGS: [&str; 4] = ["run.log", "events.jsonl", "timings.json", "provenance.json"];

/// What a run's results are, by the names of their files.
fn results(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = content(run);
    files
        .retain(|name, _| !LOGS.contains(&name.as_str()) && !name.starts_with("tensorboard") && !name.starts_with('.'));
    files
}

/// Where a run lies that was left alone.
pub(super) fn whole(program: &Program) -> Result<PathBuf, String> {
    std::fs::write(program.folder.join("run.toml"), CONFIG).map_err(|error| error.to_string())?;
    let run = program.folder.join("whole");
    if !run.is_dir() {
        let output = program.command(&["extract", "--config", "run.toml", "--out", "whole"]).output();
        let output = output.map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
    }
    Ok(run)
}

/// The first file in which two runs differ.
fn difference(one: &BTreeMap<String, Vec<u8>>, other: &BTreeMap<String, Vec<u8>>) -> Option<String> {
    let names: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    names.into_iter().find(|name| one.get(*name) != other.get(*name)).cloned()
}

/// How often a run is started again where it ended before it was killed.
const ATTEMPTS: usize = 5;

/// Starts a run and kills it when it has said so many things; what it was in the midst of. `None` where it ended before.
fn killed(program: &Program, out: &str, events: usize, pause: Duration) -> Result<Option<String>, String> {
    let arguments = ["--quiet", "extract", "--config", "run.toml", "--out", out];
    let mut child = program.command(&arguments).stderr(Stdio::null()).spawn().map_err(|error| error.to_string())?;
    let said = program.folder.join(out).join("events.jsonl");
    let begin = Instant::now();
    let text = loop {
        let text = std::fs::read_to_string(&said).unwrap_or_default();
        if text.lines().count() >= events
            || begin.elapsed() > LONGEST
            || child.try_wait().is_ok_and(|end| end.is_some())
        {
            break text;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    std::thread::sleep(pause);
    let _ = child.kill();
    let status = child.wait().map_err(|error| error.to_string())?;
    // SIGKILL found nobody where there is a code.
    if status.code().is_some() {
        return Ok(None);
    }
    Ok(Some(text.lines().rev().find_map(stage).unwrap_or("start").to_owned()))
}

/// The stage that an event is about.
fn stage(event: &str) -> Option<&str> {
    event.split("\"stage\":\"").nth(1)?.split('"').next()
}

pub fn kills(program: &Program, generator: &mut Generator, count: usize) -> Result<Attack, String> {
    let run = whole(program)?;
    let expected = results(&run);
    let events = std::fs::read_to_string(run.join("events.jsonl")).map_err(|error| error.to_string())?;
    // What each stage says, by the number of the event: every stage is hit as often as any other.
    let mut stages: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, line) in events.lines().enumerate() {
        stages.entry(stage(line).unwrap_or("start")).or_default().push(number);
    }
    let stages: Vec<Vec<usize>> = stages.into_values().collect();
    let moments: Vec<(usize, usize, Duration)> = (0..count)
        .map(|number| {
            let of_stage = generator.pick(&stages);
            (number, *generator.pick(of_stage), Duration::from_millis(generator.below(15) as u64))
        })
        .collect();
    let ends = side_by_side(&moments, |(number, events, pause)| -> Result<(Option<String>, Option<String>), String> {
        let out = format!("killed-{number}");
        let folder = program.folder.join(&out);
        let mut stage = None;
        for attempt in 0..ATTEMPTS {
            let _ = std::fs::remove_dir_all(&folder);
            // Where it had ended already, it is killed earlier.
            stage = killed(program, &out, events * (ATTEMPTS - attempt) / ATTEMPTS, *pause / (1 + attempt as u32))?;
            if stage.is_some() {
                break;
            }
        }
        // Killed before there was a config: there is no run to lose.
        let again = if folder.join("config.toml").is_file() {
            program.run(&["--quiet", "resume", &out])?
        } else {
            program.run(&["--quiet", "extract", "--config", "run.toml", "--out", &out])?
        };
        let harm = match again.code {
            Some(0) => difference(&expected, &results(&folder)).map(|name| format!("{out}: {name} differs")),
            _ => Some(format!("{out}: lost: {}", again.said)),
        };
        if harm.is_none() {
            let _ = std::fs::remove_dir_all(&folder);
        }
        Ok((stage, harm))
    });
    let ends = ends.into_iter().collect::<Result<Vec<_>, String>>()?;
    let mut amid: BTreeMap<&str, usize> = BTreeMap::new();
    ends.iter().filter_map(|(stage, _)| stage.as_deref()).for_each(|stage| *amid.entry(stage).or_default() += 1);
    let hit: usize = amid.values().sum();
    let amid: Vec<String> = amid.iter().map(|(stage, count)| format!("{stage} {count}")).collect();
    let harms: Vec<String> = ends.into_iter().filter_map(|(_, harm)| harm).collect();
    let same = count - harms.len();
    let outcomes =
        format!("{hit} hit a run at work ({}); {same} resumed to the same files, byte for byte", amid.join(", "));
    Ok(Attack { name: "SIGKILL at any moment", count, outcomes, harms })
}

pub fn damages(program: &Program, generator: &mut Generator, count: usize) -> Result<Attack, String> {
    let run = whole(program)?;
    let expected = results(&run);
    let names: Vec<String> = content(&run).into_keys().filter(|name| name.starts_with("stages/")).collect();
    let mut plans = Vec::new();
    for number in 0..count {
        let name = generator.pick(&names).clone();
        let mut bytes = content(&run).remove(&name).unwrap_or_default();
        match generator.below(4) {
            0 if !bytes.is_empty() => {
                let place = generator.below(bytes.len());
                bytes[place] ^= 1 << generator.below(8);
            }
            1 => bytes.truncate(generator.below(bytes.len())),
            2 => {
                let place = generator.below(bytes.len());
                let end = (place + 512).min(bytes.len());
                bytes[place..end].fill(0);
            }
            _ => bytes.extend_from_slice(b"\0\0\0\0"),
        }
        plans.push((number, name, bytes));
    }
    let before = content(&run);
    let ends = side_by_side(&plans, |(number, name, bytes)| -> Result<(bool, Option<String>), String> {
        let out = format!("damaged-{number}");
        let folder = program.folder.join(&out);
        let output = std::process::Command::new("cp").arg("-r").arg(&run).arg(&folder).status();
        output.map_err(|error| error.to_string())?;
        std::fs::write(folder.join(name), bytes).map_err(|error| error.to_string())?;
        let is_damaged = before.get(name) != Some(bytes);
        let strict = program.run(&["--quiet", "resume", &out, "--strict"])?;
        let resumed = program.run(&["--quiet", "resume", &out])?;
        let harm = match (strict.code, resumed.code) {
            (Some(0), _) if is_damaged => Some("--strict did not see it".to_owned()),
            (Some(2) | Some(0), Some(0)) => {
                difference(&expected, &results(&folder)).map(|other| format!("{other} differs in silence"))
            }
            _ => Some(format!("{}; {}", strict.said, resumed.said)),
        };
        if harm.is_none() {
            let _ = std::fs::remove_dir_all(&folder);
        }
        Ok((strict.code == Some(2), harm.map(|harm| format!("{out}, {name}: {harm}"))))
    });
    let ends = ends.into_iter().collect::<Result<Vec<_>, String>>()?;
    let seen = ends.iter().filter(|(seen, _)| *seen).count();
    let harms: Vec<String> = ends.into_iter().filter_map(|(_, harm)| harm).collect();
    let same = count - harms.len();
    let outcomes = format!("{seen} named and refused by --strict, {same} computed again to the same files");
    Ok(Attack { name: "damaged artifacts", count, outcomes, harms })
}
