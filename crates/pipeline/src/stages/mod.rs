//! The standard stages, in order.
//!
//! | stage | needs | provides |
//! |---|---|---|
//! | record_expert | | expert_video |
//! | collect | | dataset |
//! | fit | dataset | model, network |
//! | prune | dataset, network | network |
//! | symbolify | dataset, network | network |
//! | refine | dataset, network | faithful |
//! | evaluate | model, faithful | evaluation |
//! | record_formula | faithful | formula_video |
//! | report | dataset, model, network, faithful, evaluation, expert_video, formula_video | |

mod collect;
mod evaluate;
mod fit;
mod prune;
mod record;
mod refine;
mod report;
mod symbolify;

use crate::artefacts::{Evaluation, ExpertData, ExpertVideo, FaithfulFormula, FormulaVideo, Model, Network};
use crate::engine::{Pipeline, Stage};

/// Stage `fit` for an approximator without a graph, such as a perceptron: no later stage can work on it.
pub fn fit_without_graph() -> Stage {
    Stage::new("fit", "fits the approximator to the expert's scores", fit::fit_without_graph)
        .needs::<ExpertData>()
        .provides::<Model>()
        .configured_by("seed")
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
            Stage::new("fit", "fits the approximator to the expert's scores", fit::fit)
                .needs::<ExpertData>()
                .provides::<Model>()
                .provides::<Network>()
                .configured_by("seed")
                .configured_by("approximator"),
        )
        .push(
            Stage::new("prune", "cuts off what matters little", prune::prune)
                .needs::<ExpertData>()
                .needs::<Network>()
                .provides::<Network>()
                .configured_by("prune"),
        )
        .push(
            Stage::new(
                "symbolify",
                "replaces each curve by a named function, judged by the whole network",
                symbolify::symbolify,
            )
            .needs::<ExpertData>()
            .needs::<Network>()
            .provides::<Network>()
            .configured_by("library")
            .configured_by("symbolify"),
        )
        .push(
            Stage::new("refine", "fits all constants again, together, simplifies and rounds", refine::refine)
                .needs::<ExpertData>()
                .needs::<Network>()
                .provides::<FaithfulFormula>()
                .configured_by("refine"),
        )
        .push(
            Stage::new("evaluate", "plays expert, network and formula on the same seeds", evaluate::evaluate)
                .needs::<Model>()
                .needs::<FaithfulFormula>()
                .provides::<Evaluation>()
                .configured_by("evaluate"),
        )
        .push(
            Stage::new("record_formula", "films an episode of the formula", record::record_formula)
                .needs::<FaithfulFormula>()
                .provides::<FormulaVideo>()
                .configured_by("environment")
                .configured_by("record"),
        )
        .push(
            Stage::new("report", "writes the formula, the diagram and the metrics", report::report)
                .needs::<ExpertData>()
                .needs::<Network>()
                .needs::<FaithfulFormula>()
                .needs::<Evaluation>()
                .needs::<Model>()
                .needs::<ExpertVideo>()
                .needs::<FormulaVideo>(),
        );
    pipeline
}
