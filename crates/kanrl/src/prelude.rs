//! What most programs need: `use kanrl::prelude::*;`

pub use crate::run::Run;
pub use kanrl_core::action::{ActionBatch, ActionRule, ContinuousAction};
pub use kanrl_core::approximator::{ApproximatorError, FitObserver, FitReport, FitTask, FunctionApproximator, Samples};
pub use kanrl_core::config::{ApproximatorConfig, BuildError, ExpertConfig, SymbolicLibraryConfig};
pub use kanrl_core::environment::{
    Continuous, Discrete, DynEnvironment, Environment, EnvironmentEntry, EnvironmentError, EnvironmentRegistry,
    EnvironmentSpec, KeywordArguments, StepOutcome,
};
pub use kanrl_core::function::{Domain, FittedFunction, SampledCurve, SymbolicLibrary, UnivariateFunction};
pub use kanrl_core::graph::{SplineEdge, UnivariateGraph};
pub use kanrl_core::policy::{ExpertPolicy, FunctionExpert, Policy, PolicyError, ScoreKind};
pub use kanrl_core::random::Generator;
pub use kanrl_core::rollout::{RolloutOptions, Rollouts};
pub use kanrl_experts::{FunctionPolicy, PolicyOptions};
pub use kanrl_pipeline::engine::{Input, OptionalInput, Output, Stage, StageError};
pub use kanrl_pipeline::run::{Metrics, OpenRun, PolicyRole, PolicySource, RunFile, RunStore, RunSummary};
pub use kanrl_pipeline::stages::artifacts::{ExplainingFormulas, NamedNetworks};
pub use kanrl_pipeline::stages::context::StageContext;
pub use kanrl_pipeline::stages::select::{Candidate, Selection};
pub use kanrl_symbolic::library::{Library, LibraryFunction};
pub use kanrl_symbolic::{Expression, Formula};
pub use serde::{Deserialize, Serialize};
pub use std::sync::Arc;
pub use typetag;
