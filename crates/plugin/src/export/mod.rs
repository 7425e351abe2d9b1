//! The author's side: from an [`Environment`] to the tables of a plugin.

mod functions;
mod instance;
mod served;
mod spec_table;

use crate::abi::{KanrlEnvironment, KanrlText};
use functions::{environment_table, leak_constructor};
use kanrl_core::environment::{DynEnvironment, Environment, EnvironmentError, EnvironmentHints, KeywordArguments};
use serde::Serialize;
use serde::de::DeserializeOwned;
use served::{Dynamic, Typed};

#[doc(hidden)]
pub use functions::serve_environments;

/// One environment that a plugin offers; see [`export_plugin!`](crate::export_plugin).
#[derive(Debug)]
pub struct ExportedEnvironment {
    id: String,
    summary: String,
    default_arguments: String,
    arguments_schema: String,
    hints: String,
    /// The table without its texts.
    functions: KanrlEnvironment,
}

impl ExportedEnvironment {
    /// An environment made from a serde config (`#[serde(default, deny_unknown_fields)]`). `C::default()` gives the
    /// default arguments. `summary` is one line about it.
    pub fn new<C, E>(
        id: impl Into<String>,
        summary: impl Into<String>,
        constructor: impl Fn(C) -> Result<E, EnvironmentError> + Send + Sync + 'static,
    ) -> Self
    where
        C: DeserializeOwned + Serialize + Default + 'static,
        E: Environment,
    {
        let id = id.into();
        let defaults = serde_json::to_string(&C::default()).unwrap_or_else(|_| "{}".into());
        let own_id = id.clone();
        let data = leak_constructor(move |arguments: &str| {
            let config = serde_json::from_str(arguments)
                .map_err(|error| EnvironmentError::BadArguments { id: own_id.clone(), reason: error.to_string() })?;
            constructor(config).map(Typed)
        });
        Self {
            id,
            summary: summary.into(),
            default_arguments: defaults,
            arguments_schema: String::new(),
            hints: String::new(),
            functions: environment_table::<Typed<E>>(data),
        }
    }

    /// An environment whose spaces are known at run time only, made from keyword arguments.
    pub fn dynamic(
        id: impl Into<String>,
        summary: impl Into<String>,
        default_arguments: &KeywordArguments,
        constructor: impl Fn(&KeywordArguments) -> Result<Box<dyn DynEnvironment>, EnvironmentError> + Send + Sync + 'static,
    ) -> Self {
        let id = id.into();
        let own_id = id.clone();
        let data = leak_constructor(move |arguments: &str| {
            let arguments = serde_json::from_str(arguments)
                .map_err(|error| EnvironmentError::BadArguments { id: own_id.clone(), reason: error.to_string() })?;
            constructor(&arguments).map(Dynamic)
        });
        Self {
            id,
            summary: summary.into(),
            default_arguments: serde_json::Value::Object(default_arguments.clone()).to_string(),
            arguments_schema: String::new(),
            hints: String::new(),
            functions: environment_table::<Dynamic>(data),
        }
    }

    /// The same environment with a JSON schema of its arguments (from `schemars::schema_for!`, or written by hand).
    #[must_use]
    pub fn with_schema(mut self, schema: &serde_json::Value) -> Self {
        self.arguments_schema = schema.to_string();
        self
    }

    /// The same environment with what it asks of a run whose config says nothing.
    #[must_use]
    pub fn with_hints(mut self, hints: &EnvironmentHints) -> Self {
        self.hints = serde_json::to_string(hints).unwrap_or_default();
        self
    }

    /// The whole table. Its texts stay for the life of the process.
    fn into_table(self) -> KanrlEnvironment {
        let text = |text: String| KanrlText::new(text.leak());
        KanrlEnvironment {
            id: text(self.id),
            summary: text(self.summary),
            default_arguments: text(self.default_arguments),
            arguments_schema: text(self.arguments_schema),
            hints: text(self.hints),
            ..self.functions
        }
    }
}

/// Makes a plugin of a crate with `crate-type = ["cdylib"]`: exports `kanrl_plugin` with the environments that a
/// function `fn() -> Result<Vec<ExportedEnvironment>, EnvironmentError>` returns. The plugin's name and version are the
/// package's.
///
/// Every entry catches panics, which end as an error at the host: so a plugin is never built with `panic = "abort"`.
/// With `one_call_at_a_time` as second argument, the host never makes two calls at once.
///
/// # Example
/// ```
#[doc = include_str!("../../examples/corridor.rs")]
/// ```
#[macro_export]
macro_rules! export_plugin {
    ($environments:path) => {
        $crate::export_plugin!(@flags $environments, 0);
    };
    ($environments:path, one_call_at_a_time) => {
        $crate::export_plugin!(@flags $environments, $crate::abi::KANRL_FLAG_ONE_CALL_AT_A_TIME);
    };
    (@flags $environments:path, $flags:expr) => {
        /// What the host finds.
        #[allow(non_upper_case_globals, reason = "the symbol's name in the ABI")]
        #[allow(unsafe_code, reason = "exports the symbol that a host looks for")]
        // SAFETY: no other item has this symbol, and its type is the one that the ABI asks for.
        #[unsafe(no_mangle)]
        pub static kanrl_plugin: $crate::abi::KanrlPlugin = {
            // Names that `$environments` does not have: items in a macro are not hygienic.
            #[allow(unsafe_code, reason = "an entry of the C ABI")]
            unsafe extern "C" fn kanrl_plugin_environments(
                first: *mut *const $crate::abi::KanrlEnvironment,
                count: *mut usize,
                error: *mut $crate::abi::KanrlError,
            ) -> i32 {
                static KANRL_PLUGIN_TABLES: ::std::sync::OnceLock<::std::vec::Vec<$crate::abi::KanrlEnvironment>> =
                    ::std::sync::OnceLock::new();
                // SAFETY: the host's pointers are valid for the call, as the ABI asks for.
                unsafe { $crate::export::serve_environments(&KANRL_PLUGIN_TABLES, $environments, first, count, error) }
            }
            $crate::abi::KanrlPlugin {
                size: ::std::mem::size_of::<$crate::abi::KanrlPlugin>(),
                abi_version: $crate::abi::KANRL_ABI_VERSION,
                flags: $flags,
                name: $crate::abi::KanrlText::new(env!("CARGO_PKG_NAME")),
                version: $crate::abi::KanrlText::new(env!("CARGO_PKG_VERSION")),
                environments: ::std::option::Option::Some(kanrl_plugin_environments),
            }
        };
    };
}
