use super::artifact::ArtifactError;
use kanrl_core::approximator::ApproximatorError;
use kanrl_core::environment::EnvironmentError;
use kanrl_core::policy::PolicyError;
use kanrl_core::rollout::RolloutError;
use kanrl_core::suggest;

/// What can go wrong with a pipeline.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// No stage has this name.
    #[error("unknown stage `{name}`{}; the stages are: {}", suggest::did_you_mean(.nearest), .known.join(", "))]
    UnknownStage {
        /// What was asked for.
        name: String,
        /// The most similar stage.
        nearest: Option<String>,
        /// All stages, in order.
        known: Vec<String>,
    },
    /// Two stages have the same name.
    #[error("two stages are named `{name}`")]
    DuplicateStage {
        /// The name.
        name: String,
    },
    /// Two stages make the same artifact.
    #[error(
        "stages `{}` and `{}` both provide `{artifact}`, which may be made only once: drop one of them, or give its \
         artifact a type of its own", .stages[0], .stages[1]
    )]
    DuplicateArtifact {
        /// What both make.
        artifact: String,
        /// The two stages, in order.
        stages: [String; 2],
    },
    /// A stage needs what no earlier stage provides.
    #[error("stage `{stage}` needs `{artifact}`, which {}", provider(.later))]
    MissingNeed {
        /// The stage.
        stage: String,
        /// What it needs.
        artifact: String,
        /// Later stages that provide it.
        later: Vec<String>,
    },
    /// A stage failed.
    #[error("stage `{stage}` failed")]
    Stage {
        /// Its name.
        stage: String,
        /// Why.
        #[source]
        source: Box<StageError>,
    },
}

impl PipelineError {
    /// Whether the run ended because it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Stage { source, .. } if matches!(**source, StageError::Cancelled))
    }

    /// Whether the run ended because a stored artifact is damaged.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Stage { source, .. } if matches!(**source, StageError::Damaged(_)))
    }

    /// Whether the run ended because of what [`StageError::leaves_domain`] asks for.
    pub fn leaves_domain(&self) -> bool {
        matches!(self, Self::Stage { source, .. } if source.leaves_domain())
    }
}

fn provider(later: &[String]) -> String {
    if later.is_empty() {
        "no stage provides".to_owned()
    } else {
        format!("only comes after it (from {}): change the order", later.join(", "))
    }
}

/// Why a stage could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StageError {
    /// The environment failed.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// Playing a policy failed.
    #[error(transparent)]
    Rollout(#[from] RolloutError),
    /// A policy failed.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A policy could not be made.
    #[error(transparent)]
    Expert(#[from] kanrl_experts::ExpertError),
    /// A video could not be made.
    #[error(transparent)]
    Video(#[from] kanrl_render::video::VideoError),
    /// The approximator failed.
    #[error(transparent)]
    Approximator(#[from] ApproximatorError),
    /// A result could not be written or read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// What an earlier run stored is damaged, and nothing damaged is to be replaced.
    #[error(transparent)]
    Damaged(crate::run::RunStoreError),
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] crate::files::FileError),
    /// The configuration asks for something that cannot be done.
    #[error("{reason}")]
    Unsupported {
        /// What, and how to fix it.
        reason: String,
    },
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// A stage of a downstream crate failed in its own way.
    #[error(transparent)]
    Other(#[from] Box<dyn std::error::Error + Send + Sync>),
}

impl StageError {
    /// Whether a policy gave no finite action: a formula outside its functions' domain.
    pub fn leaves_domain(&self) -> bool {
        matches!(
            self,
            Self::Rollout(RolloutError::Policy { source: PolicyError::NotFinite { .. }, .. })
                | Self::Policy(PolicyError::NotFinite { .. })
        )
    }
}
