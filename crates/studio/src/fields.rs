//! What a person fills in to start a run, checked field by field.

use crate::error::{ApiError, in_words};
use crate::uploads::Uploads;
use kanrl_core::environment::EnvironmentRegistry;
use kanrl_experts::{PolicyOptions, PolicyReference};
use kanrl_pipeline::config::{ConfigError, MergedConfig, RawConfig, RunConfig};
use serde::{Deserialize, Serialize};

/// Most hidden layers, and most nodes of one.
const MOST_LAYERS: usize = 4;
const WIDEST: i64 = 64;
/// Most training steps.
const MOST_STEPS: i64 = 100_000;
/// Sections that may be set: the others have fields of their own, or could name files on the server.
const OPEN_SECTIONS: [&str; 12] = [
    "approximator",
    "collect",
    "dagger",
    "evaluate",
    "library",
    "polish",
    "prune",
    "record",
    "refine",
    "select",
    "students",
    "symbolify",
];

/// The form.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRun {
    /// The environment's id.
    pub environment: String,
    /// `bundled`, or the hash of an uploaded archive.
    #[serde(default)]
    pub expert: String,
    /// Hidden widths as text; empty for none.
    pub hidden: String,
    /// Training steps as text; empty for the default.
    #[serde(default)]
    pub steps: String,
    /// The run's seed as text; empty for 0.
    #[serde(default)]
    pub seed: String,
    /// Further sections of a config, as TOML.
    #[serde(default)]
    pub settings: String,
}

impl NewRun {
    /// The config of the run.
    ///
    /// # Errors
    /// What is wrong with the first bad field, and how to fix it.
    pub fn resolve(&self, uploads: &Uploads, environments: &EnvironmentRegistry) -> Result<RunConfig, ApiError> {
        let settings = RawConfig::from_toml("settings", self.settings.as_str()).map_err(|error| refusal(&error))?;
        let mut config = MergedConfig::new(settings);
        let written: toml::Table = self.settings.parse().unwrap_or_default();
        if let Some(closed) = written.keys().find(|section| !OPEN_SECTIONS.contains(&section.as_str())) {
            let message = format!("`{closed}` cannot be set here; allowed are {}", OPEN_SECTIONS.join(", "));
            return Err(ApiError::field("settings", message));
        }
        config.set("environment", "id", self.environment.as_str());
        config.set("expert", "", self.expert_section(uploads)?);
        let hidden = widths(&self.hidden).map_err(|message| ApiError::field("hidden", message))?;
        let is_kan = config.get("approximator", "kind").is_none_or(|kind| kind.as_str() == Some("kan"));
        if is_kan || !hidden.is_empty() {
            config.set("students", "widths", vec![hidden]);
        }
        if !self.steps.trim().is_empty() {
            let message = format!("training steps must be a whole number from 1 to {MOST_STEPS}");
            let steps = whole_number(&self.steps, 1..=MOST_STEPS);
            config.set("approximator", "steps", steps.ok_or_else(|| ApiError::field("steps", message))?);
        }
        if !self.seed.trim().is_empty() {
            let seed = whole_number(&self.seed, 0..=i64::MAX);
            let message = "a seed must be a whole number of at least 0";
            config.set("seed", "", seed.ok_or_else(|| ApiError::field("seed", message))?);
        }
        config.resolve_in(environments).map_err(|error| refusal(&error))
    }

    /// The form that gives this config again, as far as a form can say it.
    ///
    /// # Errors
    /// For an expert that no form can name.
    pub fn like(config: &RunConfig, uploads: &Uploads) -> Result<Self, ApiError> {
        let table = |config: &RunConfig| config.to_toml().parse::<toml::Table>().map_err(ApiError::internal);
        let own = table(config)?;
        let expert = own.get("expert").and_then(|expert| expert.as_table());
        let text = |key: &str| expert.and_then(|expert| expert.get(key)?.as_str()).unwrap_or_default();
        let archive = || std::path::Path::new(text("path")).file_stem().and_then(|stem| stem.to_str());
        let expert = match text("kind") {
            "bundled" => "bundled".to_owned(),
            "sb3" if archive().is_some_and(|hash| uploads.path(hash).is_some()) => {
                archive().unwrap_or_default().to_owned()
            }
            kind => {
                let message =
                    format!("its expert ({kind}) was not uploaded here: run it again with `kanrl extract --config`");
                return Err(ApiError::unprocessable(message));
            }
        };
        let mut plain = MergedConfig::new(RawConfig::from_toml("defaults", "").map_err(|error| refusal(&error))?);
        plain.set("environment", "id", config.environment.id.as_str());
        let plain = table(&plain.resolve().map_err(|error| refusal(&error))?)?;
        let mut settings = toml::Table::new();
        let mut numbers = [String::new(), String::new()];
        for (section, values) in own.iter().filter(|(section, _)| OPEN_SECTIONS.contains(&section.as_str())) {
            let Some(values) = values.as_table() else { continue };
            let default = plain.get(section).and_then(|section| section.as_table());
            let differs =
                |(key, value): &(&String, &toml::Value)| default.and_then(|table| table.get(*key)) != Some(value);
            let mut changed: toml::Table =
                values.iter().filter(differs).map(|(key, value)| (key.clone(), value.clone())).collect();
            if section == "students" {
                changed.remove("widths");
            }
            if section == "approximator"
                && let Some(steps) = changed.remove("steps")
            {
                numbers[0] = steps.to_string();
            }
            if !changed.is_empty() {
                settings.insert(section.clone(), changed.into());
            }
        }
        let widths = config.students.widths.last();
        let hidden = widths
            .map_or_else(String::new, |layers| layers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
        if config.seed != 0 {
            numbers[1] = config.seed.to_string();
        }
        let [steps, seed] = numbers;
        let environment = config.environment.id.clone();
        Ok(Self { environment, expert, hidden, steps, seed, settings: settings.to_string() })
    }

    fn expert_section(&self, uploads: &Uploads) -> Result<toml::Value, ApiError> {
        let reference = match self.expert.as_str() {
            "" | "bundled" => PolicyReference::Bundled,
            hash => {
                let unknown = || ApiError::field("expert", "this archive is not on the server: upload it again");
                PolicyReference::Sb3(uploads.path(hash).ok_or_else(unknown)?)
            }
        };
        let config =
            reference.config(&PolicyOptions::default()).map_err(|error| ApiError::field("expert", in_words(&error)))?;
        toml::Value::try_from(config).map_err(ApiError::internal)
    }
}

/// Hidden widths from text: `2`, `3,3`, or nothing for none.
fn widths(text: &str) -> Result<Vec<i64>, String> {
    let rule = format!(
        "give whole numbers from 1 to {WIDEST} with commas between (`2`, `3,3`), one for each of up to {MOST_LAYERS} \
         layers, or nothing for no hidden layer"
    );
    let parts: Vec<&str> = text.split(',').map(str::trim).filter(|_| !text.trim().is_empty()).collect();
    if parts.len() > MOST_LAYERS {
        return Err(format!("{} layers are too many: {rule}", parts.len()));
    }
    let width = |part: &&str| {
        whole_number(part, 1..=WIDEST).ok_or_else(|| match *part {
            "" => format!("a width is missing: {rule}"),
            part => format!("`{part}` is not a width: {rule}"),
        })
    };
    parts.iter().map(width).collect()
}

fn whole_number(text: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    text.trim().parse().ok().filter(|number| range.contains(number))
}

/// A config error at the field that it is about.
fn refusal(error: &ConfigError) -> ApiError {
    let field = match error.key.as_str() {
        key if key.starts_with("environment") => "environment",
        key if key.starts_with("expert") => "expert",
        "approximator.hidden" | "students.widths" => "hidden",
        "approximator.steps" => "steps",
        "seed" => "seed",
        _ => "settings",
    };
    let help = error.help.as_ref().map_or_else(String::new, |help| format!("; {help}"));
    let place = if error.key.is_empty() { String::new() } else { format!("`{}`: ", error.key) };
    ApiError::field(field, format!("{place}{}{help}", error.message))
}

#[cfg(test)]
mod tests {
    use super::widths;

    #[test]
    fn widths_are_read_as_people_write_them() {
        assert_eq!(widths("2"), Ok(vec![2]));
        assert_eq!(widths(" 3, 3 "), Ok(vec![3, 3]));
        assert_eq!(widths("  "), Ok(vec![]));
        for (wrong, word) in [("two", "`two`"), ("0", "`0`"), ("2,,2", "missing"), ("1.5", "`1.5`"), ("65", "`65`")] {
            assert!(widths(wrong).unwrap_err().contains(word), "{wrong}");
        }
        assert!(widths("1,1,1,1,1").unwrap_err().contains("5 layers"));
    }
}
