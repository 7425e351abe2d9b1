use super::error::{ConfigError, ConfigErrorKind, ConfigText, help, unknown_name};
use kanrl_experts::ExpertError;
use kanrl_experts::archive::read_file;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::{Table, Value};

/// Largest config file, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// A config file as it was written: text and table, nothing checked.
#[derive(Clone, Debug, Default)]
pub struct RawConfig {
    origin: Arc<ConfigText>,
    table: Table,
    /// Where the file lies; empty for a text.
    folder: PathBuf,
}

impl RawConfig {
    /// Reads a file: JSON where its name ends in `.json`, TOML otherwise.
    ///
    /// # Errors
    /// [`ConfigError`] where it cannot be read or parsed.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let unreadable = |message: String| ConfigError::unreadable(&name, &message);
        let bytes = read_file(path, MAX_FILE).map_err(|error| match error {
            ExpertError::Io { source, .. } => unreadable(source.to_string()),
            other => unreadable(other.to_string()),
        })?;
        let text = String::from_utf8(bytes).map_err(|_| unreadable("is not UTF-8 text".to_owned()))?;
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        let raw = if is_json { Self::from_json(name, text) } else { Self::from_toml(name, text) }?;
        Ok(raw.in_folder(path.parent().unwrap_or(Path::new(""))))
    }

    /// The same config as if its file lay in `folder`: relative paths in it begin there.
    pub(crate) fn in_folder(self, folder: &Path) -> Self {
        Self { folder: folder.to_owned(), ..self }
    }

    /// Parses TOML; `name` stands in error messages.
    ///
    /// # Errors
    /// [`ConfigErrorKind::Syntax`].
    pub fn from_toml(name: impl Into<String>, text: impl Into<String>) -> Result<Self, ConfigError> {
        let origin = Arc::new(ConfigText { name: name.into(), text: text.into() });
        match origin.text.parse::<Table>() {
            Ok(table) => Ok(Self { origin, table, ..Self::default() }),
            Err(error) => Err(syntax_error(origin, error.message(), error.span())),
        }
    }

    /// Parses JSON; `name` stands in error messages.
    ///
    /// # Errors
    /// [`ConfigErrorKind::Syntax`].
    pub fn from_json(name: impl Into<String>, text: impl Into<String>) -> Result<Self, ConfigError> {
        let origin = Arc::new(ConfigText { name: name.into(), text: text.into() });
        let text = &origin.text;
        match serde_json::from_str::<Table>(text) {
            Ok(table) => Ok(Self { origin, table, ..Self::default() }),
            Err(error) => {
                let line_start: usize =
                    text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
                // Columns are bytes, and one may be inside a letter.
                let position = text.floor_char_boundary(line_start + error.column().saturating_sub(1));
                Err(syntax_error(origin, &error.to_string(), Some(position..position)))
            }
        }
    }
}

impl RawConfig {
    /// Another config as if it stood in the same folder; its errors have no place in a text.
    pub(crate) fn beside(&self, table: Table) -> Self {
        Self { origin: Arc::default(), table, folder: self.folder.clone() }
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }
}

fn syntax_error(origin: Arc<ConfigText>, message: &str, span: Option<Range<usize>>) -> ConfigError {
    let (key, message) = (String::new(), message.to_owned());
    ConfigError { kind: ConfigErrorKind::Syntax, origin, key, message, help: None, span }
}

/// A raw config with the command line's overrides on top.
#[derive(Clone, Debug)]
pub struct MergedConfig {
    raw: RawConfig,
    pub(super) table: Table,
    overrides: Vec<String>,
}

impl MergedConfig {
    /// Starts from a file, or from nothing.
    pub fn new(raw: RawConfig) -> Self {
        Self { table: raw.table.clone(), raw, overrides: Vec::new() }
    }

    /// Sets `section.key`, as a command-line flag does; `section` alone where `key` is empty.
    pub fn set(&mut self, section: &str, key: &str, value: impl Into<Value>) {
        if key.is_empty() {
            self.table.insert(section.to_owned(), value.into());
        } else {
            let entry = self.table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Some(table) = entry.as_table_mut() {
                table.insert(key.to_owned(), value.into());
            }
        }
        self.overrides.push(path(section, key));
    }

    /// A path in the file, which is relative to the file's folder.
    pub(super) fn path(&self, path: &Path) -> PathBuf {
        self.raw.folder.join(path)
    }

    /// What stands under `section.key`, if anything does.
    pub fn get(&self, section: &str, key: &str) -> Option<&Value> {
        self.table.get(section)?.get(key)
    }

    /// An error about `section` with serde's message, with the place it is about.
    pub(crate) fn error(&self, section: &str, path_inside: &str, message: &str) -> ConfigError {
        let message = message.trim();
        let unknown = unknown_name(message);
        let mut key = path(section, path_inside.trim_matches('.'));
        if let Some(unknown) = &unknown {
            let is_field = message.starts_with("unknown field");
            let last = if is_field { unknown.as_str() } else { "kind" };
            if !key.ends_with(last) {
                key = path(&key, last);
            }
        }
        let overridden = self.overrides.iter().any(|set| key == *set || key.starts_with(&format!("{set}.")));
        let span = if overridden { None } else { self.find(&key).or_else(|| self.find(section)) };
        let origin = if overridden || self.raw.origin.name.is_empty() {
            Arc::new(ConfigText { name: "the command line".to_owned(), text: String::new() })
        } else {
            Arc::clone(&self.raw.origin)
        };
        ConfigError {
            kind: ConfigErrorKind::Value,
            origin,
            key,
            message: message.to_owned(),
            help: help(message),
            span,
        }
    }

    /// Where a key path stands in the text.
    fn find(&self, key: &str) -> Option<Range<usize>> {
        let document = toml_edit::Document::parse(self.raw.origin.text.as_str()).ok()?;
        let mut item = document.as_item();
        let mut span = None;
        for part in key.split('.') {
            let (name, value) = item.as_table_like()?.get_key_value(part)?;
            span = name.span().or_else(|| value.span()).or(span);
            item = value;
        }
        span
    }
}

fn path(section: &str, key: &str) -> String {
    match (section.is_empty(), key.is_empty()) {
        (true, _) => key.to_owned(),
        (_, true) => section.to_owned(),
        _ => format!("{section}.{key}"),
    }
}
