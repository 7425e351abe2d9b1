//! The standard stages, in order.
//!
//! | stage | needs | provides |
//! |---|---|---|
//! | record_expert | | expert_video |
//! | collect | | dataset |
//! | fit | dataset | datasets, models, networks |
//! | dagger | datasets, models, networks | datasets, models, networks |
//! | prune | datasets, networks | networks |
//! | symbolify | datasets, networks | networks |
//! | refine | datasets, networks | formulas |
//! | rivals | dataset, formulas | formulas |
//! | polish | dataset, formulas | formulas |
//! | select | dataset, formulas, networks | selection |
//! | evaluate | models, selection | evaluation |
//! | record_formula | selection | formula_video |
//! | report | dataset, models, networks, selection, evaluation, expert_video, formula_video | |
//!
//! Artifacts in the plural have a part for every student: each network, and each rival.

pub mod baselines;
pub mod collect;
pub mod context;
pub mod dagger;
pub mod evaluate;
mod export;
pub mod fit;
pub mod per_student;
pub mod polish;
pub mod prune;
pub mod record;
pub mod refine;
pub mod report;
pub mod select;
pub mod symbolify;
pub mod teacher;

pub use export::export;

use crate::engine::{Pipeline, Stage};
use crate::stages::collect::ExpertData;
use crate::stages::evaluate::Evaluation;
use crate::stages::fit::{Model, Network};
use crate::stages::per_student::PerStudent;
use crate::stages::record::{ExpertVideo, FormulaVideo};
use crate::stages::refine::Formulas;
use crate::stages::select::Selection;

/// Stage `fit` for an approximator without a graph, such as a perceptron: no later stage can work on it.
pub fn fit_without_graph() -> Stage {
    Stage::new("fit", "fits the approximator to the expert's scores", fit::fit_without_graph)
        .needs::<ExpertData>()
        .provides::<PerStudent<Model>>()
        .configured_by("seed")
        .configured_by("students")
        .configured_by("approximator")
}

/// The standard stages.
pub fn standard() -> Pipeline {
    let mut pipeline = Pipeline::new();
    pipeline
        .push(
            Stage::new("record_expert", "films an episode of the expert", record::record_expert)
                .provides::<ExpertVideo>()
                .configured_by("environment")
                .configured_by("expert")
                .configured_by("record"),
        )
        .push(
            Stage::new("collect", "plays the expert and keeps what it saw and would do", collect::collect)
                .provides::<ExpertData>()
                .configured_by("seed")
                .configured_by("environment")
                .configured_by("expert")
                .configured_by("collect"),
        )
        .push(
            Stage::new("fit", "fits the networks to the expert's scores", fit::fit)
                .needs::<ExpertData>()
                .provides::<PerStudent<ExpertData>>()
                .provides::<PerStudent<Model>>()
                .provides::<PerStudent<Network>>()
                .configured_by("seed")
                .configured_by("students")
                .configured_by("approximator"),
        )
        .push(
            Stage::new("dagger", "lets the networks play, and the expert label what they saw", dagger::dagger)
                .needs::<PerStudent<ExpertData>>()
                .needs::<PerStudent<Model>>()
                .needs::<PerStudent<Network>>()
                .provides::<PerStudent<ExpertData>>()
                .provides::<PerStudent<Model>>()
                .provides::<PerStudent<Network>>()
                .configured_by("dagger"),
        )
        .push(
            Stage::new("prune", "cuts off what matters little", prune::prune)
                .needs::<PerStudent<ExpertData>>()
                .needs::<PerStudent<Network>>()
                .provides::<PerStudent<Network>>()
                .configured_by("prune"),
        )
        .push(
            Stage::new(
                "symbolify",
                "replaces each curve by a named function, judged by the whole network",
                symbolify::symbolify,
            )
            .needs::<PerStudent<ExpertData>>()
            .needs::<PerStudent<Network>>()
            .provides::<PerStudent<Network>>()
            .configured_by("library")
            .configured_by("symbolify"),
        )
        .push(
            Stage::new("refine", "fits all constants again, together, simplifies and rounds", refine::refine)
                .needs::<PerStudent<ExpertData>>()
                .needs::<PerStudent<Network>>()
                .provides::<PerStudent<Formulas>>()
                .configured_by("dagger")
                .configured_by("refine"),
        )
        .push(
            Stage::new(
                "rivals",
                "adds a linear and a sparse quadratic formula, and your own candidates",
                baselines::rivals,
            )
            .needs::<ExpertData>()
            .needs::<PerStudent<Formulas>>()
            .provides::<PerStudent<Formulas>>()
            .configured_by("students")
            .configured_by("dagger")
            .configured_by("refine"),
        )
        .push(
            Stage::new("polish", "tunes the constants, from faithful to the expert to best in play", polish::polish)
                .needs::<ExpertData>()
                .needs::<PerStudent<Formulas>>()
                .provides::<PerStudent<Formulas>>()
                .configured_by("dagger")
                .configured_by("polish"),
        )
        .push(
            Stage::new("select", "takes the most faithful formula that plays as well as the expert", select::select)
                .needs::<ExpertData>()
                .needs::<PerStudent<Formulas>>()
                .needs::<PerStudent<Network>>()
                .provides::<Selection>()
                .configured_by("select"),
        )
        .push(
            Stage::new("evaluate", "plays expert, network and formulas on the same seeds", evaluate::evaluate)
                .needs::<PerStudent<Model>>()
                .needs::<Selection>()
                .provides::<Evaluation>()
                .configured_by("evaluate"),
        )
        .push(
            Stage::new("record_formula", "films an episode of the formula", record::record_formula)
                .needs::<Selection>()
                .provides::<FormulaVideo>()
                .configured_by("environment")
                .configured_by("record"),
        )
        .push(
            Stage::new("report", "writes the formula, the diagram and the metrics", report::report)
                .needs::<ExpertData>()
                .needs::<PerStudent<Model>>()
                .needs::<PerStudent<Network>>()
                .needs::<Selection>()
                .needs::<Evaluation>()
                .needs::<ExpertVideo>()
                .needs::<FormulaVideo>(),
        );
    pipeline
}
