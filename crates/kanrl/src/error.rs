use kanrl_core::config::BuildError;
use kanrl_core::environment::EnvironmentError;
use kanrl_experts::ExpertError;
use kanrl_pipeline::config::ConfigError;
use kanrl_pipeline::engine::PipelineError;
use kanrl_pipeline::run::RunError;

/// What can go wrong before a run is executed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The config cannot be read, or says something that does not exist.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An environment's id is unknown or taken.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// A policy's name cannot be read.
    #[error(transparent)]
    Expert(#[from] ExpertError),
    /// A component cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// There is no stage of that name, or the stages do not fit together.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The run cannot be prepared or its directory cannot be used.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A plugin cannot be loaded.
    #[cfg(feature = "plugins")]
    #[error(transparent)]
    Plugin(#[from] kanrl_plugin::PluginError),
}
