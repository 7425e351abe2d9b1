use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// One of `plugins`: a library that adds environments. In a file, its path alone will do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PluginEntry {
    /// The library; in a file, relative to the file's folder.
    pub path: PathBuf,
    /// The library's SHA-256 in hexadecimal digits: no other library will do. The config that a run keeps has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl PluginEntry {
    /// Whatever library lies there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), sha256: None }
    }
}

/// The long form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    path: PathBuf,
    sha256: Option<String>,
}

impl<'de> Deserialize<'de> for PluginEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntryVisitor;

        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = PluginEntry;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a library's path, or a table with `path` and `sha256`")
            }

            fn visit_str<E: de::Error>(self, path: &str) -> Result<PluginEntry, E> {
                Ok(PluginEntry::new(path))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PluginEntry, A::Error> {
                let Table { path, sha256 } = Table::deserialize(MapAccessDeserializer::new(map))?;
                Ok(PluginEntry { path, sha256 })
            }
        }

        deserializer.deserialize_any(EntryVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::PluginEntry;
    use crate::config::{MergedConfig, RawConfig};

    #[test]
    fn a_path_is_relative_to_the_config_s_folder_and_comes_back_from_the_resolved_config() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.toml");
        std::fs::write(&file, "plugins = [\"libone.so\", { path = \"/two.so\", sha256 = \"ab\" }]").unwrap();
        let read = |file| MergedConfig::new(RawConfig::read(file).unwrap()).resolve().unwrap();
        let config = read(&file);
        let two = PluginEntry { path: "/two.so".into(), sha256: Some("ab".into()) };
        assert_eq!(config.plugins, [PluginEntry::new(folder.path().join("libone.so")), two]);
        std::fs::write(&file, config.to_toml()).unwrap();
        assert_eq!(read(&file).plugins, config.plugins);
    }

    #[test]
    fn another_library_means_another_environment() {
        let with = |text: &str| MergedConfig::new(RawConfig::from_toml("", text).unwrap()).resolve().unwrap();
        let section = |text: &str| with(text).section_text("environment");
        let [first, second] = ["ab", "cd"].map(|hash| format!("[[plugins]]\npath = \"p.so\"\nsha256 = \"{hash}\""));
        assert_ne!(section(&first), section(&second));
        assert_eq!(section(""), section("plugins = [\"p.so\"]"));
    }

    #[test]
    fn anything_but_an_entry_is_refused() {
        for (text, says) in [
            ("plugins = [3]", "a library's path, or a table"),
            ("plugins = [{ path = \"p\", sha = \"\" }]", "unknown field `sha`"),
        ] {
            let error = MergedConfig::new(RawConfig::from_toml("run.toml", text).unwrap()).resolve().unwrap_err();
            assert!(error.to_string().contains(says) && error.to_string().contains("plugins.[0]"), "{error}");
        }
    }
}
