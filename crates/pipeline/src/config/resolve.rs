use super::error::ConfigError;
use super::file::MergedConfig;
use super::plugins::PluginEntry;
use super::{EnvironmentSection, PolishSection, RefineSection, RunConfig, StudentsSection};
use crate::engine::Pipeline;
use kanrl_core::config::{ApproximatorConfig, ExpertConfig, SymbolicLibraryConfig};
use kanrl_core::kan::KanConfig;
use kanrl_experts::bundled::BundledConfig;
use kanrl_symbolic::library::DefaultLibraryConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// Every section, in the order of a printed config.
const SECTIONS: [&str; 17] = [
    "seed",
    "stages",
    "plugins",
    "environment",
    "expert",
    "collect",
    "students",
    "approximator",
    "dagger",
    "prune",
    "library",
    "symbolify",
    "refine",
    "polish",
    "select",
    "evaluate",
    "record",
];

/// The kind of a tagged section that does not name one.
fn default_kind(section: &str) -> &'static str {
    match section {
        "expert" => BundledConfig::default().typetag_name(),
        "approximator" => KanConfig::default().typetag_name(),
        "library" => DefaultLibraryConfig::default().typetag_name(),
        _ => "",
    }
}

impl MergedConfig {
    /// The config with every default filled in and every kind found.
    ///
    /// # Errors
    /// [`ConfigError`] for an unknown section, field or kind, or a value that does not fit.
    pub fn resolve(&self) -> Result<RunConfig, ConfigError> {
        self.resolve_for(&Pipeline::new())
    }

    /// As [`Self::resolve`], with the sections that stages have of their own ([`Stage::section`]).
    ///
    /// # Errors
    /// As [`Self::resolve`]; also where a stage claims a section that is not its own.
    ///
    /// [`Stage::section`]: crate::engine::Stage::section
    pub fn resolve_for(&self, stages: &Pipeline) -> Result<RunConfig, ConfigError> {
        let known: Vec<&str> = SECTIONS.into_iter().chain(stages.claims().map(|claim| claim.name)).collect();
        if let Some(unknown) = self.table.keys().find(|key| !known.contains(&key.as_str())) {
            let known: Vec<String> = known.iter().map(|section| format!("`{section}`")).collect();
            return Err(self.error(
                "",
                unknown,
                &format!("unknown field `{unknown}`, expected one of {}", known.join(", ")),
            ));
        }
        let mut own = BTreeMap::new();
        for claim in stages.claims() {
            if SECTIONS.contains(&claim.name) {
                return Err(self.error(claim.name, "", "a stage claims this section, which is kanrl's own"));
            }
            let value = self.table.get(claim.name).cloned().unwrap_or_else(|| Value::Table(Table::new()));
            let section = (claim.complete)(value).map_err(|error| self.located(claim.name, &error))?;
            own.insert(claim.name.to_owned(), section);
        }
        let expert: Box<dyn ExpertConfig> = self.tagged("expert")?;
        let environment = match self.section("environment")? {
            None if expert.demonstrations().is_some() => EnvironmentSection { id: String::new(), ..Default::default() },
            section => section.unwrap_or_default(),
        };
        let (refine, polish) = (self.refine(&environment.id)?, self.polish(&environment.id)?);
        Ok(RunConfig {
            seed: self.section("seed")?.unwrap_or(0),
            stages: self.section("stages")?,
            plugins: self.plugins()?,
            environment,
            expert,
            collect: self.section("collect")?.unwrap_or_default(),
            students: self.students()?,
            approximator: self.tagged("approximator")?,
            dagger: self.section("dagger")?.unwrap_or_default(),
            prune: self.section("prune")?.unwrap_or_default(),
            library: self.tagged("library")?,
            symbolify: self.section("symbolify")?.unwrap_or_default(),
            refine,
            polish,
            select: self.section("select")?.unwrap_or_default(),
            evaluate: self.section("evaluate")?.unwrap_or_default(),
            record: self.section("record")?.unwrap_or_default(),
            own,
        })
    }

    fn plugins(&self) -> Result<Vec<PluginEntry>, ConfigError> {
        let mut plugins: Vec<PluginEntry> = self.section("plugins")?.unwrap_or_default();
        for plugin in &mut plugins {
            plugin.path = self.path(&plugin.path);
        }
        Ok(plugins)
    }

    /// `[refine]`, with the tolerance that the environment needs where it is not set.
    fn refine(&self, environment: &str) -> Result<RefineSection, ConfigError> {
        let mut refine: RefineSection = self.section("refine")?.unwrap_or_default();
        if !self.is_set("refine", "tolerance") {
            refine.tolerance = RefineSection::default_tolerance(environment);
        }
        Ok(refine)
    }

    /// `[polish]`, with as many steps as the environment needs where they are not set.
    fn polish(&self, environment: &str) -> Result<PolishSection, ConfigError> {
        let mut polish: PolishSection = self.section("polish")?.unwrap_or_default();
        if !self.is_set("polish", "environment_steps") {
            polish.environment_steps = PolishSection::default_steps(environment);
        }
        Ok(polish)
    }

    fn is_set(&self, section: &str, key: &str) -> bool {
        self.table.get(section).and_then(|value| value.get(key)).is_some()
    }

    /// `[students]`, whose widths are the approximator's own where only those are set.
    fn students(&self) -> Result<StudentsSection, ConfigError> {
        let mut students: StudentsSection = self.section("students")?.unwrap_or_default();
        let own = |key: &str| self.table.get("approximator").and_then(|value| value.get(key)).cloned();
        if !self.is_set("students", "widths") {
            if let Some(hidden) = own("hidden") {
                students.widths = vec![self.deserialize("approximator.hidden", hidden)?];
            } else if own("kind").is_some_and(|kind| kind.as_str() != Some(default_kind("approximator"))) {
                // Widths are for the KAN; another kind has its own default.
                students.widths.clear();
            } else if own("products").is_some() {
                students.widths.retain(|widths| !widths.is_empty());
            }
        }
        if !self.is_set("students", "lambdas")
            && let Some(lambda) = own("lambda")
        {
            students.lambdas = vec![self.deserialize("approximator.lambda", lambda)?];
        }
        Ok(students)
    }

    fn section<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ConfigError> {
        self.table.get(name).map(|value| self.deserialize(name, value.clone())).transpose()
    }

    fn tagged<T: DeserializeOwned + Serialize>(&self, name: &str) -> Result<T, ConfigError> {
        let mut value = self.table.get(name).cloned().unwrap_or_else(|| Value::Table(Table::new()));
        if let Some(table) = value.as_table_mut() {
            table.entry("kind").or_insert_with(|| Value::String(default_kind(name).to_owned()));
        }
        self.deserialize(name, value)
    }

    fn deserialize<T: DeserializeOwned>(&self, name: &str, value: Value) -> Result<T, ConfigError> {
        serde_path_to_error::deserialize(value).map_err(|error| self.located(name, &error))
    }

    fn located(&self, name: &str, error: &serde_path_to_error::Error<toml::de::Error>) -> ConfigError {
        let path = error.path().to_string();
        let path = if path == "." || path == "?" { "" } else { path.as_str() };
        self.error(name, path, error.inner().message())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{MergedConfig, RawConfig, RunConfig};

    fn resolved(text: &str) -> RunConfig {
        MergedConfig::new(RawConfig::from_toml("run.toml", text).unwrap()).resolve().unwrap()
    }

    fn environment(id: &str) -> String {
        format!("environment = {{ id = '{id}' }}\n")
    }

    #[test]
    fn a_pendulum_is_polished_for_longer_unless_the_config_says_how_long() {
        let steps = |text: &str| resolved(text).polish.environment_steps;
        assert_eq!(steps(&environment("CartPole-v1")), 10_000_000);
        assert_eq!(steps(&environment("Pendulum-v1")), 40_000_000);
        assert_eq!(steps(&(environment("Pendulum-v1") + "polish = { tolerance = 0.1 }")), 40_000_000);
        assert_eq!(steps(&(environment("Pendulum-v1") + "polish = { environment_steps = 5 }")), 5);
    }

    #[test]
    fn a_double_pendulum_keeps_small_terms_unless_the_config_says_which() {
        let tolerance = |text: &str| resolved(text).refine.tolerance;
        assert_eq!(tolerance(&environment("InvertedPendulum-v5")), 0.005);
        assert_eq!(tolerance(&environment("InvertedDoublePendulum-v5")), 2e-5);
        assert_eq!(tolerance(&(environment("InvertedDoublePendulum-v4") + "refine = { products = 0 }")), 2e-5);
        assert_eq!(tolerance(&(environment("InvertedDoublePendulum-v5") + "refine = { tolerance = 0.1 }")), 0.1);
    }
}
