use super::error::ConfigError;
use super::file::MergedConfig;
use super::plugins::PluginEntry;
use super::ranges;
use super::run::{EnvironmentSection, RunConfig};
use crate::engine::Pipeline;
use crate::stages::polish::section::PolishSection;
use crate::stages::refine::section::RefineSection;
use crate::students::section::StudentsSection;
use kanrl_core::config::{ApproximatorConfig, ExpertConfig, SymbolicLibraryConfig};
use kanrl_core::environment::EnvironmentRegistry;
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
        self.resolve_in(&EnvironmentRegistry::new())
    }

    /// As [`Self::resolve`], with what the environment asks for where the config says nothing ([`EnvironmentHints`]). An
    /// environment that is not registered asks for nothing.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    ///
    /// [`EnvironmentHints`]: kanrl_core::environment::EnvironmentHints
    pub fn resolve_in(&self, environments: &EnvironmentRegistry) -> Result<RunConfig, ConfigError> {
        self.resolve_for(&Pipeline::new(), environments)
    }

    /// As [`Self::resolve_in`], with the sections that stages have of their own ([`Stage::section`]).
    ///
    /// # Errors
    /// As [`Self::resolve`]; also where a stage claims a section that is not its own.
    ///
    /// [`Stage::section`]: crate::engine::Stage::section
    pub fn resolve_for(&self, stages: &Pipeline, environments: &EnvironmentRegistry) -> Result<RunConfig, ConfigError> {
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
                return Err(self.error(claim.name, "", "a stage claims this section, which belongs to kanrl"));
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
        let hints = environments.get(&environment.id).map(|entry| entry.hints.clone()).unwrap_or_default();
        let refine: RefineSection = self.section("refine")?.unwrap_or_default();
        let polish: PolishSection = self.section("polish")?.unwrap_or_default();
        let config = RunConfig {
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
            refine: refine.hinted(&hints, |key| self.is_set("refine", key)),
            polish: polish.hinted(&hints, |key| self.is_set("polish", key)),
            select: self.section("select")?.unwrap_or_default(),
            evaluate: self.section("evaluate")?.unwrap_or_default(),
            record: self.section("record")?.unwrap_or_default(),
            own,
        };
        ranges::check(&config).map_err(|problem| self.error(&problem.section, &problem.key, &problem.message))?;
        Ok(config)
    }

    /// The plugins that the config names, each path relative to the config file's folder.
    ///
    /// # Errors
    /// [`ConfigError`] for entries that are none.
    pub fn plugins(&self) -> Result<Vec<PluginEntry>, ConfigError> {
        let mut plugins: Vec<PluginEntry> = self.section("plugins")?.unwrap_or_default();
        for plugin in &mut plugins {
            plugin.path = self.path(&plugin.path);
        }
        Ok(plugins)
    }

    fn is_set(&self, section: &str, key: &str) -> bool {
        self.table.get(section).and_then(|value| value.get(key)).is_some()
    }

    /// `[students]`, whose widths and sparsity strengths are the approximator's own where only those are set. A config in
    /// which the two say different things is refused: one of them would do nothing.
    fn students(&self) -> Result<StudentsSection, ConfigError> {
        let mut students: StudentsSection = self.section("students")?.unwrap_or_default();
        let own = |key: &str| self.table.get("approximator").and_then(|value| value.get(key)).cloned();
        for (field, list) in [("hidden", "widths"), ("lambda", "lambdas")] {
            let listed = self.table.get("students").and_then(|value| value.get(list)).and_then(Value::as_array);
            if let (Some(value), Some(listed)) = (own(field), listed)
                && !listed.contains(&value)
            {
                let message = format!(
                    "{value} is not among `students.{list}`, which set the same thing and take precedence: remove one of the two"
                );
                return Err(self.error("approximator", field, &message));
            }
        }
        let chosen = self.is_set("students", "widths") || own("hidden").is_some();
        let another_kind = own("kind").is_some_and(|kind| kind.as_str() != Some(default_kind("approximator")));
        if (chosen || another_kind) && !self.is_set("students", "wider") {
            students.wider.clear();
        }
        if !self.is_set("students", "widths") {
            if let Some(hidden) = own("hidden") {
                students.widths = vec![self.deserialize("approximator.hidden", hidden)?];
            } else if another_kind {
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
    use crate::engine::Pipeline;
    use kanrl_core::action::ContinuousAction;
    use kanrl_core::environment::{
        Continuous, Environment, EnvironmentEntry, EnvironmentError, EnvironmentHints, EnvironmentRegistry,
        EnvironmentSpec, StepOutcome,
    };

    #[test]
    fn an_environment_s_hints_hold_unless_the_config_says_otherwise() {
        let hints =
            EnvironmentHints { polish_steps: Some(40_000_000), refine_tolerance: Some(2e-5), ..Default::default() };
        let mut registry = EnvironmentRegistry::new();
        let spec = EnvironmentSpec::new("Delicate-v0").observe("x", "m").act("push", "N", -1.0..=1.0);
        registry.register(EnvironmentEntry::of(spec, Nothing).with_hints(hints)).unwrap();
        let resolved = |text: &str| {
            let raw = RawConfig::from_toml("run.toml", format!("environment.id = 'Delicate-v0'\n{text}")).unwrap();
            MergedConfig::new(raw).resolve_for(&Pipeline::new(), &registry).unwrap()
        };
        let both = |config: RunConfig| (config.polish.environment_steps, config.refine.tolerance);
        assert_eq!(both(resolved("")), (40_000_000, 2e-5));
        assert_eq!(both(resolved("polish.tolerance = 0.1\nrefine.products = 0")), (40_000_000, 2e-5));
        assert_eq!(both(resolved("polish.environment_steps = 5\nrefine.tolerance = 0.1")), (5, 0.1));
        let other = MergedConfig::new(RawConfig::default()).resolve_for(&Pipeline::new(), &registry).unwrap();
        assert_eq!(both(other), (10_000_000, 0.005));
    }

    struct Nothing(EnvironmentSpec);

    impl Environment for Nothing {
        type Action = Continuous;

        fn spec(&self) -> &EnvironmentSpec {
            &self.0
        }

        fn reset(&mut self, _: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
            observation.fill(0.0);
            Ok(())
        }

        fn step(&mut self, _: ContinuousAction, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
            observation.fill(0.0);
            Ok(StepOutcome::default())
        }
    }
}
