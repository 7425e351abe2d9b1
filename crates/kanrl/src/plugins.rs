//! Environments from shared libraries: those named on the command line or in a config, and the user's own folder.

use crate::{EVERYWHERE, Failure, isolation};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, value_parser};
use kanrl_core::environment::EnvironmentRegistry;
use kanrl_pipeline::config::{ConfigError, PluginEntry, RunConfig};
use kanrl_plugin::{CallLimit, Plugin, PluginDescription, PluginError};
use std::ffi::OsString;
use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Flags about plugins, for every command.
#[derive(Debug, Args)]
pub struct Plugins {
    #[arg(skip)]
    paths: Vec<PathBuf>,
    /// Maximum seconds for a call into a plugin before the program exits with code 124; 0 for no limit.
    #[arg(
        long = "plugin-limit",
        global = true,
        value_name = "SECONDS",
        default_value_t = 60.0,
        value_parser = seconds,
        help_heading = EVERYWHERE
    )]
    limit: f64,
    /// Load every plugin that a config names, which runs its code. By default, only plugins that are named with --plugin or
    /// trusted (`kanrl plugins trust PATH`) are loaded.
    #[arg(long = "allow-plugins", global = true, help_heading = EVERYWHERE)]
    allow: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let fits = |seconds: &f64| Duration::try_from_secs_f64(*seconds).is_ok();
    text.parse().ok().filter(fits).ok_or_else(|| format!("`{text}` is not a number of seconds"))
}

impl Plugins {
    /// `command` with the flag `--plugin` on it and on every command below it. No global flag of clap's, of which only the
    /// values behind the last command count where there are some before it as well.
    pub fn flag_everywhere(command: Command) -> Command {
        let flag = Arg::new("plugin")
            .long("plugin")
            .value_name("PATH")
            .help_heading(EVERYWHERE)
            .help("Load the environments of a shared library, which runs its code; may be repeated")
            .value_parser(value_parser!(PathBuf))
            .action(ArgAction::Append);
        command.arg(flag).mut_subcommands(Self::flag_everywhere)
    }

    /// Takes the values of that flag, in their order.
    pub fn take_paths(&mut self, matches: &ArgMatches) {
        let levels = std::iter::successors(Some(matches), |matches| matches.subcommand().map(|(_, matches)| matches));
        self.paths = levels.filter_map(|matches| matches.get_many("plugin")).flatten().cloned().collect();
    }

    /// Every environment of this build, of the plugins named on the command line and of the user's plugin folder.
    pub fn environments(&self) -> Result<EnvironmentRegistry, Failure> {
        self.load(&[], None).map(|(registry, _)| registry)
    }

    /// As [`Self::environments`], for work with this environment: nothing in the folder is loaded for one that is built in.
    pub fn environments_for(&self, id: &str) -> Result<EnvironmentRegistry, Failure> {
        self.load(&[], Some(id)).map(|(registry, _)| registry)
    }

    /// A config and every environment that it may name: those of [`Self::environments`] and of the plugins that the config
    /// names, if the user has consented to run their code. From then on the config names the plugin that its environment comes from, if it does, and no other.
    pub fn resolve(
        &self,
        resolve: impl Fn(&EnvironmentRegistry) -> Result<RunConfig, ConfigError>,
    ) -> Result<(RunConfig, EnvironmentRegistry), Failure> {
        // First without any environment: no plugin's code runs for a config that is wrong.
        let without = resolve(&EnvironmentRegistry::new())?;
        let (registry, loaded) = self.load(&without.plugins, Some(&without.environment.id))?;
        let mut config = resolve(&registry)?;
        let source = registry.get(&config.environment.id).map(|entry| entry.source.clone());
        let is_used = |plugin: &&PluginDescription| {
            source.as_ref().is_ok_and(|source| *source == plugin.path.display().to_string())
        };
        let entry = |plugin: &PluginDescription| {
            let sha256 = kanrl_plugin::sha256(&plugin.path).map_err(Failure::input)?;
            let is_copy = |named: &&PluginEntry| {
                let copy = self.copy(named).and_then(|path| path.canonicalize().ok());
                copy.is_some_and(|path| path == plugin.path)
            };
            let path = without.plugins.iter().find(is_copy).map_or(&plugin.path, |named| &named.path);
            Ok(PluginEntry { path: path.clone(), sha256: Some(sha256) })
        };
        config.plugins = loaded.iter().filter(is_used).map(entry).collect::<Result<_, Failure>>()?;
        config.plugins.iter().for_each(|plugin| isolation::using(&plugin.path));
        Ok((config, registry))
    }

    /// The flags again, for another process of this program.
    pub fn arguments(&self) -> Vec<OsString> {
        let paths = self.paths.iter().flat_map(|path| ["--plugin".into(), path.clone().into_os_string()]);
        let allow = self.allow.then(|| "--allow-plugins".into());
        paths.chain(allow).chain(self.limit_argument().map(OsString::from)).collect()
    }

    /// The flags that name no plugin and allow none.
    pub fn limit_argument(&self) -> [String; 2] {
        ["--plugin-limit".to_owned(), self.limit.to_string()]
    }

    /// The library on the command line that takes the place of one that a config names, because that one is not there (any
    /// more): the same to the byte.
    fn copy(&self, named: &PluginEntry) -> Option<&PathBuf> {
        let sha256 = named.sha256.as_ref()?;
        let is_same = |path: &Path| kanrl_plugin::verify(path, sha256).is_ok();
        if is_same(&named.path) { None } else { self.paths.iter().find(|path| is_same(path)) }
    }

    /// What the plugins named on the command line and those in the user's folder offer.
    pub fn descriptions(&self) -> Result<Vec<PluginDescription>, Failure> {
        self.load(&[], None).map(|(_, loaded)| loaded)
    }

    /// Whether an environment could come from a plugin: one is named on the command line, or lies in the user's folder.
    pub fn are_there(&self) -> Result<bool, Failure> {
        Ok(!self.paths.is_empty() || !kanrl_plugin::folder_libraries().map_err(Failure::input)?.is_empty())
    }

    /// The longest that one call into a plugin may take.
    pub fn limit(&self) -> CallLimit {
        if self.limit == 0.0 {
            return CallLimit { duration: None, ..CallLimit::default() };
        }
        CallLimit::ending_the_process_after(Duration::from_secs_f64(self.limit), || {
            isolation::done(CallLimit::EXIT_STATUS)
        })
    }

    /// The environments, and the plugins that were loaded for them: those that a config names, those on the command line, and
    /// those in the user's folder, unless the environment `id` is built in.
    fn load(
        &self,
        named: &[PluginEntry],
        id: Option<&str>,
    ) -> Result<(EnvironmentRegistry, Vec<PluginDescription>), Failure> {
        let mut registry = kanrl::environments().map_err(Failure::run)?;
        let digests = self.paths.iter().map(|path| kanrl_plugin::sha256(path)).collect::<Result<Vec<_>, _>>();
        let digests = digests.map_err(Failure::input)?;
        let mut allowed = isolation::allowed();
        let mut seen: Vec<String> = Vec::new();
        let mut paths: Vec<&PathBuf> = Vec::new();
        for entry in named {
            let PluginEntry { path, sha256 } = entry;
            if let (Some(copy), Some(sha256)) = (self.copy(entry), sha256) {
                paths.push(copy);
                seen.push(sha256.to_ascii_lowercase());
                continue;
            }
            let help = "put that library back, or give a copy of it with `--plugin PATH`";
            let digest = kanrl_plugin::sha256(path).map_err(|error| Failure::input_with_help(error, help))?;
            if !self.allow && !digests.contains(&digest) && !allowed.contains(&digest) && consent(path, &digest)? {
                allowed.push(digest.clone());
            }
            if let Some(sha256) = sha256 {
                kanrl_plugin::verify(path, sha256)
                    .map_err(|error| Failure::input_with_help(error, "put that library back, or start a new run"))?;
            }
            seen.push(digest);
            paths.push(path);
        }
        // One that the config names as well is taken from there.
        let further = self.paths.iter().zip(&digests).filter(|(_, digest)| !seen.contains(digest));
        paths.extend(further.map(|(path, _)| path));
        let folder = match id {
            Some(id) if registry.get(id).is_ok() => Vec::new(),
            _ => kanrl_plugin::folder_libraries().map_err(Failure::input)?,
        };
        if !paths.is_empty() || !folder.is_empty() {
            isolation::enter(&allowed)?;
        }
        let mut loaded: Vec<PluginDescription> = Vec::new();
        for path in paths {
            loaded.push(self.open(path, &mut registry).map_err(Failure::input)?);
        }
        // After those that were named, so that an older copy in the folder takes no id away from them.
        for path in folder {
            match self.open(&path, &mut registry) {
                Ok(plugin) => loaded.push(plugin),
                Err(error) => tracing::warn!("left out: {error}"),
            }
        }
        let mut unique: Vec<PluginDescription> = Vec::new();
        for plugin in loaded {
            if unique.iter().all(|known| known.path != plugin.path) {
                unique.push(plugin);
            }
        }
        Ok((registry, unique))
    }

    fn open(&self, path: &Path, registry: &mut EnvironmentRegistry) -> Result<PluginDescription, PluginError> {
        isolation::opening(path, || {
            let plugin = Plugin::open(path, self.limit())?;
            plugin.register(registry)?;
            Ok(plugin.description())
        })
    }
}

/// Makes sure that the user trusts a plugin that somebody's config names: the digest in the config proves that the library is
/// the one that was meant, not that it means well. Whether that was for this once only.
fn consent(path: &Path, digest: &str) -> Result<bool, Failure> {
    let folder = kanrl_plugin::plugin_folder().map_err(Failure::input)?;
    let place = |path: &Path| path.canonicalize().ok();
    let is_in_own_folder = folder
        .and_then(|folder| place(&folder))
        .is_some_and(|folder| place(path).is_some_and(|path| path.parent() == Some(&folder)));
    if is_in_own_folder || kanrl_plugin::is_trusted(digest).map_err(Failure::input)? {
        return Ok(false);
    }
    match ask(path, digest) {
        Some(Answer::Once) => return Ok(true),
        Some(Answer::Always) => {
            kanrl_plugin::trust(path).map_err(Failure::input)?;
            return Ok(false);
        }
        Some(Answer::No) | None => {}
    }
    let path = path.display();
    let message = format!("the config names the plugin `{path}`, whose code would run with your permissions");
    let help = format!(
        "if you trust it, add `--plugin {path}` to load it once, run `kanrl plugins trust {path}` to always allow it, or use \
         `--allow-plugins` to load every plugin that a config names"
    );
    Err(Failure::input_with_help(std::io::Error::other(message), help))
}

/// What a person says to the question whether a plugin's code may run.
enum Answer {
    No,
    Once,
    Always,
}

/// Asks at a terminal; `None` where there is none, so that nobody can answer.
fn ask(path: &Path, digest: &str) -> Option<Answer> {
    let (mut question, answers) = (std::io::stderr(), std::io::stdin());
    if !question.is_terminal() || !answers.is_terminal() {
        return None;
    }
    let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let text = format!(
        "The config names the plugin {}\n(SHA-256 {digest}), whose code would run with your rights.\n\
         Run it? [y]es, for this once; [a]lways trust this library; [N]o: ",
        // No escape sequence of a stranger's file name reaches the terminal.
        place.display().to_string().escape_debug()
    );
    question.write_all(text.as_bytes()).and_then(|()| question.flush()).ok()?;
    let mut answer = String::new();
    answers.lock().take(64).read_line(&mut answer).ok()?;
    Some(match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Answer::Once,
        "a" | "always" => Answer::Always,
        _ => Answer::No,
    })
}
