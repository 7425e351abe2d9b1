//! Opening a plugin's library.
#![allow(unsafe_code, reason = "loads libraries and calls their first function")]

use super::caller::{Caller, PluginContext};
use super::error::PluginError;
use super::factory::PluginEnvironmentFactory;
use super::memory::ProcessMemory;
use super::tables::{self, EnvironmentHeader, PluginHeader, TableError};
use super::watchdog::{CallLimit, Function, Watched};
use crate::abi::{KANRL_FLAG_ONE_CALL_AT_A_TIME, KanrlEnvironment, KanrlPlugin};
use kanrl_core::environment::{EnvironmentEntry, EnvironmentRegistry, KeywordArguments};
use std::error::Error;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A plugin in this process. Its library stays until the process ends: instances, and threads that the plugin may have
/// started, run its code.
#[derive(Clone, Debug)]
pub struct Plugin {
    name: String,
    version: String,
    context: Arc<PluginContext>,
    environments: Vec<EnvironmentHeader>,
}

/// What a plugin offers.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PluginDescription {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The library, as an absolute path.
    pub path: PathBuf,
    /// Whether no two of its instances may run at once.
    pub one_call_at_a_time: bool,
    /// Its environments.
    pub environments: Vec<EnvironmentDescription>,
}

/// What a plugin says about one of its environments.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct EnvironmentDescription {
    /// The id that configs name.
    pub id: String,
    /// One line about it.
    pub summary: String,
    /// Its default arguments.
    pub default_arguments: KeywordArguments,
    /// The JSON schema of its arguments, if it has one.
    pub arguments_schema: Option<KeywordArguments>,
}

impl Plugin {
    /// Opens the library at `path`, which runs the code that it runs on loading, and asks for its environments.
    ///
    /// A `path` without a slash is a file in the working directory, never one on the system's search path.
    ///
    /// # Errors
    /// [`PluginError`] for a file that is not a plugin of this ABI version, with the reason.
    pub fn open(path: &Path, limit: CallLimit) -> Result<Self, PluginError> {
        let path = path.canonicalize().map_err(|source| PluginError::NotFound { path: path.to_owned(), source })?;
        let address = {
            let watched = Watched::new(path.clone(), limit.clone());
            let _inside = watched.enter(Function::Open);
            open(&path)?
        };
        // SAFETY: the symbol is the plugin's table, as the ABI asks for; it is never written to and never unloaded.
        let memory = unsafe { ProcessMemory::new() };
        let PluginHeader { name, version, table } =
            tables::plugin(&memory, address).map_err(|source| PluginError::Header { path: path.clone(), source })?;
        let one_call_at_a_time = table.flags & KANRL_FLAG_ONE_CALL_AT_A_TIME != 0;
        let context = Arc::new(PluginContext { path, limit, lock: one_call_at_a_time.then(|| Mutex::new(())) });
        let environments = environments(&context, &table)?;
        tracing::info!(plugin = name, version, environments = environments.len(), "loaded {}", context.path.display());
        Ok(Self { name, version, context, environments })
    }

    /// What it offers.
    pub fn description(&self) -> PluginDescription {
        let environments = self.environments.iter().map(|environment| EnvironmentDescription {
            id: environment.id.clone(),
            summary: environment.summary.clone(),
            default_arguments: environment.default_arguments.clone(),
            arguments_schema: environment.arguments_schema.clone(),
        });
        PluginDescription {
            name: self.name.clone(),
            version: self.version.clone(),
            path: self.context.path.clone(),
            one_call_at_a_time: self.context.lock.is_some(),
            environments: environments.collect(),
        }
    }

    /// Adds its environments to a registry: all of them, or none. One that this very library has registered before
    /// stays as it is.
    ///
    /// # Errors
    /// [`PluginError::Environment`] for an id that is taken.
    pub fn register(&self, registry: &mut EnvironmentRegistry) -> Result<(), PluginError> {
        let source = self.context.path.display().to_string();
        let mut extended = registry.clone();
        for environment in &self.environments {
            if registry.get(&environment.id).is_ok_and(|known| known.source == source) {
                continue;
            }
            let factory = PluginEnvironmentFactory::new(self.context.clone(), environment);
            let entry = EnvironmentEntry {
                id: environment.id.clone(),
                aliases: Vec::new(),
                summary: environment.summary.clone(),
                version: None,
                source: source.clone(),
                hints: environment.hints.clone(),
                factory: Arc::new(factory),
            };
            extended
                .register(entry)
                .map_err(|source| PluginError::Environment { path: self.context.path.clone(), source })?;
        }
        *registry = extended;
        Ok(())
    }
}

/// The address of the library's plugin table.
fn open(path: &Path) -> Result<usize, PluginError> {
    // SAFETY: loading runs the library's initializers. The user named this file as a plugin: its code is trusted as
    // much as this program's own.
    let library = unsafe { libloading::Library::new(path.as_os_str() as &OsStr) }
        .map_err(|error| PluginError::NotALibrary { path: path.to_owned(), reason: reason(&error) })?;
    // SAFETY: the symbol's address is only taken; what lies there is checked by its reader.
    let address = unsafe { library.get::<*const KanrlPlugin>(b"kanrl_plugin\0") }.map(|symbol| symbol.addr());
    // Never unloaded, see `Plugin`.
    std::mem::forget(library);
    address.map_err(|_| PluginError::NoPlugin { path: path.to_owned() })
}

/// The loader's own message: libloading's `Display` leaves it to `source`.
fn reason(error: &libloading::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

fn environments(context: &Arc<PluginContext>, table: &KanrlPlugin) -> Result<Vec<EnvironmentHeader>, PluginError> {
    let function = Function::Environments;
    let wrong = |source| PluginError::Table { path: context.path.clone(), function: function.name(), source };
    let missing = || TableError { place: "KanrlPlugin.environments".into(), reason: "it is missing".into() };
    let environments = table.environments.ok_or_else(|| wrong(missing()))?;
    let (mut first, mut count) = (std::ptr::null::<KanrlEnvironment>(), 0);
    Caller::new(context.clone())
        // SAFETY: the pointers are writable for the call, and the table has the ABI's version.
        .call(function, |error| unsafe { environments(&raw mut first, &raw mut count, error) })
        .map_err(|error| PluginError::Call {
            path: context.path.clone(),
            function: function.name(),
            reason: error.message,
        })?;
    // SAFETY: the tables live as long as the library, as the ABI asks for.
    let memory = unsafe { ProcessMemory::new() };
    tables::environments(&memory, first.addr(), count).map_err(wrong)
}
