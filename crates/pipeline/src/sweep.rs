//! Many runs from one file: a base config and lists of values for any of its fields.
//!
//! ```
//! use kanrl_pipeline::sweep::Sweep;
//!
//! let text = "
//!     seeds = [0, 1]
//!     [base]
//!     environment.id = 'CartPole-v1'
//!     [grid]
//!     approximator.hidden = [[], [2]]
//! ";
//! let sweep = Sweep::parse("sweep.toml", text)?;
//! assert_eq!(sweep.runs().len(), 4);
//! assert_eq!(sweep.runs()[1].settings["seed"].to_string(), "1");
//! # Ok::<(), kanrl_pipeline::config::ConfigError>(())
//! ```

use crate::config::{ConfigError, MergedConfig, RawConfig, RunConfig};
use crate::digest::hexadecimal;
use kanrl_core::environment::EnvironmentRegistry;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use toml::{Table, Value};

/// A sweep's file, read and checked.
#[derive(Clone, Debug)]
pub struct Sweep {
    raw: RawConfig,
    merged: MergedConfig,
    base: Table,
    runs: Vec<SweepRun>,
}

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepRun {
    /// Its folder's name: the same for the same settings, whatever else the file lists.
    pub name: String,
    /// What sets it apart, by key path.
    pub settings: BTreeMap<String, Value>,
}

/// Top-level keys of a sweep's file.
const KEYS: [&str; 3] = ["base", "grid", "seeds"];

impl Sweep {
    /// Reads a sweep's file: TOML, or JSON where its name ends in `.json`.
    ///
    /// # Errors
    /// [`ConfigError`], as [`Self::parse`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::new(RawConfig::read(path)?)
    }

    /// Parses a sweep; `name` stands in error messages.
    ///
    /// # Errors
    /// [`ConfigError`] for another top-level key than `base` (a run's config), `grid` (for each key path a list of
    /// values) and `seeds` (a list, or a number of them), for an empty list, and for a run whose config is refused.
    pub fn parse(name: &str, text: &str) -> Result<Self, ConfigError> {
        Self::new(RawConfig::from_toml(name, text)?)
    }

    /// The same sweep with other seeds: a list, or a number of them.
    ///
    /// # Errors
    /// [`ConfigError`], as [`Self::parse`].
    pub fn with_seeds(self, seeds: Value) -> Result<Self, ConfigError> {
        let mut table = self.raw.table().clone();
        table.insert("seeds".to_owned(), seeds);
        Self::new(self.raw.beside(table))
    }

    fn new(raw: RawConfig) -> Result<Self, ConfigError> {
        let merged = MergedConfig::new(raw.clone());
        let table = raw.table();
        if let Some(unknown) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            let message = format!("unknown field `{unknown}`, expected one of `base`, `grid`, `seeds`");
            return Err(merged.error("", unknown, &message));
        }
        let base = match table.get("base") {
            None => Table::new(),
            Some(Value::Table(base)) => base.clone(),
            Some(other) => return Err(merged.error("base", "", &wrong_type(other, "a run's config as a table"))),
        };
        let mut axes: Vec<(String, Vec<Value>)> = Vec::new();
        match table.get("grid") {
            None => {}
            Some(Value::Table(grid)) => {
                collect_axes("", grid, &mut axes).map_err(|(path, message)| merged.error("grid", &path, &message))?
            }
            Some(other) => return Err(merged.error("grid", "", &wrong_type(other, "a table of lists"))),
        }
        match table.get("seeds") {
            None => {}
            Some(Value::Integer(count @ 1..=100_000)) => {
                axes.push(("seed".to_owned(), (0..*count).map(Value::Integer).collect()));
            }
            Some(Value::Array(seeds)) if !seeds.is_empty() => axes.push(("seed".to_owned(), seeds.clone())),
            Some(other) => {
                return Err(merged.error("seeds", "", &wrong_type(other, "a list of seeds, or how many from 0 on")));
            }
        }
        let sweep = Self { raw, merged, base, runs: combinations(&axes) };
        for run in &sweep.runs {
            sweep.config(run, &EnvironmentRegistry::new())?;
        }
        Ok(sweep)
    }

    /// Every combination of the grid's values; the last key changes fastest, and seeds change faster than all.
    pub fn runs(&self) -> &[SweepRun] {
        &self.runs
    }

    /// One run's config, with what its environment asks for where the sweep says nothing.
    ///
    /// # Errors
    /// [`ConfigError`], about the sweep's file, for a config that is refused.
    pub fn config(&self, run: &SweepRun, environments: &EnvironmentRegistry) -> Result<RunConfig, ConfigError> {
        let mut table = self.base.clone();
        for (path, value) in &run.settings {
            set(&mut table, path, value.clone());
        }
        let config = MergedConfig::new(self.raw.beside(table));
        config.resolve_in(environments).map_err(|error| self.locate(run, error))
    }

    /// The same error where the sweep's file says it: in the grid, or in the base.
    fn locate(&self, run: &SweepRun, error: ConfigError) -> ConfigError {
        let in_grid = run.settings.keys().any(|path| error.key == *path || error.key.starts_with(&format!("{path}.")));
        let section = if in_grid { "grid" } else { "base" };
        ConfigError { help: error.help, ..self.merged.error(section, &error.key, &error.message) }
    }
}

fn wrong_type(value: &Value, expected: &str) -> String {
    format!("invalid type: {}, expected {expected}", value.type_str())
}

/// Tables are key paths, lists are values.
fn collect_axes(path: &str, table: &Table, axes: &mut Vec<(String, Vec<Value>)>) -> Result<(), (String, String)> {
    for (key, value) in table {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match value {
            Value::Table(table) => collect_axes(&path, table, axes)?,
            Value::Array(values) if !values.is_empty() => axes.push((path, values.clone())),
            Value::Array(_) => return Err((path, "an empty list: no run would have a value".to_owned())),
            other => return Err((path, wrong_type(other, "a list of values"))),
        }
    }
    Ok(())
}

fn combinations(axes: &[(String, Vec<Value>)]) -> Vec<SweepRun> {
    let mut all: Vec<BTreeMap<String, Value>> = vec![BTreeMap::new()];
    for (path, values) in axes {
        let with = |settings: &BTreeMap<String, Value>| {
            let settings = settings.clone();
            values
                .iter()
                .map(move |value| {
                    let mut settings = settings.clone();
                    settings.insert(path.clone(), value.clone());
                    settings
                })
                .collect::<Vec<_>>()
        };
        all = all.iter().flat_map(with).collect();
    }
    all.into_iter().map(|settings| SweepRun { name: name(&settings), settings }).collect()
}

/// Readable, and unique by a digest: `hidden-2-seed-0-3f9a1c`.
fn name(settings: &BTreeMap<String, Value>) -> String {
    let text = serde_json::to_string(settings).unwrap_or_default();
    let digest = &hexadecimal(&Sha256::digest(&text))[..6];
    let words = settings.iter().map(|(path, value)| {
        let key = path.rsplit('.').next().unwrap_or(path);
        match value {
            Value::Array(values) if values.is_empty() => format!("{key} none"),
            other => format!("{key} {other}"),
        }
    });
    let words: String = words.collect::<Vec<_>>().join(" ");
    let plain = words.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').filter(|word| !word.is_empty());
    let mut name: String = plain.collect::<Vec<_>>().join("-");
    name.truncate(60);
    if name.is_empty() { digest.to_owned() } else { format!("{name}-{digest}") }
}

/// Sets `path` in nested tables.
fn set(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let entry = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
            if !entry.is_table() {
                *entry = Value::Table(Table::new());
            }
            if let Some(inner) = entry.as_table_mut() {
                set(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Sweep;
    use kanrl_core::environment::EnvironmentRegistry;

    #[test]
    fn every_combination_is_a_run_with_a_name_of_its_own() {
        let text = "seeds = 3\n[base]\ncollect.train_episodes = 4\n\
                    [grid]\napproximator.hidden = [[], [2, 2]]\n\"refine.steps\" = [1, 2]";
        let sweep = Sweep::parse("s.toml", text).unwrap();
        assert_eq!(sweep.runs().len(), 12);
        let mut names: Vec<_> = sweep.runs().iter().map(|run| run.name.clone()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 12);
        let config = sweep.config(&sweep.runs()[11], &EnvironmentRegistry::new()).unwrap();
        assert_eq!((config.seed, config.refine.steps, config.collect.train_episodes), (2, 2, 4));
        let three = sweep.with_seeds(vec![7].into()).unwrap();
        assert_eq!((three.runs().len(), &three.runs()[0].settings["seed"]), (4, &7.into()));
        let sweep = Sweep::parse("s.toml", text).unwrap();
        let fewer = Sweep::parse("s.toml", &text.replace("seeds = 3", "seeds = [2]")).unwrap();
        assert_eq!(fewer.runs()[3].name, sweep.runs()[11].name, "a name does not depend on the other runs");
    }

    #[test]
    fn what_is_wrong_is_found_in_the_sweep_s_file() {
        let refused = |text: &str| Sweep::parse("s.toml", text).unwrap_err();
        let error = refused("[base]\n[grid]\napproximator.hiden = [[1]]");
        assert_eq!(error.help.as_deref(), Some("did you mean `hidden`?"));
        assert_eq!((error.key.as_str(), error.origin.name.as_str()), ("grid.approximator.hiden", "s.toml"));
        assert!(error.span.is_some());
        assert!(refused("gird = 1").help.is_some());
        assert!(refused("[grid]\nseed = 1").to_string().contains("a list of values"));
        assert!(refused("[grid]\nseed = []").to_string().contains("empty list"));
        assert!(refused("seeds = 0").to_string().contains("list of seeds"));
        assert!(refused("[base]\nseed = 'x'").key.starts_with("base.seed"));
    }
}
